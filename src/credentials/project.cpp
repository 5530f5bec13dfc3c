#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "credentials/delivery.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"
#include "fracta/config/secret_names.hpp"
#include "fracta/credentials/materialize.hpp"
#include "fracta/credentials/schedule.hpp"

namespace fracta::credentials {
namespace {

constexpr std::int64_t kDefaultTtlMs = 60'000;
constexpr const char* kPlaceholder = "<dry-run>";

class Projector {
 public:
  Projector(const Plan& plan, const Materialized& values, const std::string& secret_name,
            std::optional<std::chrono::nanoseconds> max_run)
      : plan_(plan), values_(values), secret_name_(secret_name), max_run_(max_run) {}

  Projection run() {
    if (plan_.binding.type == "claude_api_key_helper") out_.workspace_files[kUserSettingsFile] = user_settings(plan_);
    add_profile_env();
    for (const PlannedOrigin& planned : plan_.origins) {
      if (!planned.file.empty()) add_file(planned);
      if (!planned.env.empty()) add_env(planned.env, planned);
    }
    if (plan_.binding.type == "bearer_env") add_bearer();
    add_schedule();
    return std::move(out_);
  }

 private:
  [[nodiscard]] const Token* token_of(const PlannedOrigin& planned) const {
    const auto found = values_.tokens.find(planned.name);
    return found == values_.tokens.end() ? nullptr : &found->second;
  }
  [[nodiscard]] bool is_there(const PlannedOrigin& planned) const {
    if (planned.is_secret_ref()) return planned.phase != Phase::kUnavailable && planned.origin.secret_ref.has_value();
    return values_.placeholders ? planned.is_run() : token_of(planned) != nullptr;
  }

  // In user-settings.json and the pod spec everybody reads them; what looks like a secret goes by way of the Secret.
  void add_profile_env() {
    for (const auto& [name, value] : plan_.profile_env) {
      if (plan_.secret_env.contains(name) && !value.empty()) {
        out_.secret_data[env_key(name)] = values_.placeholders ? kPlaceholder : value;
        put({name, "", config::SecretKeyRef{secret_name_, env_key(name), false}});
      } else {
        put({name, value, std::nullopt});
      }
    }
  }

  void put(config::EnvVar variable) {
    std::erase_if(out_.env, [&](const config::EnvVar& known) { return known.name == variable.name; });
    out_.env.push_back(std::move(variable));
  }

  void add_file(const PlannedOrigin& planned) {
    if (!is_there(planned)) return;
    const bool in_default = planned.file.starts_with(std::string(kDefaultDirectory) + "/") &&
                            planned.file.find('/', std::string_view(kDefaultDirectory).size() + 1) == std::string::npos;
    if (planned.is_secret_ref()) {
      out_.files.push_back({planned.origin.secret_ref->name, planned.file_key, planned.file, !planned.origin.required});
      return;
    }
    if (!in_default) out_.files.push_back({"", planned.file_key, planned.file, false});
    if (const Token* token = token_of(planned)) {
      out_.secret_data[planned.file_key] = token->value;
      schedule(planned, *token);
    } else {
      out_.secret_data[planned.file_key] = kPlaceholder;
    }
  }

  void add_env(const std::string& variable, const PlannedOrigin& planned) {
    if (!is_there(planned)) return;
    if (planned.is_secret_ref()) {
      config::SecretKeyRef ref = *planned.origin.secret_ref;
      ref.optional = !planned.origin.required;
      put({variable, "", std::move(ref)});
      return;
    }
    const Token* token = token_of(planned);
    out_.secret_data[env_key(variable)] = token != nullptr ? token->trimmed() : kPlaceholder;
    put({variable, "", config::SecretKeyRef{secret_name_, env_key(variable), false}});
    if (token != nullptr) warn_about_frozen(variable, *token);
  }

  void add_bearer() {
    const std::string& variable = plan_.binding.env_name;
    if (!plan_.binding.auth_origin.empty()) return;  // its origin carries the variable
    if (!plan_.binding.runtime_auth_resolver.empty()) return add_bearer_by_resolver(variable);
    if (!plan_.env.contains(variable) && !plan_.host_secrets.contains(variable))
      out_.warnings.push_back(
          fmt::format("bearer_env: {} is passed through, but neither the profile's env nor "
                      "kubernetes.env sets it",
                      variable));
  }

