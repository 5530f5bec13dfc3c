// Whether a pod may run on the only node, in the scheduler's words (pkg/scheduler of Kubernetes 1.26).
#pragma once

#include <optional>
#include <string>

#include "devcluster/node/node_room.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

// Empty: it fits. Otherwise the whole message of the PodScheduled condition.
std::optional<std::string> why_unschedulable(const Api& api, const Json& pod, const Json& node_labels,
                                             const std::string& node_name, const NodeRoom& room);

// One nodeSelectorTerm / preference against labels (component-helpers nodeaffinity).
bool matches_term(const Json& term, const Json& labels, const std::string& node_name);

}  // namespace fracta::devcluster
