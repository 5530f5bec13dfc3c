// Warnings about pods and pod templates that are accepted, but hardly meant so.
#pragma once

#include <string>
#include <vector>

#include "devcluster/schema/kinds.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

// `old` null: a creation. Adds to `warnings`.
void add_pod_warnings(const Kind& kind, const Json& object, const Json* old, std::vector<std::string>& warnings);

}  // namespace fracta::devcluster
