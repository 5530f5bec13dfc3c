// First pass over a parsed fracta.yaml: are all keys known, has every value the kind its key asks for?
#pragma once

#include "config/report.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::config {

// Unknown keys are warnings, or errors when `strict`.
void check_structure(const Json& root, bool strict, Report& report);

// "a list", "a text", ... for messages.
const char* kind_name(const Json& value);

}  // namespace fracta::config
