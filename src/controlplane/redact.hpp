// What of an object may be shown to a person.
#pragma once

#include <string>

#include "fracta/base/json_fwd.hpp"

namespace fracta::controlplane {

// Values of a Secret become "<redacted>" (base64 where the API has bytes); everything else stays.
void redact_secret(Json& object);
std::string main_container_image(const Json& owner);

}  // namespace fracta::controlplane
