#include "controlplane/reconciler.hpp"

#include <algorithm>

#include "fracta/agent/spec.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::controlplane {

namespace {

using std::chrono::milliseconds;

constexpr const char* kController = "agent";

constexpr std::chrono::seconds kMaxEventsBackoff{600};

std::vector<double> reconcile_buckets() { return {0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30}; }

Counter& reconcile_total(MetricsRegistry& metrics, const char* result) {
  return metrics.counter("controller_runtime_reconcile_total", "Reconciliations by controller and result.",
                         {{"controller", kController}, {"result", result}});
}

std::optional<milliseconds> sooner(std::optional<milliseconds> a, std::optional<milliseconds> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

bool container_started(const AgentView& view) {
  for (const auto& pod : view.pods)
    for (const auto& container : pod->containers)
      if (container.kind != agent::ContainerState::Kind::kWaiting) return true;
  return false;
}

bool keeps_from_starting(const std::string& reason) {
  return reason == "FailedMount" || reason == "FailedAttachVolume" || reason == "FailedCreatePodSandBox";
}

// A kubelet says the one and the other by turns, every few minutes, for as long as the image cannot be had.
bool pulls_in_vain(const std::string& reason) { return reason == "ErrImagePull" || reason == "ImagePullBackOff"; }

bool same_agent(const std::string& uid, const AgentView& view) { return uid == view.uid(); }

}  // namespace

Reconciler::Reconciler(Parts parts, Options options)
    : parts_(std::move(parts)),
      options_(options),
      queue_(parts_.clock, kController, &parts_.metrics),
      succeeded_(reconcile_total(parts_.metrics, "success")),
      requeued_(reconcile_total(parts_.metrics, "requeue_after")),
      failed_(reconcile_total(parts_.metrics, "error")),
      errors_(parts_.metrics.counter("controller_runtime_reconcile_errors_total", "Reconciliations that failed.",
                                     {{"controller", kController}})),
      time_(parts_.metrics.histogram("controller_runtime_reconcile_time_seconds", "Time of one reconciliation.",
                                     reconcile_buckets(), {{"controller", kController}})) {
  parts_.metrics
      .gauge("controller_runtime_max_concurrent_reconciles", "Reconcile workers.", {{"controller", kController}})
      .set(options_.reconcile_workers);
}

Reconciler::~Reconciler() { stop(); }

void Reconciler::start() {
  for (int i = 0; i < options_.reconcile_workers; ++i)
    threads_.emplace_back([this, first = i == 0](const std::stop_token& stop) {
      while (!primed_.load() && !stop.stop_requested()) {
        if (!parts_.cache.wait_until_synced(std::chrono::seconds{1}, stop)) continue;
        if (first)
          prime();
        else
          wait_for(stop, milliseconds{5});
      }
      work(stop);
    });
  threads_.emplace_back([this](const std::stop_token& stop) { resync(stop); });
}

void Reconciler::stop() {
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();
}

void Reconciler::prime() {
  auto now = parts_.clock.system_now();
  for (const auto& id : parts_.cache.ids()) {
    auto view = parts_.cache.view(id);
    if (view.exists()) update(view, status_of(view, now));
    queue_.add(id);  // its deadline and completeness are looked at once
  }
  primed_.store(true);
}

void Reconciler::work(const std::stop_token& stop) {
  while (auto id = queue_.get(stop)) {
    observe(*id, stop);
    queue_.done(*id);
  }
}

void Reconciler::resync(const std::stop_token& stop) {
  while (wait_for(stop, options_.resync))
    for (const auto& id : parts_.cache.ids()) queue_.add(id);
}

void Reconciler::observe(const std::string& id, const std::stop_token& stop) {
  auto begin = parts_.clock.steady_now();
  auto result = reconcile(id, stop);
  time_.observe(std::chrono::duration<double>(parts_.clock.steady_now() - begin).count());
  if (!result) {
    if (result.error().code == ErrorCode::kCanceled) return;
    failed_.add();
    errors_.add();
    log::warn("controlplane", "reconcile failed; it will be tried again",
              {{"controller", kController}, {"agent", id}, {"error", result.error().message}});
    queue_.add_rate_limited(id);
    return;
  }
  queue_.forget(id);
  if (*result) {
    requeued_.add();
    // Half a second on top at most: a thousand agents with one deadline shall not wake up at once.
    queue_.add_after(id, **result + milliseconds{static_cast<int>(random_fraction() * 500)});
  } else {
    succeeded_.add();
  }
}

Result<Reconciler::Delay> Reconciler::reconcile(const std::string& id, const std::stop_token& stop) {
  auto view = parts_.cache.view(id);
  if (!view.exists()) {
    gone(id);
    return Delay{};
  }
  parts_.admission.seen(id);
  auto now = parts_.clock.system_now();
  auto until = [&](SystemTime at) {
    return std::max(std::chrono::duration_cast<milliseconds>(at - now), milliseconds{0}) + milliseconds{1};
  };
  auto status = status_of(view, now);
  auto known = update(view, status);
  if (view.deleting() || agent::is_terminal(status.phase)) return Delay{};
  auto again = enforce_deadline(view, stop);
  if (!again) return again;
  if (status.reconsider_at) *again = sooner(*again, until(*status.reconsider_at));
  if (status.phase == agent::Phase::kPending || status.phase == agent::Phase::kQueued) {
    auto complete = check_complete(view, known, stop);
    if (!complete) return complete;
    auto explained = explain_waiting(view, known, stop);
    if (!explained) return explained;
    *again = sooner(*again, sooner(*complete, *explained));
  }
  return again;
}

void Reconciler::gone(const std::string& id) {
  Known last;
  {
    std::lock_guard lock(mutex_);
    auto it = known_.find(id);
    if (it == known_.end()) return;
    last = std::move(it->second);
    known_.erase(it);
  }
  Event event;
  event.component = "agentlifecycle";
  event.category = "agent_activity";
  event.task = last.name;
  event.outcome = "success";
  event.attributes = {{"backend", "kubernetes"}};
  if (!agent::is_terminal(last.phase)) {
    event.action = "lifecycle.stopped";
    event.severity = "warn";
    event.detail = "its object was deleted";
    parts_.events.publish(event);
  }
  event.action = "removed";
  event.severity = "info";
  event.detail.clear();
  parts_.events.publish(event);
  parts_.events.retire(last.name);
}

// Remembers what is and tells what has changed since. Returns what is known after the step.
Reconciler::Known Reconciler::update(const AgentView& view, const agent::AgentStatus& status) {
  Known before, after;
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    auto& known = known_[view.id];
    first = !same_agent(known.uid, view);
    if (first) known = Known{};
    before = known;
    known.uid = view.uid();
    known.name = view.name();
    if (first) known.first_seen = parts_.clock.steady_now();
    known.phase = status.phase;
    known.reason = status.reason;
    known.started = known.started || status.started_at || status.phase == agent::Phase::kRunning ||
                    status.phase == agent::Phase::kIdle;
    known.complete = known.complete || container_started(view);
    after = known;
  }
  if (primed_.load() && (first || before.phase != after.phase || before.reason != after.reason))
    tell(view, status, before, first);
  return after;
}

