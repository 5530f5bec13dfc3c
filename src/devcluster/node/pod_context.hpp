// What all pods of the node share.
#pragma once

#include <atomic>
#include <string>

#include "devcluster/node/downward.hpp"
#include "devcluster/node/image.hpp"
#include "devcluster/node/pod_sockets.hpp"
#include "devcluster/node/root_file_system.hpp"
#include "devcluster/parts.hpp"
#include "fracta/base/clock.hpp"

namespace fracta::devcluster {

struct PodContext {
  Api& api;
  const NodeOptions& options;
  const Images& images;
  const Isolation& isolation;
  const NodeFacts& node;
  const Clock& clock;
  PodSockets& sockets;
  const std::atomic<bool>& silent;  // the node is cut off: nothing is reported
};

// "name_namespace(uid)", as kubelets name pods in messages.
std::string pod_label(const Json& pod);

}  // namespace fracta::devcluster
