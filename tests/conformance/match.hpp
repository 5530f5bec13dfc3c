// Whether an answer has the shape a case asks for, and the names a case has captured.
#pragma once

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <string_view>

#include "fracta/base/json_fwd.hpp"

namespace fracta::conformance {

// Captured values: "${uid}" inside a text is replaced by its text; a text that is nothing but "${x}" becomes the value.
using Captures = std::map<std::string, Json>;
std::string fill_text(std::string_view text, const Captures& captures);
Json fill(const Json& value, const Captures& captures);

// '*' stands for any run of characters.
bool glob(std::string_view pattern, std::string_view text);

// "" when `actual` has the shape `wanted`, else what is wrong and where. Objects may have more keys than wanted, lists
// must have as many items. Texts "$any", "$uuid", "$time", "$number", "$absent", "~glob" and objects {"$has": [...]},
// {"$lacks": [...]}, {"$size": n}, {"$exact": v}, {"$not": v}, {"$above": n}, {"$one": [...]} say more than equality.
std::string shape_mismatch(const Json& wanted, const Json& actual, const std::string& path = "");

}  // namespace fracta::conformance