void Reconciler::tell(const AgentView& view, const agent::AgentStatus& status, const Known& before, bool first) {
  using agent::Phase;
  bool running = status.phase == Phase::kRunning || status.phase == Phase::kIdle;
  bool ran = running || status.started_at.has_value();
  if (ran && !before.started) publish(view, status, "lifecycle.started", "success", "info");
  bool changed = first || before.phase != status.phase;
  if (changed && status.phase == Phase::kCompleted)
    return publish(view, status, "lifecycle.completed", "success", "info");
  if (changed && status.phase == Phase::kFailed) return publish(view, status, "lifecycle.failed", "failure", "error");
  if (changed && status.phase == Phase::kStopped) return publish(view, status, "lifecycle.stopped", "success", "warn");
  bool waiting = status.phase == Phase::kPending || status.phase == Phase::kQueued;
  if (waiting && !changed && pulls_in_vain(before.reason) && pulls_in_vain(status.reason)) return;
  if (waiting && !status.next_step.empty() && before.reason != status.reason)
    return publish(view, status, "lifecycle.stuck", "failure", "warn");
  if (changed && running && !before.started) return;  // lifecycle.started said it
  publish(view, status, "status", "success", "info");
}

void Reconciler::publish(const AgentView& view, const agent::AgentStatus& status, const char* action,
                         const char* outcome, const char* severity) {
  Event event;
  event.component = "agentlifecycle";
  event.category = "agent_activity";
  event.action = action;
  event.outcome = outcome;
  event.severity = severity;
  event.task = view.name();
  event.detail = parts_.redact(view, status.message);
  event.attributes = {{"phase", std::string(agent::to_string(status.phase))}, {"backend", "kubernetes"}};
  auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) event.attributes.emplace_back(key, value);
  };
  add("runtime", view.job ? view.job->runtime : view.pods.empty() ? "" : view.pods.front()->runtime);
  add("reason", status.reason);
  add("pod_name", status.pod_name);
  if (status.exit_code) add("exit_code", std::to_string(*status.exit_code));
  log::write(event.severity == "info" ? log::Level::kInfo : log::Level::kWarn, "events", action,
             {{"agent", event.task},
              {"phase", agent::to_string(status.phase)},
              {"reason", status.reason},
              {"detail", shorten(event.detail, 300)}});
  parts_.events.publish(std::move(event));
}

