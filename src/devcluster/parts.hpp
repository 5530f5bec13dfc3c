// The seams between the development cluster's three parts: the API server (server/, store/, schema/), the controllers
// (controllers/) and the node (node/). Controllers and node see nothing of the API server but Api.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fracta/devcluster/api.hpp"
#include "fracta/devcluster/devcluster.hpp"

namespace fracta::devcluster {

struct ControllerOptions {
  std::string root_ca_pem;  // published as ConfigMap kube-root-ca.crt in every namespace
};

// Job, garbage collection, namespaces, service accounts, ... Each controller owns its threads; stop() joins them.
class Controllers {
 public:
  virtual ~Controllers() = default;  // stops
  virtual void start() = 0;
  virtual void stop() = 0;
};
std::unique_ptr<Controllers> make_controllers(Api& api, ControllerOptions options);

struct NodeOptions {
  std::string name = "fracta-dev";
  std::string directory;                      // pod directories and logs; exists, 0700
  std::map<std::string, std::string> images;  // as Options::images
  bool any_image_is_host = true;
  std::vector<std::string> host_entrypoint;  // as Options::host_entrypoint
  std::chrono::milliseconds volume_sync{1'000};
  std::optional<FakePods> fake;  // as Options::fake_node
  std::string api_host;          // KUBERNETES_SERVICE_HOST / _PORT of containers
  int api_port = 0;
};

// Registers its Node object, runs the pods bound to it (and, being the only node, binds pending ones). stop() kills
// every process it started.
class Node : public NodeServices {
 public:
  virtual void start() = 0;
  virtual void stop() = 0;
  // Faults, thread-safe. A lost node is cut off from the cluster: its processes run on, but nothing of them is heard,
  // nothing reaches them, and the control plane marks node and pods (NodeNotReady, taint unreachable) and deletes the
  // pods that do not tolerate it, which then stay Terminating until the node is back.
  virtual void set_lost(bool /*lost*/) {}
  // A full disk: condition DiskPressure, taint disk-pressure, and every pod that is not critical is evicted.
  virtual void set_disk_full(bool /*full*/) {}
};
std::unique_ptr<Node> make_node(Api& api, NodeOptions options);
std::unique_ptr<Node> make_fake_node(Api& api, NodeOptions options);

}  // namespace fracta::devcluster
