// The Node object of this machine.
#pragma once

#include "devcluster/node/downward.hpp"
#include "fracta/base/clock.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

// What the machine has; host_ip is the address pods of the host network are reached at.
NodeFacts machine_facts(const std::string& node_name, const std::string& directory);
Json node_labels(const std::string& node_name);
Json make_node_object(const NodeFacts& facts, SystemTime now);

}  // namespace fracta::devcluster
