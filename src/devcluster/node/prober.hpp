// One probe of one running container (pkg/kubelet/prober): readiness, liveness or startup, by exec, httpGet or
// tcpSocket, with the kubelet's thresholds and messages. Each has a thread, which ends with the object.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <thread>

#include "devcluster/node/launch.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

enum class ProbeType { kReadiness, kLiveness, kStartup };

struct ProbeTarget {
  int pidfd = -1;   // of the container; outlives the prober
  LaunchPlan exec;  // environment, user and working directory of the container
  std::string pod_ip;
  std::map<std::string, int> ports;  // named container ports
};

struct ProbeReport {
  ProbeType type;
  bool success = false;
  bool settled = false;  // the threshold was reached: the state changes
  std::string message;   // `Readiness probe failed: ...` for an Event; empty on success
};

class Prober {
 public:
  Prober(ProbeType type, const Json& probe, ProbeTarget target, std::function<void(ProbeReport)> report);
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;
  [[nodiscard]] ProbeType type() const { return type_; }

 private:
  void run(const std::stop_token& stop);
  struct Answer {
    bool success = false;
    std::string output;
  };
  Answer once(const std::stop_token& stop);
  Answer exec(const Json& action, const std::stop_token& stop);
  Answer http(const Json& action, const std::stop_token& stop);
  Answer tcp(const Json& action);
  [[nodiscard]] int port_of(const Json& action) const;

  ProbeType type_;
  std::shared_ptr<const Json> probe_;
  ProbeTarget target_;
  std::function<void(ProbeReport)> report_;
  std::chrono::milliseconds timeout_;
  std::jthread thread_;  // last: starts when all else is there
};

// Where a program is looked for: itself when it has a slash, else on PATH of `environment` ("K=V").
std::vector<std::string> program_candidates(const std::string& program, const std::vector<std::string>& environment);

}  // namespace fracta::devcluster
