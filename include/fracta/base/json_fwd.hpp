// Public headers name JSON values by this alias and include nothing heavier. Keys come out sorted, as kubectl prints.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace fracta {
using Json = nlohmann::json;
}
