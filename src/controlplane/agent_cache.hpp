// Jobs and Pods of ours, as list + watch show them, put together by agent id. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fracta/agent/state.hpp"
#include "fracta/base/clock.hpp"
#include "fracta/controlplane/agent_info.hpp"
#include "fracta/controlplane/control_plane.hpp"
#include "fracta/kube/reflector.hpp"

namespace fracta::controlplane {

// Everything known about one agent at one moment. Exactly one of `job` and `stream_pod` owns the other objects.
struct AgentView {
  std::string id;
  std::shared_ptr<const agent::JobSummary> job;
  std::vector<std::shared_ptr<const agent::PodSummary>> pods;  // the Job's, or the stream pod alone
  [[nodiscard]] bool exists() const { return job || !pods.empty(); }
  [[nodiscard]] bool stream() const { return !job && !pods.empty(); }
  [[nodiscard]] const std::string& uid() const;
  [[nodiscard]] const std::string& name() const;  // the agent's name as given at spawn
  [[nodiscard]] bool deleting() const;
  [[nodiscard]] std::optional<SystemTime> created_at() const;
  [[nodiscard]] std::optional<SystemTime> deadline() const;
  [[nodiscard]] const agent::PodSummary* newest_pod() const;
};

class AgentCache {
 public:
  AgentCache(kube::Client& client, const Clock& clock, std::string ns, MetricsRegistry* metrics,
             std::function<void(const std::string& id)> on_change);
  void start();
  void stop();
  [[nodiscard]] bool synced() const;
  bool wait_until_synced(std::chrono::milliseconds timeout, const std::stop_token& stop) const;
  [[nodiscard]] Check reachable() const;  // did the API server answer lately

  [[nodiscard]] AgentView view(const std::string& id) const;
  [[nodiscard]] std::shared_ptr<const agent::PodSummary> pod(
      const std::string& name) const;                      // ours or not; may be null
  [[nodiscard]] std::vector<std::string> ids() const;      // sorted
  [[nodiscard]] std::set<std::string> unfinished() const;  // ids of owners that are neither finished nor being deleted
  // Why the Job with this uid has no pod, or the pod with this uid does not start (then with a reason), learned from
  // Events; kept as long as the Job, or until the next explanation.
  void explain(const std::string& id, const std::string& uid, std::string reason, std::string message);

 private:
  void job_changed(const agent::JobSummary* before, const agent::JobSummary* after);
  void pod_changed(const std::string& key, const agent::PodSummary* before, const agent::PodSummary* after);
  [[nodiscard]] std::string key(const std::string& name) const { return ns_ + "/" + name; }

  const Clock& clock_;
  const std::string ns_;
  const std::function<void(const std::string&)> on_change_;
  mutable std::mutex mutex_;
  std::map<std::string, std::set<std::string>> pods_of_;  // id -> keys in pods_
  struct Explanation {
    std::string uid, reason, message;
  };
  std::map<std::string, Explanation> explanations_;  // by id
  kube::Reflector<agent::JobSummary> jobs_;          // last: their threads call the functions above
  kube::Reflector<agent::PodSummary> pods_;
};

// Whether the pod is what it says: its name or its Job's is the one that its agent id gives.
bool belongs(const agent::PodSummary& pod);

AgentInfo make_info(const AgentView& view, const agent::AgentStatus& status, const std::string& ns);
agent::AgentStatus status_of(const AgentView& view, SystemTime now);

}  // namespace fracta::controlplane
