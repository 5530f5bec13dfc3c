// Renews credential files in running agents: the agent's Secret gets new bytes ahead of their expiry, the kubelet
// carries them into the pod.
//
// The schedule stands in the Secret's annotations (credentials/schedule.hpp), so a restarted daemon goes on with it: an
// agent seen for the first time has its Secret read once, and only when its runtime's profile delivers files at all.
// A renewal costs one GET and, when bytes have changed, one PATCH; in between there are no requests.
// Which commands may run is decided by the configuration alone, never by what stands in a Secret.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "controlplane/agent_cache.hpp"
#include "fracta/base/clock.hpp"
#include "fracta/base/metrics.hpp"
#include "fracta/config/config.hpp"
#include "fracta/controlplane/agent_info.hpp"
#include "fracta/controlplane/event_source.hpp"
#include "fracta/credentials/plan.hpp"
#include "fracta/credentials/resolver.hpp"
#include "fracta/credentials/schedule.hpp"
#include "fracta/kube/client.hpp"
#include "fracta/kube/work_queue.hpp"

namespace fracta::controlplane {

// Anybody who may write Secrets could put our labels on one: it has to belong to this very agent.
bool belongs_to(const Json& secret, const AgentView& view);

class CredentialRefresher {
 public:
  struct Parts {
    std::shared_ptr<const config::Config> config;
    kube::Client& client;
    const Clock& clock;
    MetricsRegistry& metrics;
    AgentCache& cache;
    EventSource& events;
    std::shared_ptr<credentials::OriginSource> source;  // null: nothing is ever renewed
    std::chrono::milliseconds call_timeout;
    std::chrono::milliseconds retry;  // after a failure; doubled up to five minutes
  };
  explicit CredentialRefresher(Parts parts);
  ~CredentialRefresher();
  void start();
  void stop();

  void changed(const std::string& id);  // something about the agent; only enqueues
  // A spawn of this process is about to create this Secret: its schedule need not be read back.
  void expect(const std::string& id, const config::StringMap& secret_annotations);
  void forget(const std::string& id);  // ... but it failed
  // "CredentialsFresh", or nothing for an agent without credentials that are renewed.
  [[nodiscard]] std::optional<AgentCondition> condition(const std::string& id) const;

 private:
  using Delay = std::optional<std::chrono::milliseconds>;
  struct Entry {
    std::string uid;  // of the owner; empty until seen
    std::optional<credentials::Schedule> schedule;
    SteadyTime due{};      // schedule->refresh_at by the clock that nobody sets
    std::string origins;   // as the annotation lists them
    bool failing = false;  // told already
    std::string failure;   // why
    bool told_expired = false;
    SteadyTime retry_at{};
    int failures = 0;
  };
  struct State {  // shared with the metric, which may be read while this object goes
    std::mutex mutex;
    std::map<std::string, Entry> entries;
  };
  struct Renewal {
    std::map<std::string, std::string> data;  // key -> new bytes
    std::optional<credentials::Schedule> schedule;
    std::string failure;  // of the first origin that failed
    std::chrono::milliseconds retry_after{};
    bool stopped = false;
  };

  void work(const std::stop_token& stop);
  Result<Delay> look(const std::string& id, const std::stop_token& stop);
  [[nodiscard]] std::optional<credentials::Plan> plan_of(const AgentView& view) const;
  Result<Entry> read_entry(const AgentView& view, const credentials::Plan& plan, const std::stop_token& stop);
  Result<Delay> renew(const AgentView& view, const credentials::Plan& plan, Entry entry, const std::stop_token& stop);
  Renewal ask_origins(const credentials::Plan& plan, const Entry& entry, const std::stop_token& stop);
  Result<bool> store(const AgentView& view, const Renewal& renewal, const Entry& entry, const std::stop_token& stop);
  void tell(const AgentView& view, const char* reason, const std::string& message, bool good,
            const std::stop_token& stop);
  void set_schedule(Entry& entry, std::optional<credentials::Schedule> schedule) const;
  [[nodiscard]] Delay until_due(const Entry& entry) const;
  void remember(const std::string& id, Entry entry);
  void register_metrics();

  Parts parts_;
  const bool needed_;  // some runtime's profile delivers files that may expire
  kube::WorkQueue queue_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
  Counter* succeeded_ = nullptr;
  Counter* unchanged_ = nullptr;
  Counter* failed_ = nullptr;
  std::vector<std::jthread> threads_;  // last: stop before the rest goes
};

}  // namespace fracta::controlplane
