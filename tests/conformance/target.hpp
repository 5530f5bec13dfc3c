// What the cases run against: a development cluster inside this process (default), an existing cluster
// (FRACTA_TEST_KUBECONFIG), or binaries started as the field's envtest does (KUBEBUILDER_ASSETS).
#pragma once

#include <memory>
#include <set>
#include <string>

#include "fracta/base/clock.hpp"
#include "fracta/base/result.hpp"
#include "fracta/kube/client_config.hpp"
#include "fracta/net/transport.hpp"

namespace fracta::conformance {

// Servers that live as long as the object.
class Servers {
 public:
  virtual ~Servers() = default;
  [[nodiscard]] virtual std::string kubeconfig() const = 0;
  [[nodiscard]] virtual bool has_node() const = 0;  // one is, or soon will be, ready
};
Result<std::unique_ptr<Servers>> start_devcluster();
Result<std::unique_ptr<Servers>> start_assets(const std::string& directory);  // assets.cpp

struct Target {
  std::unique_ptr<Servers> servers;  // null for an existing cluster
  bool devcluster = false;
  RealClock clock;
  kube::ClientConfig config;
  std::unique_ptr<net::Transport> transport, without_identity;
  int minor = 0;                   // of the server's version
  std::set<std::string> features;  // controllers, scheduler, kubelet, watchlist
  std::string image;               // for pods that run

  // The credentials of the target's user. Errors of an exec plug-in.
  Result<std::string> token();
};

Result<std::unique_ptr<Target>> open_target();

}  // namespace fracta::conformance
