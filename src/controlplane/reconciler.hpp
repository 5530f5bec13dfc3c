// One reconcile function for every agent, level-triggered: looks at what is, tells what has changed, does one step.
//
// Steps it may take, and nothing else: delete an owner whose deadline has passed (reaper.max_age or the deadline
// annotation), delete an owner that has no ConfigMap because its spawn died half-way (reason IncompleteSpawn), and read
// the Events of a Job that has had no pod for a while.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "controlplane/admission.hpp"
#include "controlplane/agent_cache.hpp"
#include "controlplane/remover.hpp"
#include "fracta/agent/state.hpp"
#include "fracta/base/clock.hpp"
#include "fracta/base/metrics.hpp"
#include "fracta/config/config.hpp"
#include "fracta/controlplane/control_plane.hpp"
#include "fracta/controlplane/event_source.hpp"
#include "fracta/kube/client.hpp"
#include "fracta/kube/work_queue.hpp"

namespace fracta::controlplane {

class Reconciler {
 public:
  struct Parts {
    std::shared_ptr<const config::Config> config;
    kube::Client& client;
    const Clock& clock;
    MetricsRegistry& metrics;
    AgentCache& cache;
    EventSource& events;
    Admission& admission;
    Remover& remover;
    // Text that an agent may have written, before it is shown.
    std::function<std::string(const AgentView&, const std::string&)> redact;
  };
  Reconciler(Parts parts, Options options);
  ~Reconciler();

  void enqueue(const std::string& id) { queue_.add(id); }
  // Waits for the caches, takes what is there as known (an agent found at start-up is not news), then works.
  void start();
  void stop();
  [[nodiscard]] bool ready() const { return primed_.load(); }

 private:
  struct Known {
    std::string uid, name;
    agent::Phase phase = agent::Phase::kPending;
    std::string reason;
    bool started = false;  // lifecycle.started was told
    SteadyTime first_seen{};
    bool complete = false;  // its ConfigMap was seen
    std::optional<SteadyTime> asked_events_at;
    std::chrono::seconds events_backoff{30};
  };
  using Delay = std::optional<std::chrono::milliseconds>;  // look again after; empty = when something changes

  void prime();
  void work(const std::stop_token& stop);
  void resync(const std::stop_token& stop);
  void observe(const std::string& id, const std::stop_token& stop);
  Result<Delay> reconcile(const std::string& id, const std::stop_token& stop);
  void gone(const std::string& id);
  Known update(const AgentView& view, const agent::AgentStatus& status);
  void tell(const AgentView& view, const agent::AgentStatus& status, const Known& before, bool first);
  void publish(const AgentView& view, const agent::AgentStatus& status, const char* action, const char* outcome,
               const char* severity);
  Result<Delay> enforce_deadline(const AgentView& view, const std::stop_token& stop);
  Result<Delay> check_complete(const AgentView& view, const Known& known, const std::stop_token& stop);
  Result<Delay> explain_waiting(const AgentView& view, const Known& known, const std::stop_token& stop);
  Result<bool> has_dependents(const AgentView& view, const std::stop_token& stop);

  Parts parts_;
  const Options options_;
  kube::WorkQueue queue_;
  Counter& succeeded_;
  Counter& requeued_;
  Counter& failed_;
  Counter& errors_;
  Histogram& time_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // what was last told about each agent; rebuilt at start
  std::atomic<bool> primed_{false};
  std::vector<std::jthread> threads_;  // last: stop before the rest goes
};

}  // namespace fracta::controlplane
