#include "fracta/controlplane/credentials.hpp"

#include <algorithm>

#include "fracta/base/log.hpp"
#include "fracta/base/time.hpp"
#include "fracta/credentials/materialize.hpp"
#include "fracta/credentials/plan.hpp"

namespace fracta::controlplane {

namespace {

class NoSource final : public credentials::OriginSource {
 public:
  Result<credentials::Token> resolve(const credentials::OriginRequest&, const std::stop_token&) override {
    return make_error(ErrorCode::kInvalid, "this controlplane runs no commands");
  }
};

// What ends the agent first; nothing: nobody does.
std::optional<std::chrono::nanoseconds> longest_run(const agent::BuildInput& input) {
  std::optional<std::chrono::nanoseconds> longest;
  const auto seconds = input.spec.active_deadline_seconds ? input.spec.active_deadline_seconds
                                                          : input.config.kubernetes.active_deadline_seconds;
  // A bound that can be counted in nanoseconds; more is for ever to any credential.
  if (seconds) longest = std::chrono::seconds{std::clamp<std::int64_t>(*seconds, 0, 315'360'000)};
  if (const auto age = input.config.reaper_max_age; age.count() > 0) longest = longest ? std::min(*longest, age) : age;
  return longest;
}

void add_host_env(const std::string& runtime, const std::string& secret, CredentialMode mode,
                  const agent::BuildInput& input, credentials::Projection& projection) {
  if (const auto entry = input.config.agent_runtimes.find(runtime); entry != input.config.agent_runtimes.end())
    credentials::project_secret_host_env(entry->second, secret, mode == CredentialMode::kDryRun, projection);
}

}  // namespace

Result<void> add_credentials(credentials::OriginSource* source, CredentialMode mode, const std::stop_token& stop,
                             agent::BuildInput& input, std::vector<std::string>& warnings) {
  const auto& runtime = input.spec.runtime.empty() ? input.config.default_runtime : input.spec.runtime;
  auto planned = credentials::plan_for(input.config, runtime);
  if (!planned) return planned.error();
  const std::string secret = agent::auth_secret_name(agent::agent_id(input.spec.name));
  if (!*planned) {
    credentials::Projection projection;
    add_host_env(runtime, secret, mode, input, projection);
    input.credential_env = std::move(projection.env);
    input.auth_secret_data = std::move(projection.secret_data);
    return {};
  }
  const credentials::Plan& plan = **planned;
  for (const auto& line : plan.diagnostics)
    log::info("credentials", "credentials.plan.source", {{"agent", input.spec.name}, {"detail", line}});
  NoSource none;
  auto values = mode == CredentialMode::kDryRun
                    ? credentials::materialize_dry(plan)
                    : credentials::materialize(plan, source != nullptr ? *source : none,
                                               parse_rfc3339(input.spawned_at).value_or(SystemTime{}), stop);
  if (!values) return values.error();
  auto projection = credentials::project(plan, *values, secret, longest_run(input));
  add_host_env(runtime, secret, mode, input, projection);
  input.credential_files = std::move(projection.workspace_files);
  input.credential_env = std::move(projection.env);
  input.auth_secret_data = std::move(projection.secret_data);
  input.auth_secret_annotations = std::move(projection.secret_annotations);
  for (auto& file : projection.files)
    input.credential_mounts.push_back(
        {std::move(file.secret), std::move(file.key), std::move(file.path), file.optional});
  warnings.insert(warnings.end(), projection.warnings.begin(), projection.warnings.end());
  if (mode == CredentialMode::kReal)
    log::info("credentials", "credentials.spawn.materialized",
              {{"agent", input.spec.name},
               {"profile", plan.profile},
               {"binding", plan.binding.type},
               {"origins", values->tokens.size()},
               {"warnings", projection.warnings.size()}});
  return {};
}

}  // namespace fracta::controlplane
