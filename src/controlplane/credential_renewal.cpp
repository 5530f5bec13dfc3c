// One renewal: the origins are asked, the Secret is brought up to date, and whoever looks at the agent is told.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "controlplane/credential_refresher.hpp"
#include "fracta/agent/spec.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"
#include "fracta/credentials/token.hpp"

namespace fracta::controlplane {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestBackoff{300'000};
constexpr const char* kFailed = "CredentialRefreshFailed";
constexpr const char* kExpired = "CredentialExpired";
constexpr const char* kRefreshed = "CredentialRefreshed";

milliseconds backoff(milliseconds first, int failures) {
  const auto delay = std::min<milliseconds>(first * (1 << std::min(failures, 16)), kLongestBackoff);
  return delay + milliseconds{static_cast<std::int64_t>(random_fraction() * static_cast<double>(delay.count()) / 5)};
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

CredentialRefresher::Renewal CredentialRefresher::ask_origins(const credentials::Plan& plan, const Entry& entry,
                                                              const std::stop_token& stop) {
  Renewal renewal;
  const auto listed = split(entry.origins, ',');
  for (const auto& planned : plan.origins) {
    if (std::find(listed.begin(), listed.end(), planned.name) == listed.end()) continue;
    if (!planned.is_run() || planned.file.empty()) continue;
    auto token = parts_.source->resolve({plan.profile, planned.name, planned.origin, plan.command_env}, stop);
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
    if (stored.error().code == ErrorCode::kNotFound) return forget(view.id), Delay{milliseconds{0}};  // look again
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
    entry.failure.clear();
    entry.failures = 0;
    entry.retry_at = {};
    // A token without an end: what was delivered needs no further renewal.
    set_schedule(entry, renewal.schedule);
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
  entry.failure = shorten(renewal.failure, 500);
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
