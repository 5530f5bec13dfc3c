#include "controlplane/credential_refresher.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fracta/agent/spec.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"
#include "fracta/credentials/materialize.hpp"

namespace fracta::controlplane {

namespace {

using std::chrono::milliseconds;

constexpr int kWorkers = 4;                                  // a command that hangs shall not hold up the others
constexpr milliseconds kLongestWait{std::chrono::hours{1}};  // the wall clock may be set meanwhile
constexpr milliseconds kLongestBackoff{300'000};
constexpr milliseconds kMissingSecret{30'000};  // the spawn may still be creating it
constexpr const char* kFailed = "CredentialRefreshFailed";
constexpr const char* kExpired = "CredentialExpired";
constexpr const char* kRefreshed = "CredentialRefreshed";

milliseconds backoff(milliseconds first, int failures) {
  const auto delay = std::min<milliseconds>(first * (1 << std::min(failures, 16)), kLongestBackoff);
  return delay + milliseconds{static_cast<std::int64_t>(random_fraction() * static_cast<double>(delay.count()) / 5)};
}

bool renews_files(const credentials::Plan& plan) {
  return std::any_of(plan.origins.begin(), plan.origins.end(),
                     [](const auto& planned) { return planned.is_run() && !planned.file.empty(); });
}

bool some_runtime_renews(const config::Config& config) {
  return std::any_of(config.agent_runtimes.begin(), config.agent_runtimes.end(), [&](const auto& runtime) {
    const auto plan = credentials::plan_for(config, runtime.first);
    return plan && *plan && renews_files(**plan);
  });
}

config::StringMap annotations_of(const Json& object) {
  config::StringMap all;
  const Json* notes = find_path(object, "metadata/annotations");
  if (notes != nullptr && notes->is_object())
    for (const auto& [key, value] : notes->items())
      if (value.is_string()) all[key] = value.get<std::string>();
  return all;
}

// Anybody who may write Secrets could put our labels on one: it has to belong to this very agent.
bool belongs_to(const Json& secret, const AgentView& view) {
  const Json* owners = find_path(secret, "metadata/ownerReferences");
  return owners != nullptr && owners->is_array() && std::any_of(owners->begin(), owners->end(), [&](const Json& owner) {
           return string_at(owner, "uid") == view.uid();
         });
}

std::string runtime_of(const AgentView& view) {
  return view.job ? view.job->runtime : view.pods.empty() ? "" : view.pods.front()->runtime;
}

Json event_object(const AgentView& view, const std::string& ns, const char* reason, const std::string& message,
                  bool good, SystemTime now) {
  const std::string owner = view.stream() ? agent::stream_pod_name(view.id) : agent::job_name(view.id);
  const std::string time = format_rfc3339(now);
  return {{"apiVersion", "v1"},
          {"kind", "Event"},
          {"metadata", {{"name", owner + "." + random_hex(8)}, {"namespace", ns}}},
          {"involvedObject",
           {{"apiVersion", view.stream() ? "v1" : "batch/v1"},
            {"kind", view.stream() ? "Pod" : "Job"},
            {"namespace", ns},
            {"name", owner},
            {"uid", view.uid()}}},
          {"reason", reason},
          {"message", shorten(message, 1000)},
          {"type", good ? "Normal" : "Warning"},
          {"source", {{"component", "fracta-controlplane"}}},
          {"firstTimestamp", time},
          {"lastTimestamp", time},
          {"count", 1}};
}

}  // namespace

CredentialRefresher::CredentialRefresher(Parts parts)
    : parts_(std::move(parts)),
      needed_(parts_.source != nullptr && some_runtime_renews(*parts_.config)),
      queue_(parts_.clock, "credentials", &parts_.metrics) {
  register_metrics();
}

CredentialRefresher::~CredentialRefresher() { stop(); }

void CredentialRefresher::register_metrics() {
  const auto counter = [&](const char* result) {
    return &parts_.metrics.counter("fracta_credential_refresh_total", "Renewals of credential files in running agents.",
                                   {{"result", result}});
  };
  succeeded_ = counter("success");
  unchanged_ = counter("unchanged");
  failed_ = counter("failure");
  std::weak_ptr<State> weak = state_;
  parts_.metrics.gauge_function(
      "fracta_credential_expiry_timestamp_seconds",
      "When the first of the credential files in running agents expires; absent when none does.", [weak] {
        std::vector<std::pair<MetricLabels, double>> out;
        const auto state = weak.lock();
        if (!state) return out;
        std::optional<SystemTime> first;
        std::lock_guard lock(state->mutex);
        for (const auto& [id, entry] : state->entries)
          if (entry.schedule && (!first || entry.schedule->expires_at < *first)) first = entry.schedule->expires_at;
        if (first) out.push_back({{}, std::chrono::duration<double>(first->time_since_epoch()).count()});
        return out;
      });
}

void CredentialRefresher::start() {
  if (!needed_) return;
  for (int i = 0; i < kWorkers; ++i) threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
}

void CredentialRefresher::stop() {
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();
}

void CredentialRefresher::changed(const std::string& id) {
  if (needed_) queue_.add(id);
}

void CredentialRefresher::expect(const std::string& id, const config::StringMap& secret_annotations) {
  if (!needed_) return;
  Entry entry;
  entry.schedule = credentials::read_schedule(secret_annotations);
  if (const auto found = secret_annotations.find(credentials::annotations::kOrigins); found != secret_annotations.end())
    entry.origins = found->second;
  remember(id, std::move(entry));
}

void CredentialRefresher::forget(const std::string& id) {
  std::lock_guard lock(state_->mutex);
  state_->entries.erase(id);
}

void CredentialRefresher::remember(const std::string& id, Entry entry) {
  std::lock_guard lock(state_->mutex);
  state_->entries.insert_or_assign(id, std::move(entry));
}

void CredentialRefresher::work(const std::stop_token& stop) {
  while (auto id = queue_.get(stop)) {
    const auto delay = look(*id, stop);
    if (delay) {
      queue_.forget(*id);
      if (*delay) queue_.add_after(*id, **delay);
    } else if (delay.error().code != ErrorCode::kCanceled) {
      log::warn("credentials", "looking after an agent's credentials failed; it will be tried again",
                {{"agent", *id}, {"error", delay.error().message}});
      queue_.add_rate_limited(*id);
    }
    queue_.done(*id);
  }
}

std::optional<credentials::Plan> CredentialRefresher::plan_of(const AgentView& view) const {
  auto plan = credentials::plan_for(*parts_.config, runtime_of(view));
  if (!plan || !*plan || !renews_files(**plan)) return std::nullopt;
  return **std::move(plan);
}

Result<CredentialRefresher::Delay> CredentialRefresher::look(const std::string& id, const std::stop_token& stop) {
  const auto view = parts_.cache.view(id);
  if (!view.exists() || view.deleting() || agent::is_terminal(status_of(view, parts_.clock.system_now()).phase)) {
    // One that a spawn of ours expects is on its way.
    std::lock_guard lock(state_->mutex);
    if (auto it = state_->entries.find(id); it != state_->entries.end() && !it->second.uid.empty())
      state_->entries.erase(it);
    return Delay{};
  }
  auto plan = plan_of(view);
  if (!plan) return forget(id), Delay{};
  std::optional<Entry> entry;
  {
    std::lock_guard lock(state_->mutex);
    if (auto it = state_->entries.find(id); it != state_->entries.end()) {
      if (it->second.uid.empty()) it->second.uid = view.uid();
      if (it->second.uid == view.uid()) entry = it->second;
    }
  }
  if (!entry) {
    auto read = read_entry(view, *plan, stop);
    if (!read) {
      if (read.error().code == ErrorCode::kNotFound) return Delay{kMissingSecret};
      return read.error();
    }
    entry = *std::move(read);
    remember(id, *entry);
  }
  if (!entry->schedule) return Delay{};
  if (auto due = until_due(*entry)) return due;
  return renew(view, *plan, *std::move(entry), stop);
}

Result<CredentialRefresher::Entry> CredentialRefresher::read_entry(const AgentView& view, const credentials::Plan& plan,
                                                                   const std::stop_token& stop) {
  auto secret = parts_.client.get(kube::kSecrets, parts_.config->kubernetes.ns, agent::auth_secret_name(view.id),
                                  {parts_.call_timeout, stop});
  if (!secret) return secret.error();
  Entry entry;
  entry.uid = view.uid();
  const auto notes = annotations_of(*secret);
  const auto note = [&](const char* name) {
    const auto found = notes.find(name);
    return found == notes.end() ? std::string() : found->second;
  };
  if (!belongs_to(*secret, view) || note(credentials::annotations::kProfile) != plan.profile) return entry;
  entry.schedule = credentials::read_schedule(notes);
  entry.origins = note(credentials::annotations::kOrigins);
  entry.failing = !note(credentials::annotations::kRefreshError).empty();
  return entry;
}

// Empty: now. A little later than planned, so that agents sharing a token do not wake up at once.
CredentialRefresher::Delay CredentialRefresher::until_due(const Entry& entry) const {
  const auto steady = parts_.clock.steady_now();
  if (steady < entry.retry_at) return std::chrono::ceil<milliseconds>(entry.retry_at - steady);
  const auto now = parts_.clock.system_now();
  if (now >= entry.schedule->refresh_at) return std::nullopt;
  const auto left = std::chrono::ceil<milliseconds>(entry.schedule->refresh_at - now);
  const auto slack =
      std::min(std::chrono::duration_cast<milliseconds>(entry.schedule->expires_at - entry.schedule->refresh_at) / 10,
               milliseconds{30'000});
  const milliseconds jitter{static_cast<std::int64_t>(random_fraction() * static_cast<double>(slack.count()))};
  return std::min(left + jitter, kLongestWait);
}

CredentialRefresher::Renewal CredentialRefresher::ask_origins(const credentials::Plan& plan, const Entry& entry,
                                                              const std::stop_token& stop) {
  Renewal renewal;
  const auto listed = split(entry.origins, ',');
  for (const auto& planned : plan.origins) {
    if (std::find(listed.begin(), listed.end(), planned.name) == listed.end()) continue;
    if (!planned.is_run() || planned.file.empty()) continue;
    auto token = parts_.source->resolve({plan.profile, planned.name, planned.origin, plan.env}, stop);
    if (!token) {
      renewal.stopped = token.error().code == ErrorCode::kCanceled;
      if (renewal.failure.empty())
        renewal.failure = fmt::format("source \"{}\" failed: {}", planned.name, token.error().message);
      renewal.retry_after = std::max(renewal.retry_after, token.error().retry_after.value_or(milliseconds{0}));
      continue;
    }
    renewal.data[planned.file_key] = token->value;
    if (!token->expires_at) continue;
    const SystemTime refresh = credentials::refresh_time(token->obtained_at, *token->expires_at);
    if (!renewal.schedule) renewal.schedule = credentials::Schedule{refresh, *token->expires_at};
    renewal.schedule->include(refresh, *token->expires_at);
  }
  if (renewal.data.empty() && renewal.failure.empty())
    renewal.failure = fmt::format("profile \"{}\" has no auth_origin any more for what was delivered ({})",
                                  plan.profile, shorten(entry.origins, 120));
  return renewal;
}

// True: something was written.
Result<bool> CredentialRefresher::store(const AgentView& view, const Renewal& renewal, const Entry& entry,
                                        const std::stop_token& stop) {
  const std::string name = agent::auth_secret_name(view.id);
  const std::string& ns = parts_.config->kubernetes.ns;
  auto secret = parts_.client.get(kube::kSecrets, ns, name, {parts_.call_timeout, stop});
  if (!secret) return secret.error();
  if (!belongs_to(*secret, view)) return make_error(ErrorCode::kNotFound, "Secret " + name + " is not this agent's");
  const Json* before = find(*secret, "data");
  Json data = Json::object();
  for (const auto& [key, value] : renewal.data) {
    const std::string bytes = base64_encode(value);
    // Only what the pod was made with: a key that a changed configuration names is mounted nowhere.
    if (before != nullptr && before->contains(key) && string_at(*before, key) != bytes) data[key] = bytes;
  }
  const bool note_changes = renewal.failure.empty() == entry.failing;
  if (data.empty() && !note_changes) return false;
  Json notes = Json::object();
  if (note_changes)
    notes[credentials::annotations::kRefreshError] =
        renewal.failure.empty() ? Json() : Json(shorten(renewal.failure, 500));
  if (renewal.failure.empty() && renewal.schedule) {
    config::StringMap schedule;
    credentials::write_schedule(*renewal.schedule, schedule);
    for (const auto& [key, value] : schedule) notes[key] = value;
  }
  const bool changed = !data.empty();
  // The version keeps a Secret that was replaced in between from getting an earlier one's values.
  Json patch = {
      {"metadata",
       {{"annotations", std::move(notes)}, {"resourceVersion", string_at(*secret, "metadata/resourceVersion")}}}};
  if (changed) patch["data"] = std::move(data);
  kube::WriteOptions options;
  options.metadata_only = true;
  options.call = {parts_.call_timeout, stop};
  auto answer = parts_.client.patch(kube::kSecrets, ns, name, "application/merge-patch+json", patch, options);
  if (!answer) return answer.error();
  return changed;
}

Result<CredentialRefresher::Delay> CredentialRefresher::renew(const AgentView& view, const credentials::Plan& plan,
                                                              Entry entry, const std::stop_token& stop) {
  auto renewal = ask_origins(plan, entry, stop);
  if (renewal.stopped) return make_error(ErrorCode::kCanceled, "stopped");
  auto stored = store(view, renewal, entry, stop);
  if (!stored) {
    if (stored.error().code == ErrorCode::kNotFound) return forget(view.id), Delay{kMissingSecret};
    failed_->add();
    return stored.error().with_context("renewing credentials in Secret " + agent::auth_secret_name(view.id));
  }
  const auto now = parts_.clock.system_now();
  if (renewal.failure.empty()) {
    (*stored ? succeeded_ : unchanged_)->add();
    if (entry.failing) tell(view, kRefreshed, "credentials are renewed again", true, stop);
    log::info("credentials", "credentials renewed",
              {{"agent", view.name()}, {"profile", plan.profile}, {"changed", *stored}});
    entry.failing = entry.told_expired = false;
    entry.failures = 0;
    entry.retry_at = {};
    // A token without an end: what was delivered needs no further renewal.
    entry.schedule = renewal.schedule;
    remember(view.id, entry);
    return entry.schedule ? until_due(entry).value_or(milliseconds{1'000}) : Delay{};
  }
  failed_->add();
  const bool expired = now >= entry.schedule->expires_at;
  const std::string until = format_rfc3339(entry.schedule->expires_at);
  if (expired && !entry.told_expired)
    tell(view, kExpired,
         fmt::format("the agent's credentials expired at {} and could not be renewed: {}", until, renewal.failure),
         false, stop);
  else if (!entry.failing)
    tell(view, kFailed,
         fmt::format("renewing the agent's credentials failed, the old ones last until {}: {}", until, renewal.failure),
         false, stop);
  entry.failing = true;
  entry.told_expired = entry.told_expired || expired;
  auto wait = std::max(backoff(parts_.retry, entry.failures++), renewal.retry_after);
  if (!expired)  // be there when they end, to say so
    wait =
        std::min(wait, std::max(std::chrono::ceil<milliseconds>(entry.schedule->expires_at - now), milliseconds{100}));
  entry.retry_at = parts_.clock.steady_now() + wait;
  remember(view.id, entry);
  return Delay{wait};
}

void CredentialRefresher::tell(const AgentView& view, const char* reason, const std::string& message, bool good,
                               const std::stop_token& stop) {
  log::write(good ? log::Level::kInfo : log::Level::kWarn, "credentials", reason,
             {{"agent", view.name()}, {"detail", message}});
  Event event;
  event.component = "credentials";
  event.category = "agent_activity";
  event.action = good ? "credential.refreshed" : "credential.refresh_failed";
  event.outcome = good ? "success" : "failure";
  event.severity = good ? "info" : "warn";
  event.task = view.name();
  event.detail = message;
  event.attributes = {{"reason", reason}};
  parts_.events.publish(std::move(event));
  const std::string& ns = parts_.config->kubernetes.ns;
  kube::WriteOptions options;
  options.metadata_only = true;
  options.call = {parts_.call_timeout, stop};
  const auto created = parts_.client.create(
      kube::kEvents, ns, event_object(view, ns, reason, message, good, parts_.clock.system_now()), options);
  // An Event is an explanation, never a condition.
  if (!created) log::debug("credentials", "no Event was written", {{"error", created.error().message}});
}

}  // namespace fracta::controlplane
