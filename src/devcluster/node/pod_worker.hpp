// Runs one pod: a thread that looks at what the pod should be and what its containers are, does the next step, writes
// the status, and sleeps until something happens (as a kubelet's pod worker). Containers live no longer than the
// thread (see launch.hpp), so stopping it leaves nothing behind.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "devcluster/node/container.hpp"
#include "devcluster/node/pod_context.hpp"

namespace fracta::devcluster {

class PodWorker {
 public:
  PodWorker(const PodContext& context, Object pod);
  ~PodWorker();
  PodWorker(const PodWorker&) = delete;
  PodWorker& operator=(const PodWorker&) = delete;

  // Thread-safe.
  void update(Object pod);
  void object_gone();     // the API object was removed: stop the containers, then end
  void source_changed();  // a ConfigMap or Secret of the namespace: try again, or refresh volumes soon
  void wake();            // look again
  void evict_for_node(std::string message);  // the node needs its disk
  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] const std::string& pod_namespace() const { return namespace_; }
  [[nodiscard]] Result<std::shared_ptr<ContainerLog>> log(const std::string& container, bool previous,
                                                          std::string_view waiting_reason);
  // A duplicate of the container's pidfd, how to run something next to it, and its own streams.
  struct Inside {
    UniqueFd pidfd;
    pid_t pid = -1;  // in our pid namespace; only while pidfd says that it lives
    LaunchPlan plan;
    std::shared_ptr<ContainerStdio> stdio;
  };
  [[nodiscard]] Result<Inside> inside(const std::string& container);

 private:
  void run(const std::stop_token& stop);
  void receive();  // what other threads left: objects, probe reports
  void step();
  void reap();
  void drain(Container& container);
  void ended(Container& container, const ExitState& exit);
  bool terminating();  // true: the pod is on its way out and needs nothing else
  bool volumes_ready();
  bool run_init_containers();
  void run_main_containers();
  [[nodiscard]] bool should_restart(const Container& container) const;
  void try_start(Container& container);
  bool ensure_image(Container& container, Image& image);
  void started(Container& container);
  void running(Container& container);
  void advance_start(Container& container);
  [[nodiscard]] ProbeTarget target_of(const Container& container) const;
  std::unique_ptr<LifecycleHook> start_hook(Container& container, const Json& handler);
  // pod_worker_limits.cpp
  void enforce_limits();
  [[nodiscard]] std::string storage_problem();
  void evict(const std::string& message);
  void fail_pod(const char* reason, const std::string& message);
  void start_probers(Container& container, bool after_startup);
  void apply(const Container* target, const ProbeReport& report);
  void stop_container(Container& container, std::chrono::seconds grace, const std::string& message);
  void advance_stop(Container& container);
  void wait_state(Container& container, std::string reason, std::string message);
  void publish();
  void wait(const std::stop_token& stop);
  void event(std::string_view type, std::string_view reason, std::string_view message);
  void event(const Container& container, std::string_view type, std::string_view reason, std::string_view message);
  void wake_at(SteadyTime time) { next_ = std::min(next_, time); }
  [[nodiscard]] bool any_running() const;
  [[nodiscard]] const std::string& pod_ip() const { return address_.empty() ? context_.node.host_ip : address_; }
  template <class Function>
  void each(Function&& function) {
    for (auto& c : containers_) function(*c);
  }

  const PodContext context_;
  const std::string namespace_, name_, uid_, directory_;
  std::string address_;  // the pod's own; empty: the host's
  Object pod_;
  std::string restart_policy_;
  std::vector<std::unique_ptr<Container>> containers_;  // init first, then main, in the pod's order
  Volumes volumes_;
  PodView view_;
  SteadyTime storage_checked_{};
  SteadyTime next_{}, volumes_retry_{}, refresh_at_ = SteadyTime::max(), active_since_{};
  std::chrono::milliseconds volumes_backoff_{500};
  bool prepared_ = false, volumes_mounted_ = false, dirty_ = true, terminal_ = false, ending_ = false, removed_ = false;
  UniqueFd wake_;

  std::mutex mutex_;  // guards what follows
  Object incoming_;
  bool gone_ = false, sources_changed_ = false;
  std::string eviction_;
  std::vector<std::pair<std::string, ProbeReport>> reports_;  // container id
  std::map<std::string, std::pair<std::shared_ptr<ContainerLog>, std::shared_ptr<ContainerLog>>> logs_;
  std::map<std::string, Inside> insides_;

  std::atomic<bool> finished_{false};
  std::jthread thread_;
};

}  // namespace fracta::devcluster
