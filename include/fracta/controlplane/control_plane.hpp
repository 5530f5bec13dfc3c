// The heart of the daemon: spawns, watches and ends agents. Knows nothing of HTTP.
//
// The cluster is the database: everything asked here is answered from a cache of Jobs and Pods that list + watch keep
// current; everything changed here is changed in the API server first. The process may die at any instruction
// (docs/controlplane.md, "Crash safety"). Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/base/metrics.hpp"
#include "fracta/base/result.hpp"
#include "fracta/config/config.hpp"
#include "fracta/controlplane/agent_info.hpp"
#include "fracta/controlplane/bound_credentials.hpp"
#include "fracta/controlplane/event_source.hpp"
#include "fracta/controlplane/spawn.hpp"
#include "fracta/credentials/resolver.hpp"
#include "fracta/kube/client.hpp"

namespace fracta::controlplane {

// Where agents reach this controlplane's API, how they prove there who they are, and what they are to trust there.
// Asked at every spawn, as port and CA are known late and may change.
struct ControlPlaneEndpoint {
  std::function<std::string()> url;  // "https://fracta-controlplane.fracta.svc:9090"; null or "": agents are not told
  std::function<std::string()> ca_pem;  // null or "": the system's CAs
  std::string audience = "fracta";      // of the agents' projected service-account tokens
};

struct Options {
  int reconcile_workers = 2;
  std::chrono::milliseconds call_timeout{10'000};  // one API call of spawn, kill, reconcile
  std::chrono::milliseconds resync{600'000};       // every agent is looked at again
  // An owner without its ConfigMap is deleted once this process has seen it for that long. Longer than any spawn takes.
  std::chrono::milliseconds incomplete_after{90'000};
  std::chrono::milliseconds no_pod_after{30'000};  // then a Job without pod is explained by its Events
  // Gets the values of auth_origins for spawns and for renewals. Null: this controlplane runs no commands.
  std::shared_ptr<credentials::OriginSource> credential_source;
  // Stored credentials. Null: none can be bound.
  std::shared_ptr<credentials::CredentialStore> credential_store;
  std::chrono::milliseconds credential_retry{5'000};  // after a renewal that failed; doubled up to five minutes
  ControlPlaneEndpoint endpoint;
};

struct LogQuery {
  std::int64_t lines = 100;  // <= 0 = everything
  bool follow = false;
  bool timestamps = false;
  std::string since_time;  // RFC 3339 or empty
  std::string container = "agent";
};

// One of the things `readyz` asks.
struct Check {
  std::string name;
  bool ok = false;
  std::string message;  // why not
};

class ControlPlane {
 public:
  // `client`, `clock` and `metrics` outlive it.
  ControlPlane(std::shared_ptr<const config::Config> config, kube::Client& client, const Clock& clock,
               MetricsRegistry& metrics, Options options = {});
  ~ControlPlane();

  // Starts reflectors and reconcile loop; returns at once, works through an API server that is not there yet.
  void start();
  // Ends event subscriptions and waits for the threads. Agents keep running.
  void stop();
  [[nodiscard]] bool wait_until_ready(std::chrono::milliseconds timeout, const std::stop_token& stop = {}) const;
  [[nodiscard]] std::vector<Check> checks() const;  // caches, apiserver, namespace

  // kInvalid: the request or the built pod is refused; kAlreadyExists: upstream's text; kResourceExhausted:
  // max_concurrent; kUnavailable before the first sync; kDeadlineExceeded: outcome unknown; else the API server's
  // error.
  Result<SpawnResult> spawn(const SpawnRequest& request);
  Result<DryRunResult> dry_run(const SpawnRequest& request, DryRun kind);

  [[nodiscard]] Result<std::vector<AgentInfo>> list() const;  // sorted by name; kUnavailable before the first sync
  [[nodiscard]] Result<AgentInfo> get(std::string_view name) const;  // kNotFound
  Result<void> kill(std::string_view name);                          // kNotFound; leftovers are removed all the same

  // Calls `write` with pieces of whole lines until the log (when following: the agent) ends, `write` returns false or
  // stop.
  Result<void> logs(std::string_view name, const LogQuery& query, const std::function<bool(std::string_view)>& write,
                    const std::stop_token& stop);
  // The last `max_bytes` of what logs() would write, on a line border where possible.
  struct Output {
    std::string text;
    bool truncated = false;
  };
  Result<Output> log_tail(std::string_view name, const LogQuery& query, std::size_t max_bytes,
                          const std::stop_token& stop);

  // Stores what an agent reports about itself; returns how many were kept.
  Result<std::size_t> report(std::string_view name, std::vector<Event> events);

  // Stored credentials: null when there is no store.
  [[nodiscard]] credentials::CredentialStore* credential_store() const;
  // For agents, which ask every few seconds: what it reads may be seconds old, unless it was changed through this
  // controlplane. Null without store.
  [[nodiscard]] credentials::CredentialStore* remembered_credentials() const;
  // Live agents that may fetch this credential.
  [[nodiscard]] Result<std::vector<AgentInfo>> agents_with_credential(std::string_view id) const;
  // Whether the pod `name` with `uid` is a live pod of an agent of ours, and of which; kForbidden says why not.
  [[nodiscard]] Result<AgentInfo> agent_of_pod(std::string_view name, std::string_view uid) const;

  [[nodiscard]] EventSource& events();
  [[nodiscard]] const config::Config& config() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fracta::controlplane
