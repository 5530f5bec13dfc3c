// One container of a pod: its place in the life cycle and, while it runs, its process. Belongs to the pod's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devcluster/node/container_log.hpp"
#include "devcluster/node/container_stdio.hpp"
#include "devcluster/node/launch.hpp"
#include "devcluster/node/lifecycle_hook.hpp"
#include "devcluster/node/memory_limit.hpp"
#include "devcluster/node/pod_context.hpp"
#include "devcluster/node/pod_status.hpp"
#include "devcluster/node/prober.hpp"
#include "devcluster/node/volumes.hpp"

namespace fracta::devcluster {

// flowcontrol.Backoff of client-go with a kubelet's numbers (10 s doubling to 5 min).
class ContainerBackoff {
 public:
  // Time still to wait, counted from `since`; zero = go.
  [[nodiscard]] std::chrono::seconds delay() const { return delay_; }
  [[nodiscard]] bool waiting(SteadyTime since, SteadyTime now) const {
    return delay_.count() > 0 && now - since < delay_;
  }
  void next(SteadyTime now);

 private:
  std::chrono::seconds delay_{0};
  SteadyTime last_{};
};

// The live half of a container.
struct RunningContainer {
  Process process;
  UniqueFd output, error;  // with a terminal everything is output
  std::shared_ptr<ContainerLog> log;
  std::shared_ptr<ContainerStdio> stdio;
  LaunchPlan inside;  // how to run a command next to it
  std::string termination_file;
  std::map<std::string, int> ports;
  SteadyTime started{};
  std::unique_ptr<MemoryLimit> memory;  // null: no limit
  std::unique_ptr<LifecycleHook> post_start, pre_stop;
  std::string post_start_failure;
  bool stopping = false, signalled = false;
  SteadyTime kill_at{};
  std::vector<std::unique_ptr<Prober>> probers;  // they use the process, as the hooks do
};

struct Container {
  Json spec;
  bool init = false;
  ContainerView view;
  std::optional<RunningContainer> run;
  ContainerBackoff crash, pull;
  SteadyTime finished{}, pull_failed{};
  SteadyTime retry_at{};  // waiting states: when to look again
  bool pulled_announced = false;
  std::string stop_message;  // why it is being stopped, for the Killing event
  std::shared_ptr<ContainerLog> log, previous_log;
};

// Everything about starting that can be wrong, in a kubelet's order. On success `container.run` is set.
struct StartProblem {
  std::string reason, message;  // for state.waiting
  bool start_error = false;     // the runtime could not run it: terminated, exit code 128
};
struct PodEnvironment {
  const Json* pod = nullptr;
  const Volumes* volumes = nullptr;
  std::string directory;  // the pod's
  std::string pod_ip, hostname;
};
std::optional<StartProblem> start_container(const PodContext& context, const PodEnvironment& environment,
                                            const Image& image, Container& container);

}  // namespace fracta::devcluster
