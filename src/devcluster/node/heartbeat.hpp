// The node's Lease in kube-node-lease, renewed as a kubelet does it: whoever wonders whether a node lives looks there.
#pragma once

#include <string>
#include <thread>

#include "fracta/base/clock.hpp"
#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

// Renews from construction to destruction.
class NodeHeartbeat {
 public:
  NodeHeartbeat(Api& api, std::string node);

 private:
  void run(const std::stop_token& stop);
  void renew();

  Api& api_;
  const std::string node_;
  RealClock clock_;
  std::jthread thread_;
};

}  // namespace fracta::devcluster
