// What the control plane does to a node that has fallen silent, or that says its disk is full (controllers
// nodelifecycle and tainteviction, scheduler's view), without the minutes a real one takes to notice.
#pragma once

#include <string>

#include "fracta/base/clock.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

// All conditions become Unknown, the taints node.kubernetes.io/unreachable appear, the pods' Ready becomes False.
void mark_node_lost(Api& api, const std::string& node, SystemTime now);
// `status` is what the node reports again.
void mark_node_back(Api& api, const std::string& node, const Json& status, SystemTime now);
void mark_disk_pressure(Api& api, const std::string& node, bool pressure, SystemTime now);

// Deletes the pods of the lost node whose toleration of it is over. `lost_for` since mark_node_lost().
void evict_from_lost_node(Api& api, const std::string& node, std::chrono::seconds lost_for, SystemTime now);

// Whether the pod tolerates a taint; for how long, when that is limited.
struct Toleration {
  bool tolerated = false;
  std::optional<std::int64_t> seconds;
};
Toleration toleration_of(const Json& pod, std::string_view key, std::string_view value, std::string_view effect);

}  // namespace fracta::devcluster
