#include "controlplane/credential_refresher.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "fracta/agent/spec.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/time.hpp"
#include "fracta/credentials/materialize.hpp"

namespace fracta::controlplane {

namespace {

using std::chrono::milliseconds;

constexpr int kWorkers = 4;                                  // a command that hangs shall not hold up the others
constexpr milliseconds kLongestWait{std::chrono::hours{1}};  // the wall clock may be set meanwhile
constexpr milliseconds kMissingSecret{30'000};               // the spawn may still be creating it

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

std::string runtime_of(const AgentView& view) {
  return view.job ? view.job->runtime : view.pods.empty() ? "" : view.pods.front()->runtime;
}

}  // namespace

bool belongs_to(const Json& secret, const AgentView& view) {
  const Json* owners = find_path(secret, "metadata/ownerReferences");
  return owners != nullptr && owners->is_array() && std::any_of(owners->begin(), owners->end(), [&](const Json& owner) {
           return string_at(owner, "uid") == view.uid();
         });
}

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
  set_schedule(entry, credentials::read_schedule(secret_annotations));
  if (const auto found = secret_annotations.find(credentials::annotations::kOrigins); found != secret_annotations.end())
    entry.origins = found->second;
  remember(id, std::move(entry));
}

void CredentialRefresher::forget(const std::string& id) {
  std::lock_guard lock(state_->mutex);
  state_->entries.erase(id);
}

std::optional<AgentCondition> CredentialRefresher::condition(const std::string& id) const {
  std::lock_guard lock(state_->mutex);
  const auto found = state_->entries.find(id);
  if (found == state_->entries.end() || !found->second.schedule) return std::nullopt;
  const Entry& entry = found->second;
  const std::string until = format_rfc3339(entry.schedule->expires_at);
  if (!entry.failing) return AgentCondition{"CredentialsFresh", true, "Renewed", "valid until " + until};
  const bool ended = parts_.clock.system_now() >= entry.schedule->expires_at;
  return AgentCondition{"CredentialsFresh", false, ended ? "CredentialExpired" : "CredentialRefreshFailed",
                        (ended ? "expired at " : "valid until ") + until + ", renewing them failed: " + entry.failure};
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
      if (read.error().code != ErrorCode::kNotFound) return read.error();
      const auto created = view.created_at();
      const bool young = created && parts_.clock.system_now() - *created < 10 * kMissingSecret;
      return Delay{young ? kMissingSecret : kLongestWait};
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
  set_schedule(entry, credentials::read_schedule(notes));
  entry.origins = note(credentials::annotations::kOrigins);
  entry.failure = note(credentials::annotations::kRefreshError);
  entry.failing = !entry.failure.empty();
  return entry;
}

void CredentialRefresher::set_schedule(Entry& entry, std::optional<credentials::Schedule> schedule) const {
  entry.schedule = schedule;
  if (schedule) entry.due = parts_.clock.steady_now() + (schedule->refresh_at - parts_.clock.system_now());
}

// Empty: now. A little later than planned, so that agents sharing a token do not wake up at once.
CredentialRefresher::Delay CredentialRefresher::until_due(const Entry& entry) const {
  const auto steady = parts_.clock.steady_now();
  if (steady < entry.retry_at) return std::chrono::ceil<milliseconds>(entry.retry_at - steady);
  const auto now = parts_.clock.system_now();
  // By either clock: a wall clock that is set back must not let a credential end before its renewal.
  if (now >= entry.schedule->refresh_at || steady >= entry.due) return std::nullopt;
  const auto left = std::chrono::ceil<milliseconds>(
      std::min<std::chrono::nanoseconds>(entry.schedule->refresh_at - now, entry.due - steady));
  const auto slack =
      std::min(std::chrono::duration_cast<milliseconds>(entry.schedule->expires_at - entry.schedule->refresh_at) / 10,
               milliseconds{30'000});
  const milliseconds jitter{static_cast<std::int64_t>(random_fraction() * static_cast<double>(slack.count()))};
  return std::min(left + jitter, kLongestWait);
}

}  // namespace fracta::controlplane
