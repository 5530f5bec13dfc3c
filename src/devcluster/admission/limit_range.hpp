// LimitRange admission (plugin/pkg/admission/limitranger of Kubernetes 1.26).
#pragma once

#include "devcluster/server/registry.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

// Containers of a new pod get the namespace's default requests and limits where they name none.
void apply_limit_defaults(const Store& store, std::string_view ns, Json& pod);

// Pods when they are made, claims always: minima, maxima and ratios.
Outcome<Done> admit_limits(const Store& store, const Kind& kind, std::string_view ns, const Json& object);

}  // namespace fracta::devcluster