  void add_bearer_by_resolver(const std::string& variable) {
    std::vector<const PlannedOrigin*> there;
    for (const PlannedOrigin& planned : plan_.origins)
      if (planned.candidate && is_there(planned)) there.push_back(&planned);
    if (there.size() == 1) return add_env(variable, *there.front());
    if (plan_.resolver)
      for (const std::string& name : plan_.resolver->order)
        for (const PlannedOrigin* planned : there)
          if (planned->name == name) return add_env(variable, *planned);
    out_.warnings.push_back(fmt::format(
        "bearer_env: {} is not set: {}; name one auth_origin in the binding", variable,
        there.empty() ? "no auth_origin of the profile gives a token here" : "several auth_origins give a token"));
  }

  void schedule(const PlannedOrigin& planned, const Token& token) {
    if (!token.expires_at) return;
    const SystemTime refresh = refresh_time(token.obtained_at, *token.expires_at);
    if (!schedule_) schedule_ = Schedule{refresh, *token.expires_at};
    schedule_->include(refresh, *token.expires_at);
    origins_.push_back(planned.name);
    if (*token.expires_at - token.obtained_at < kShortestRenewable)
      out_.warnings.push_back(fmt::format(
          "auth_origin \"{}\": its token lives {}, but a renewed one may take {} to reach a running agent",
          planned.name,
          format_go_duration(std::chrono::duration_cast<std::chrono::seconds>(*token.expires_at - token.obtained_at)),
          format_go_duration(kShortestRenewable)));
  }

  void warn_about_frozen(const std::string& variable, const Token& token) {
    if (!token.expires_at) return;
    const auto left = *token.expires_at - std::max(token.obtained_at, values_.at);
    if (max_run_ && *max_run_ <= left) return;
    out_.warnings.push_back(
        fmt::format("the credential in {} expires at {} and cannot be renewed while the agent runs ({}); deliver it "
                    "with token_file "
                    "or claude_api_key_helper, or limit the run with active_deadline_seconds",
                    variable, format_rfc3339(*token.expires_at),
                    max_run_ ? "it may run for " + format_go_duration(*max_run_) : "it has no deadline"));
  }

  void add_schedule() {
    if (!schedule_) return;
    out_.secret_annotations[annotations::kProfile] = plan_.profile;
    out_.secret_annotations[annotations::kOrigins] = join(origins_, ",");
    write_schedule(*schedule_, out_.secret_annotations);
  }

  const Plan& plan_;
  const Materialized& values_;
  const std::string& secret_name_;
  const std::optional<std::chrono::nanoseconds> max_run_;
  std::optional<Schedule> schedule_;
  std::vector<std::string> origins_;
  Projection out_;
};

}  // namespace

Projection project(const Plan& plan, const Materialized& values, const std::string& secret_name,
                   std::optional<std::chrono::nanoseconds> max_run) {
  Projection projection = Projector(plan, values, secret_name, max_run).run();
  projection.warnings.insert(projection.warnings.begin(), values.warnings.begin(), values.warnings.end());
  projection.warnings.insert(projection.warnings.begin(), plan.warnings.begin(), plan.warnings.end());
  return projection;
}

void project_secret_host_env(const config::AgentRuntime& runtime, const std::string& secret_name, bool placeholders,
                             Projection& projection) {
  // A binding that sets it has the last word, and of several entries the last counts, as for any other variable.
  std::set<std::string> settled;
  for (const config::EnvVar& variable : projection.env) settled.insert(variable.name);
  for (std::size_t i = runtime.kubernetes_env.size(); i-- > 0;) {
    const config::EnvVar& variable = runtime.kubernetes_env[i];
    if (!settled.insert(variable.name).second) continue;
    if (variable.secret_ref || variable.value.empty() || !runtime.secret_env.contains(variable.name)) continue;
    projection.secret_data[env_key(variable.name)] = placeholders ? kPlaceholder : variable.value;
    projection.env.push_back({variable.name, "", config::SecretKeyRef{secret_name, env_key(variable.name), false}});
  }
}

std::string user_settings(const Plan& plan) {
  Json env = Json::object();
  // PATH stays the container's: Claude Code would set this one again and lose the helpers' directories that the
  // entrypoint has put in front.
  for (const auto& [name, value] : plan.env)
    if (name != "PATH" && !plan.secret_env.contains(name) && !config::looks_secret(name)) env[name] = value;
  const std::int64_t ttl = plan.resolver ? plan.resolver->ttl_ms : 0;
  env["CLAUDE_CODE_API_KEY_HELPER_TTL_MS"] = std::to_string(ttl > 0 ? ttl : kDefaultTtlMs);
  const Json settings = {{"apiKeyHelper", plan.resolver ? shell_command(plan.resolver->command) : ""},
                         {"env", std::move(env)}};
  return dump_json(settings, 2) + "\n";
}

}  // namespace fracta::credentials
