// A pod's status as a kubelet writes it (pkg/kubelet/kubelet_pods.go, status/generate.go of Kubernetes 1.26): pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

struct ContainerState {
  enum class Kind { kWaiting, kRunning, kTerminated };
  Kind kind = Kind::kWaiting;
  std::string reason, message;
  int exit_code = 0;
  SystemTime started_at{}, finished_at{};
  std::string container_id;
};

struct ContainerView {
  std::string name, image, image_id, container_id;
  ContainerState state;
  std::optional<ContainerState> last;
  int restart_count = 0;
  bool ready = false, started = false;
};

struct PodView {
  std::vector<ContainerView> init, main;
  std::string phase_override, reason, message;  // e.g. Failed / DeadlineExceeded
  std::string host_ip, pod_ip;
  SystemTime start_time{};
};

std::string pod_phase(const Json& spec, const PodView& view);

// The new status, built on the pod's present one (conditions of others stay; lastTransitionTime moves with the status).
Json make_pod_status(const Json& pod, const PodView& view, SystemTime now);

// Guaranteed, Burstable or BestEffort (pkg/apis/core/helper/qos).
std::string qos_class(const Json& spec);

}  // namespace fracta::devcluster
