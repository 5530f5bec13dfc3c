#include "controlplane/agent_redactors.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "fracta/agent/spec.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/text.hpp"
#include "fracta/credentials/provider.hpp"

namespace fracta::controlplane {

namespace {

const std::string& text_of(const AgentView& view, std::string agent::JobSummary::*job,
                           std::string agent::PodSummary::*pod) {
  static const std::string none;
  return view.job ? (*view.job).*job : view.pods.empty() ? none : (*view.pods.front()).*pod;
}

// Secrets of other people that an agent of this runtime has variables from: name -> keys.
std::map<std::string, std::set<std::string>> foreign_secrets(const config::Config& config, const std::string& name) {
  std::map<std::string, std::set<std::string>> out;
  const auto runtime = config.agent_runtimes.find(name);
  if (runtime == config.agent_runtimes.end()) return out;
  for (const auto& variable : runtime->second.kubernetes_env)
    if (variable.secret_ref) out[variable.secret_ref->name].insert(variable.secret_ref->key);
  const auto profile = config.auth_profiles.find(runtime->second.auth_profile);
  if (profile == config.auth_profiles.end()) return out;
  for (const auto& [origin_name, origin] : profile->second.auth_origins)
    if (origin.secret_ref) out[origin.secret_ref->name].insert(origin.secret_ref->key);
  return out;
}

// What will be no better in a moment.
bool is_lasting(const Error& error) {
  return error.code == ErrorCode::kForbidden || error.code == ErrorCode::kInvalid ||
         (error.code == ErrorCode::kInternal && error.http_status < 500);
}

Error withheld(const Error& why) {
  auto error = make_error(ErrorCode::kUnavailable,
                          "the agent's secrets cannot be read now, so nothing of it is shown "
                          "that they might stand in: " +
                              why.message);
  error.retry_after = std::chrono::milliseconds{1'000};
  return error;
}

}  // namespace

AgentRedactors::AgentRedactors(std::shared_ptr<const config::Config> config, kube::Client& client,
                               const CredentialDirectory& directory, const Clock& clock,
                               std::chrono::milliseconds call_timeout)
    : config_(std::move(config)), client_(client), directory_(directory), clock_(clock), call_timeout_(call_timeout) {}

std::shared_ptr<const Redactor> AgentRedactors::known(const AgentView& view) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(view.id);
  return found != entries_.end() && found->second.uid == view.uid() ? found->second.redactor : shapes_;
}

Result<std::shared_ptr<const Redactor>> AgentRedactors::of(const AgentView& view, const std::stop_token& stop) {
  if (!view.exists()) return shapes_;
  const auto generation = directory_.generation();
  {
    std::lock_guard lock(mutex_);
    const auto found = entries_.find(view.id);
    if (found != entries_.end() && found->second.uid == view.uid() && found->second.generation == generation &&
        clock_.steady_now() < found->second.until)
      return found->second.redactor;
  }
  auto fresh = read(view, stop);  // without the lock: the API server may be slow
  if (!fresh) return fresh.error();
  auto values = *std::move(fresh);
  std::lock_guard lock(mutex_);
  Entry& entry = entries_[view.id];
  if (entry.uid != view.uid()) entry = Entry{view.uid(), {}, nullptr, {}, 0};
  // What was rotated away may still stand in the log.
  for (auto& old : entry.values)
    if (values.size() < kMaxValues && std::find(values.begin(), values.end(), old) == values.end())
      values.push_back(std::move(old));
  entry.redactor = values.empty() ? shapes_ : std::make_shared<const Redactor>(values);
  entry.values = std::move(values);
  entry.generation = generation;
  entry.until = clock_.steady_now() + kFresh;
  const auto redactor = entry.redactor;
  order_.remove(view.id);
  order_.push_back(view.id);
  if (order_.size() > kMaxAgents) {
    entries_.erase(order_.front());
    order_.pop_front();
  }
  return redactor;
}

Result<std::vector<std::string>> AgentRedactors::read(const AgentView& view, const std::stop_token& stop) {
  std::vector<std::string> values;
  FRACTA_TRY(read_secret(agent::auth_secret_name(view.id), nullptr, stop, values));
  const auto& runtime = text_of(view, &agent::JobSummary::runtime, &agent::PodSummary::runtime);
  for (const auto& [name, keys] : foreign_secrets(*config_, runtime))
    FRACTA_TRY(read_secret(name, &keys, stop, values));
  FRACTA_TRY(read_stored(view, values));
  return values;
}

Result<void> AgentRedactors::read_secret(const std::string& name, const std::set<std::string>* keys,
                                         const std::stop_token& stop, std::vector<std::string>& values) {
  const auto secret = client_.get(kube::kSecrets, config_->kubernetes.ns, name, {call_timeout_, stop});
  if (!secret) {
    if (secret.error().code == ErrorCode::kNotFound) return {};
    if (secret.error().code == ErrorCode::kCanceled) return secret.error();
    if (!is_lasting(secret.error())) return withheld(secret.error());
    log::warn("controlplane", "values of a Secret are unknown, so they are not redacted",
              {{"secret", name}, {"error", secret.error().message}});
    return {};
  }
  const Json* data = find(*secret, "data");
  if (data == nullptr || !data->is_object()) return {};
  for (const auto& [key, value] : data->items()) {
    if ((keys != nullptr && keys->count(key) == 0) || !value.is_string()) continue;
    if (auto bytes = base64_decode(value.get_ref<const std::string&>())) values.push_back(*std::move(bytes));
  }
  return {};
}

Result<void> AgentRedactors::read_stored(const AgentView& view, std::vector<std::string>& values) {
  if (directory_.remembered() == nullptr) return {};
  const auto& bound = text_of(view, &agent::JobSummary::credentials, &agent::PodSummary::credentials);
  for (const auto& credential : parse_bound_credentials(bound)) {
    const auto stored = directory_.remembered()->with_token(credential.id);
    if (stored) {
      auto secrets = credentials::secrets_in(*stored);
      std::move(secrets.begin(), secrets.end(), std::back_inserter(values));
    } else if (stored.error().code != ErrorCode::kNotFound) {
      if (!is_lasting(stored.error())) return withheld(stored.error());
      log::warn("controlplane", "the value of a credential is unknown, so it is not redacted",
                {{"credential", credential.name}, {"error", stored.error().message}});
    }
  }
  return {};
}

}  // namespace fracta::controlplane
