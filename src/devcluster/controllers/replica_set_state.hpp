// What a ReplicaSet and its pods say, as pure functions (pkg/controller/replicaset of Kubernetes 1.26).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

std::int64_t wanted_replicas(const Json& object);  // spec.replicas

// How long until a ready pod counts as available; 0 = it does. Empty: it is not ready.
std::optional<std::chrono::seconds> until_available(const Json& pod, std::int64_t min_ready_seconds, SystemTime now);

// The pods in the order in which they are given up: those that cost least first.
void order_for_deletion(std::vector<Object>& pods);

// `failure` is why pods could not be created or deleted; empty = all went well.
Json replica_set_status(const Json& replica_set, const std::vector<Object>& active, const std::string& failure,
                        SystemTime now);

Json pod_of_replica_set(const Json& replica_set);

}  // namespace fracta::devcluster
