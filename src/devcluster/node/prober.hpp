// One probe of one running container (pkg/kubelet/prober): readiness, liveness or startup, with the
// kubelet's thresholds and messages. Each has a thread, which ends with the object.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <thread>

#include "devcluster/node/probe_action.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

enum class ProbeType { kReadiness, kLiveness, kStartup };

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

  ProbeType type_;
  std::shared_ptr<const Json> probe_;
  ProbeTarget target_;
  std::function<void(ProbeReport)> report_;
  std::chrono::milliseconds timeout_;
  std::jthread thread_;  // last: starts when all else is there
};

}  // namespace fracta::devcluster
