// What log, exec and attach ask of a pod before they turn to its node (registry/core/pod of Kubernetes).
#pragma once

#include <string>

#include "devcluster/front/context.hpp"

namespace fracta::devcluster {

// The container meant: the one named, or the only one there is.
Outcome<std::string> choose_container(const Json& pod, const std::string& wanted);

// A boolean option in a query, as apimachinery converts it.
bool option_flag(const Call& call, std::string_view name);

}  // namespace fracta::devcluster
