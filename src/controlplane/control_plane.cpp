#include "fracta/controlplane/control_plane.hpp"

#include <algorithm>

#include "controlplane/admission.hpp"
#include "controlplane/agent_cache.hpp"
#include "controlplane/agent_redactors.hpp"
#include "controlplane/credential_directory.hpp"
#include "controlplane/credential_refresher.hpp"
#include "controlplane/log_reader.hpp"
#include "controlplane/namespace_check.hpp"
#include "controlplane/pod_lookup.hpp"
#include "controlplane/prepare.hpp"
#include "controlplane/reconciler.hpp"
#include "controlplane/redact.hpp"
#include "controlplane/remover.hpp"
#include "controlplane/spawner.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"

namespace fracta::controlplane {

namespace {

constexpr std::chrono::milliseconds kSeeOwnSpawns{500};  // longest wait for the cache to show a spawn of ours
constexpr std::size_t kMaxReported = 100;                // events in one report()
constexpr std::size_t kMaxReportedText = 1024;           // bytes of each of its texts

std::vector<double> spawn_buckets() { return {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}; }

EventSource::Options event_options(const config::Config& config) {
  EventSource::Options options;
  options.ring_size = static_cast<std::size_t>(std::clamp(config.ring_size, 1, 10'000));
  return options;
}

Error not_found(std::string_view name) {
  auto error = make_error(ErrorCode::kNotFound, "agent \"" + shorten(name, 80) + "\" not found");
  error.reason = "NotFound";
  return error;
}

}  // namespace

class ControlPlane::Impl {
 public:
  Impl(std::shared_ptr<const config::Config> config, kube::Client& client, const Clock& clock, MetricsRegistry& metrics,
       Options options)
      : config_(std::move(config)),
        clock_(clock),
        metrics_(metrics),
        options_(options),
        events_(clock, event_options(*config_)),
        cache_(std::make_shared<AgentCache>(client, clock, config_->kubernetes.ns, &metrics,
                                            [this](const std::string& id) { changed(id); })),
        admission_(
            clock, config_->reaper_max_concurrent, [this] { return cache_->unfinished(); },
            [this](const std::string& id) { return cache_->view(id).exists(); }),
        spawner_(client, config_->kubernetes.ns, options.call_timeout),
        remover_(client, *cache_, config_->kubernetes.ns, options.call_timeout),
        directory_(options.credential_store, clock),
        redactors_(config_, client, directory_, clock, options.call_timeout),
        log_reader_(client, *cache_, events_, config_->kubernetes.ns, options.call_timeout),
        reconciler_({config_, client, clock, metrics, *cache_, events_, admission_, remover_,
                     [this](const AgentView& view, const std::string& text) { return redacted(view, text); }},
                    options),
        refresher_({config_, client, clock, metrics, *cache_, events_, options.credential_source, options.call_timeout,
                    options.credential_retry}),
        pod_lookup_(client, *cache_, config_->kubernetes.ns, options.call_timeout),
        namespace_check_(client, config_->kubernetes.ns, options.call_timeout) {
    register_metrics();
  }
  ~Impl() { stop(); }

  void start() {
    namespace_check_.start();
    reconciler_.start();
    refresher_.start();
    cache_->start();
  }

  void stop() {
    stop_.request_stop();
    events_.close();
    namespace_check_.stop();
    reconciler_.stop();
    refresher_.stop();
    cache_->stop();
  }

  Result<SpawnResult> spawn(const SpawnRequest& request) {
    auto begin = clock_.steady_now();
    auto result = spawn_now(request);
    auto mode = request.mode.empty() ? config_->default_mode : request.mode;
    if (mode != "batch" && mode != "stream") mode = "other";  // a label's values are a closed set
    metrics_
        .counter("fracta_spawns_total", "Spawns by mode and result.",
                 {{"mode", mode}, {"result", result ? "success" : std::string(to_string(result.error().code))}})
        .add();
    spawn_seconds_->observe(std::chrono::duration<double>(clock_.steady_now() - begin).count());
    return result;
  }

  Result<DryRunResult> dry_run(const SpawnRequest& request, DryRun kind) {
    auto prepared = prepare(request, *config_, clock_, {nullptr, directory_.remembered(), options_.endpoint},
                            CredentialMode::kDryRun, stop_.get_token());
    if (!prepared) return prepared.error();
    Json objects = Json::array();
    if (kind == DryRun::kClient) {
      objects.push_back(*prepared->objects.owner);
      objects.push_back(*prepared->objects.config_map);
      if (prepared->objects.secret) objects.push_back(*prepared->objects.secret);
    } else {
      auto stored = spawner_.server_dry_run(*prepared, stop_.get_token());
      if (!stored) return stored.error();
      objects = *std::move(stored);
    }
    for (auto& object : objects) redact_secret(object);
    DryRunResult result;
    result.resolved = make_result(*prepared, *config_);
    result.tier = prepared->spec.tier;
    result.image = main_container_image(objects.front());
    result.objects = std::make_shared<const Json>(std::move(objects));
    return result;
  }

  Result<std::vector<AgentInfo>> list() {
    FRACTA_TRY(need_sync());
    admission_.wait_until_seen("", kSeeOwnSpawns);
    std::vector<AgentInfo> out;
    auto now = clock_.system_now();
    for (const auto& id : cache_->ids()) {
      auto view = cache_->view(id);
      if (view.exists()) out.push_back(describe(view, now));
    }
    std::sort(out.begin(), out.end(), [](const AgentInfo& a, const AgentInfo& b) { return a.name < b.name; });
    return out;
  }

  Result<AgentInfo> get(std::string_view name) {
    FRACTA_TRY(need_sync());
    auto id = find_id(name);
    if (!id) return id.error();
    const auto view = cache_->view(*id);
    auto info = describe(view, clock_.system_now());
    info.message = redacted(view, info.message);
    return info;
  }

  Result<void> kill(std::string_view name) {
    if (!agent::validate_name(name)) return not_found(name);
    auto removed = remover_.kill(agent::agent_id(name), stop_.get_token());
    if (removed) {
      log::info("controlplane", "agent killed", {{"agent", name}});
      return {};
    }
    return removed.error().code == ErrorCode::kNotFound ? not_found(name) : removed.error();
  }

  Result<void> logs(std::string_view name, const LogQuery& query, const LogReader::Write& write,
                    const std::stop_token& stop) {
    FRACTA_TRY(need_sync());
    auto id = find_id(name);
    if (!id) return id.error();
    // Secrets change while a log is followed.
    auto current = [this, &id, &stop] { return redactors_.of(cache_->view(*id), stop); };
    const auto first = current();
    if (!first) return first.error();
    RedactingStream redacting(*first);
    auto looked = clock_.steady_now();
    auto generation = directory_.generation();
    bool reader_left = false;
    const LogReader::Write pass = [&](std::string_view bytes) {
      if (clock_.steady_now() - looked > AgentRedactors::kFresh || generation != directory_.generation()) {
        generation = directory_.generation();
        looked = clock_.steady_now();
        if (auto now = current()) redacting.use(*std::move(now));  // else what was known goes on
      }
      const std::string seen = redacting.feed(bytes);
      reader_left = !seen.empty() && !write(seen);
      return !reader_left;
    };
    auto result = query.follow ? log_reader_.follow(*id, query, pass, stop) : log_reader_.read(*id, query, pass, stop);
    if (const std::string rest = redacting.finish(); !rest.empty() && !reader_left) write(rest);
    return result;
  }

  Result<std::size_t> report(std::string_view name, std::vector<Event> events) {
    FRACTA_TRY(need_sync());
    auto id = find_id(name);
    if (!id) return id.error();
    const auto known = redactors_.of(cache_->view(*id), stop_.get_token());
    if (!known) return known.error();
    const auto& redactor = *known;
    std::size_t accepted = std::min(events.size(), kMaxReported);
    for (std::size_t i = 0; i < accepted; ++i) {
      auto& event = events[i];
      for (auto* text : {&event.component, &event.category, &event.action, &event.outcome, &event.severity})
        *text = shorten(redactor->redact(*text), 64);
      event.detail = shorten(redactor->redact(event.detail), kMaxReportedText);
      if (event.attributes.size() > 20) event.attributes.resize(20);
      for (auto& [key, value] : event.attributes) {
        key = shorten(redactor->redact(key), 64);
        value = shorten(redactor->redact(value), 256);
      }
      event.task = std::string(name);
      events_.publish(std::move(event));
    }
    return accepted;
  }

  [[nodiscard]] credentials::CredentialStore* credential_store() const { return directory_.store(); }
  [[nodiscard]] credentials::CredentialStore* remembered_credentials() const { return directory_.remembered(); }

  [[nodiscard]] Result<std::vector<AgentInfo>> agents_with_credential(std::string_view id) {
    auto all = list();
    if (!all) return all.error();
    auto has = [&](const AgentInfo& info) {
      return !info.terminal && std::any_of(info.credentials.begin(), info.credentials.end(),
                                           [&](const BoundCredential& bound) { return bound.id == id; });
    };
    all->erase(std::remove_if(all->begin(), all->end(), [&](const AgentInfo& info) { return !has(info); }), all->end());
    return all;
  }

  [[nodiscard]] Result<AgentInfo> agent_of_pod(std::string_view name, std::string_view uid) {
    FRACTA_TRY(need_sync());
    auto id = pod_lookup_.agent_of(name, uid, stop_.get_token());
    if (!id) return id.error();
    return describe(cache_->view(*id), clock_.system_now());
  }

  [[nodiscard]] std::vector<Check> checks() const {
    Check caches{"caches", ready(), ready() ? "" : "waiting for the first list of Jobs and Pods"};
    return {caches, cache_->reachable(), namespace_check_.state()};
  }

  [[nodiscard]] bool ready() const { return cache_->synced() && reconciler_.ready(); }
  [[nodiscard]] EventSource& events() { return events_; }
  [[nodiscard]] const config::Config& config() const { return *config_; }

 private:
  // A change of the cache; runs on a reflector's thread, so it only enqueues.
  void changed(const std::string& id) {
    reconciler_.enqueue(id);
    refresher_.changed(id);
  }

  [[nodiscard]] Result<void> need_sync() const {
    if (ready()) return {};
    auto reachable = cache_->reachable();
    auto error = make_error(ErrorCode::kUnavailable, reachable.ok ? "not ready: the list of agents is still being read"
                                                                  : "not ready: API server: " + reachable.message);
    error.reason = "NotReady";
    error.retry_after = std::chrono::milliseconds{1'000};
    return error;
  }

  [[nodiscard]] Result<std::string> find_id(std::string_view name) {
    if (agent::validate_name(name)) {
      auto id = agent::agent_id(name);
      admission_.wait_until_seen(id, kSeeOwnSpawns);
      if (cache_->view(id).exists()) return id;
    }
    return not_found(name);
  }

  // What a container leaves as its message it may have taken from anywhere; the cluster's own words hold no values.
  [[nodiscard]] std::string redacted(const AgentView& view, const std::string& text) {
    if (text.empty()) return text;
    const auto* pod = view.newest_pod();
    const bool by_agent =
        pod != nullptr && std::any_of(pod->containers.begin(), pod->containers.end(), [](const auto& container) {
          return container.kind == agent::ContainerState::Kind::kTerminated && !container.message.empty();
        });
    if (!by_agent) return redactors_.known(view)->redact(text);
    const auto redactor = redactors_.of(view, stop_.get_token());
    return redactor ? (*redactor)->redact(text) : "(not shown: " + redactor.error().message + ")";
  }

  [[nodiscard]] AgentInfo describe(const AgentView& view, SystemTime now) {
    auto info = make_info(view, status_of(view, now), config_->kubernetes.ns);
    if (!info.message.empty()) info.message = redactors_.known(view)->redact(info.message);
    if (auto last = events_.recent(info.name, 1); !last.empty()) info.last_event_at = last.back()->time;
    if (auto condition = refresher_.condition(view.id)) info.conditions.push_back(*std::move(condition));
    return info;
  }

  Result<SpawnResult> spawn_now(const SpawnRequest& request) {
    FRACTA_TRY(need_sync());
    auto prepared = prepare(request, *config_, clock_,
                            {options_.credential_source.get(), directory_.remembered(), options_.endpoint},
                            CredentialMode::kReal, stop_.get_token());
    if (!prepared) return prepared.error();
    auto reservation = admission_.reserve(prepared->objects.id, 3 * options_.call_timeout, stop_.get_token());
    if (!reservation) return reservation.error();
    if (auto view = cache_->view(prepared->objects.id); view.exists() && !may_be_a_repetition(*prepared, view)) {
      auto error = make_error(ErrorCode::kAlreadyExists, "agent \"" + request.task + "\" already exists");
      error.reason = "AlreadyExists";
      return error;
    }
    refresher_.expect(prepared->objects.id, prepared->secret_annotations);
    auto created = spawner_.create(*prepared, stop_.get_token());
    // An agent that was there before has a Secret of its own, with a schedule of its own.
    if (!created || created->existed) refresher_.forget(prepared->objects.id);
    if (!created) return created.error();
    refresher_.changed(prepared->objects.id);
    reservation->commit();
    auto result = make_result(*prepared, *config_);
    result.existed = created->existed;
    announce(result);
    return result;
  }

  // Without a client's request_id nothing can be repeated, and an object of the other kind is never the same spawn. An
  // owner on its way out gets the API server's own answer.
  static bool may_be_a_repetition(const Prepared& prepared, const AgentView& view) {
    return view.stream() == prepared.objects.is_stream() && (prepared.client_request_id || view.deleting());
  }

  void announce(const SpawnResult& result) {
    log::info("controlplane", result.existed ? "agent existed already" : "agent spawned",
              {{"agent", result.name},
               {"kind", result.kind},
               {"object", result.object},
               {"namespace", result.ns},
               {"runtime", result.runtime}});
    if (result.existed) return;
    bool stream = result.kind == "Pod";
    Event event;
    event.component = "runtime.k8s";
    event.category = "agent";
    event.action = stream ? "stream_pod_create" : "job_create";
    event.outcome = "success";
    event.severity = "info";
    event.task = result.name;
    event.attributes = {
        {stream ? "pod_name" : "job_name", result.object}, {"namespace", result.ns}, {"model", result.model}};
    events_.publish(std::move(event));
  }

  void register_metrics() {
    spawn_seconds_ = &metrics_.histogram("fracta_spawn_duration_seconds",
                                         "Time of a spawn, from request to last object created.", spawn_buckets());
    metrics_
        .gauge("fracta_config_info", "Hash of the effective configuration; always 1.",
               {{"hash", config_->hash.substr(0, 16)}})
        .set(1);
    // Read from the cache at scrape time, never counted up and down.
    std::weak_ptr<AgentCache> cache = cache_;
    metrics_.gauge_function("fracta_agents", "Agents in the cluster by phase.",
                            [cache, &clock = clock_] { return count_by_phase(cache.lock(), clock); });
  }

  static std::vector<std::pair<MetricLabels, double>> count_by_phase(const std::shared_ptr<AgentCache>& cache,
                                                                     const Clock& clock) {
    using agent::Phase;
    std::map<std::string, double> counts;
    for (auto phase : {Phase::kQueued, Phase::kPending, Phase::kRunning, Phase::kIdle, Phase::kCompleted,
                       Phase::kFailed, Phase::kStopped})
      counts[std::string(agent::to_string(phase))] = 0;
    if (cache && cache->synced()) {
      auto now = clock.system_now();
      for (const auto& id : cache->ids())
        if (auto view = cache->view(id); view.exists())
          counts[std::string(agent::to_string(status_of(view, now).phase))] += 1;
    }
    std::vector<std::pair<MetricLabels, double>> out;
    for (const auto& [phase, count] : counts) out.push_back({{{"phase", phase}}, count});
    return out;
  }

  // In the order of their dependence; destroyed from the last to the first.
  const std::shared_ptr<const config::Config> config_;
  const Clock& clock_;
  MetricsRegistry& metrics_;
  const Options options_;
  std::stop_source stop_;
  Histogram* spawn_seconds_ = nullptr;
  EventSource events_;
  std::shared_ptr<AgentCache> cache_;
  Admission admission_;
  Spawner spawner_;
  Remover remover_;
  CredentialDirectory directory_;
  AgentRedactors redactors_;
  LogReader log_reader_;
  Reconciler reconciler_;
  CredentialRefresher refresher_;
  PodLookup pod_lookup_;
  NamespaceCheck namespace_check_;
};

ControlPlane::ControlPlane(std::shared_ptr<const config::Config> config, kube::Client& client, const Clock& clock,
                           MetricsRegistry& metrics, Options options)
    : impl_(std::make_unique<Impl>(std::move(config), client, clock, metrics, options)) {}
ControlPlane::~ControlPlane() = default;

void ControlPlane::start() { impl_->start(); }
void ControlPlane::stop() { impl_->stop(); }

bool ControlPlane::wait_until_ready(std::chrono::milliseconds timeout, const std::stop_token& stop) const {
  auto until = std::chrono::steady_clock::now() + timeout;
  while (!impl_->ready()) {
    if (stop.stop_requested() || std::chrono::steady_clock::now() >= until) return false;
    wait_for(stop, std::chrono::milliseconds{2});
  }
  return true;
}

std::vector<Check> ControlPlane::checks() const { return impl_->checks(); }
Result<SpawnResult> ControlPlane::spawn(const SpawnRequest& request) { return impl_->spawn(request); }
Result<DryRunResult> ControlPlane::dry_run(const SpawnRequest& request, DryRun kind) {
  return impl_->dry_run(request, kind);
}
Result<std::vector<AgentInfo>> ControlPlane::list() const { return impl_->list(); }
Result<AgentInfo> ControlPlane::get(std::string_view name) const { return impl_->get(name); }
Result<void> ControlPlane::kill(std::string_view name) { return impl_->kill(name); }

Result<void> ControlPlane::logs(std::string_view name, const LogQuery& query,
                                const std::function<bool(std::string_view)>& write, const std::stop_token& stop) {
  return impl_->logs(name, query, write, stop);
}

Result<ControlPlane::Output> ControlPlane::log_tail(std::string_view name, const LogQuery& query, std::size_t max_bytes,
                                                    const std::stop_token& stop) {
  Output output;
  // Twice the size before it is cut back: the head is moved away seldom, and memory stays bounded.
  auto cut = [&](std::size_t keep) {
    if (output.text.size() <= keep) return;
    output.text.erase(0, output.text.size() - keep);
    output.truncated = true;
  };
  auto result = impl_->logs(
      name, query,
      [&](std::string_view bytes) {
        output.text.append(bytes);
        if (output.text.size() > 2 * max_bytes) cut(max_bytes);
        return true;
      },
      stop);
  if (!result) return result.error();
  cut(max_bytes);
  if (output.truncated)
    if (auto line = output.text.find('\n'); line != std::string::npos && line + 1 < output.text.size())
      output.text.erase(0, line + 1);
  return output;
}

Result<std::size_t> ControlPlane::report(std::string_view name, std::vector<Event> events) {
  return impl_->report(name, std::move(events));
}
credentials::CredentialStore* ControlPlane::credential_store() const { return impl_->credential_store(); }
credentials::CredentialStore* ControlPlane::remembered_credentials() const { return impl_->remembered_credentials(); }
Result<std::vector<AgentInfo>> ControlPlane::agents_with_credential(std::string_view id) const {
  return impl_->agents_with_credential(id);
}
Result<AgentInfo> ControlPlane::agent_of_pod(std::string_view name, std::string_view uid) const {
  return impl_->agent_of_pod(name, uid);
}
EventSource& ControlPlane::events() { return impl_->events(); }
const config::Config& ControlPlane::config() const { return impl_->config(); }

}  // namespace fracta::controlplane