Result<Reconciler::Delay> Reconciler::enforce_deadline(const AgentView& view, const std::stop_token& stop) {
  auto deadline = view.deadline();
  // A century is never, and still can be added to any date.
  const auto max_age =
      std::min(parts_.config->reaper_max_age, std::chrono::nanoseconds{std::chrono::hours{24 * 36'500}});
  // The configuration of today also ends agents that were spawned under another one.
  if (auto created = view.created_at(); created && max_age.count() > 0) {
    auto oldest = *created + std::chrono::duration_cast<SystemTime::duration>(max_age);
    if (!deadline || oldest < *deadline) deadline = oldest;
  }
  if (!deadline) return Delay{};
  const auto now = parts_.clock.system_now();
  if (*deadline > now) {
    // An hour at most: timers count on a clock that may be set, the deadline does not.
    const auto left = std::chrono::duration_cast<milliseconds>(*deadline - now) + milliseconds{1};
    return Delay{std::min(left, milliseconds{std::chrono::hours{1}})};
  }
  FRACTA_TRY(parts_.remover.remove_owner(view, stop));
  Event event;
  event.component = "reconciler";
  event.category = "agent_activity";
  event.action = "reap";
  event.outcome = "success";
  event.severity = "warn";
  event.task = view.name();
  event.detail = "reaped: max_age";
  event.attributes = {{"reason", "max_age"}, {"deadline", format_rfc3339(*deadline)}};
  log::warn("controlplane", "agent reached its deadline and was deleted",
            {{"agent", event.task}, {"deadline", format_rfc3339(*deadline)}});
  parts_.events.publish(std::move(event));
  return Delay{};
}

Result<Reconciler::Delay> Reconciler::check_complete(const AgentView& view, const Known& known,
                                                     const std::stop_token& stop) {
  if (known.complete) return Delay{};
  // Measured from when this process first saw it: no clock of another machine is trusted, and a spawn that another
  // replica has in hand gets the same grace.
  auto seen = std::chrono::duration_cast<milliseconds>(parts_.clock.steady_now() - known.first_seen);
  if (parts_.admission.in_flight(view.id)) return Delay{options_.incomplete_after};
  if (seen < options_.incomplete_after) return Delay{options_.incomplete_after - seen};
  auto has = has_dependents(view, stop);
  if (!has) return has.error();
  if (*has) {
    std::lock_guard lock(mutex_);
    if (auto it = known_.find(view.id); it != known_.end() && same_agent(it->second.uid, view))
      it->second.complete = true;
    return Delay{};
  }
  FRACTA_TRY(parts_.remover.remove_owner(view, stop));
  Event event;
  event.component = "reconciler";
  event.category = "agent_activity";
  event.action = "lifecycle.failed";
  event.outcome = "failure";
  event.severity = "error";
  event.task = view.name();
  event.detail =
      "its spawn ended half-way and its ConfigMap or Secret was never created; it was removed, spawn it again";
  event.attributes = {{"reason", "IncompleteSpawn"}, {"backend", "kubernetes"}};
  log::warn("controlplane", "removed an agent whose spawn had died half-way",
            {{"agent", event.task}, {"reason", "IncompleteSpawn"}});
  parts_.events.publish(std::move(event));
  return Delay{};
}

Result<bool> Reconciler::has_dependents(const AgentView& view, const std::stop_token& stop) {
  kube::CallContext call{options_.call_timeout, stop};
  const auto& ns = parts_.config->kubernetes.ns;
  auto exists = [&](const kube::Resource& resource, const std::string& name) -> Result<bool> {
    auto found = parts_.client.get(resource, ns, name, call);
    if (found) return true;
    if (found.error().code == ErrorCode::kNotFound) return false;
    return found.error();
  };
  auto config_map = exists(kube::kConfigMaps, agent::config_map_name(view.id));
  if (!config_map || !*config_map) return config_map;
  // A Secret is missed only by a pod that cannot start without it.
  auto owner = view.stream() ? parts_.client.get(kube::kPods, ns, agent::stream_pod_name(view.id), call)
                             : parts_.client.get(kube::kJobs, ns, agent::job_name(view.id), call);
  if (!owner) {
    if (owner.error().code == ErrorCode::kNotFound) return true;  // gone meanwhile: nothing to do
    return owner.error();
  }
  const auto* volumes = find_path(*owner, view.stream() ? "spec/volumes" : "spec/template/spec/volumes");
  auto secret = agent::auth_secret_name(view.id);
  bool needed = false;
  if (volumes && volumes->is_array())
    for (const auto& volume : *volumes)
      needed = needed || (string_at(volume, "secret/secretName") == secret && !bool_at(volume, "secret/optional"));
  return needed ? exists(kube::kSecrets, secret) : Result<bool>(true);
}

Result<Reconciler::Delay> Reconciler::explain_waiting(const AgentView& view, const Known& known,
                                                      const std::stop_token& stop) {
  const auto* pod = view.newest_pod();
  if (pod == nullptr ? !view.job || view.job->suspended : pod->node.empty() || container_started(view)) return Delay{};
  // Other reasons say enough by themselves.
  if (pod != nullptr && !known.reason.empty() && known.reason != "ContainerCreating" &&
      !keeps_from_starting(known.reason))
    return Delay{};
  const std::string uid = pod == nullptr ? view.job->uid : pod->uid;
  auto now = parts_.clock.steady_now();
  auto due =
      known.asked_events_at ? *known.asked_events_at + known.events_backoff : known.first_seen + options_.no_pod_after;
  if (now < due) return Delay{std::chrono::duration_cast<milliseconds>(due - now)};
  kube::ListOptions options;
  options.field_selector = "involvedObject.uid=" + uid + (pod == nullptr ? ",reason=FailedCreate" : "");
  options.call = {options_.call_timeout, stop};
  std::string reason, message, newest;
  auto listed = parts_.client.list(kube::kEvents, parts_.config->kubernetes.ns, options, [&](const Json& event) {
    auto at = string_at(event, "lastTimestamp", string_at(event, "eventTime"));
    // The kubelet's summary of what it has said before.
    if (at < newest || string_at(event, "message").starts_with("Unable to attach or mount volumes")) return;
    newest = std::move(at);
    reason = string_at(event, "reason");
    message = shorten(string_at(event, "message"), 500);
  });
  // Events are an explanation, never a condition: without the right to read them the agent stays unexplained.
  if (!listed && listed.error().code != ErrorCode::kForbidden) return listed.error();
  auto backoff = known.asked_events_at ? std::min(known.events_backoff * 2, kMaxEventsBackoff) : known.events_backoff;
  {
    std::lock_guard lock(mutex_);
    if (auto it = known_.find(view.id); it != known_.end()) {
      it->second.asked_events_at = now;
      it->second.events_backoff = backoff;
    }
  }
  // Of a pod only the last word counts: what failed before the image was pulled has been overcome.
  if (pod != nullptr && !keeps_from_starting(reason)) reason.clear(), message.clear();
  if (pod != nullptr || !message.empty()) parts_.cache.explain(view.id, uid, std::move(reason), std::move(message));
  return Delay{std::chrono::duration_cast<milliseconds>(backoff)};
}

}  // namespace fracta::controlplane
