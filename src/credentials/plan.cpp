#include "fracta/credentials/plan.hpp"

#include <fmt/format.h>

#include "credentials/delivery.hpp"
#include "fracta/base/text.hpp"

namespace fracta::credentials {
namespace {

Error invalid(std::string message) { return make_error(ErrorCode::kInvalid, std::move(message)); }

void merge_environment(const PlanInput& input, Plan& plan) {
  plan.env = plan.profile_env = plan.command_env = input.profile->env;
  for (const char* name : {"PATH", "HOME"}) plan.command_env.erase(name);
  for (const config::EnvVar& variable : input.host_env) {
    plan.profile_env.erase(variable.name);
    if (variable.secret_ref) {
      plan.env.erase(variable.name);  // its value is known to the kubelet only
      plan.host_secrets.insert(variable.name);
    } else {
      plan.env[variable.name] = variable.value;
      plan.host_secrets.erase(variable.name);
    }
  }
  for (const std::string& name : input.profile->secret_env)
    if (plan.profile_env.contains(name)) plan.secret_env.insert(name);
  for (const std::string& name : input.host_secret_env)
    if (plan.env.contains(name)) plan.secret_env.insert(name);
}

// A binding of a runtime is checked at load as well; a plan may be made from a configuration built in code.
Result<void> select_binding(const PlanInput& input, Plan& plan) {
  const std::string where = fmt::format("credential profile \"{}\": ", input.profile_name);
  const auto& binding = input.runtime_binding ? input.runtime_binding : input.profile->default_binding;
  if (!binding) return invalid(where + "no binding (neither host override nor default_binding)");
  plan.binding = *binding;
  plan.binding_of_runtime = input.runtime_binding.has_value();
  if (!binding->runtime_auth_resolver.empty()) {
    const auto found = input.profile->runtime_auth_resolvers.find(binding->runtime_auth_resolver);
    if (found == input.profile->runtime_auth_resolvers.end())
      return invalid(where + fmt::format("binding references unknown runtime_auth_resolver \"{}\"",
                                         shorten(binding->runtime_auth_resolver, 80)));
    plan.resolver = found->second;
  }
  if (!binding->auth_origin.empty() && !input.profile->auth_origins.contains(binding->auth_origin))
    return invalid(where +
                   fmt::format("binding references unknown auth_origin \"{}\"", shorten(binding->auth_origin, 80)));
  if (binding->type == "claude_api_key_helper" &&
      (!plan.resolver || plan.resolver->command.empty() || plan.resolver->command.front().empty()))
    return invalid("claude_api_key_helper binding requires a resolver with a command");
  if (binding->type == "token_file" && binding->auth_origin.empty())
    return invalid(where + "token_file binding requires auth_origin");
  if (binding->type == "bearer_env" && binding->env_name.empty())
    return invalid(where + "bearer_env binding requires env_name");
  return {};
}

void describe(Plan& plan) {
  for (const PlannedOrigin& planned : plan.origins) {
    if (planned.phase == Phase::kRuntimeOnly && !planned.is_secret_ref())
      plan.diagnostics.push_back(
          fmt::format("source \"{}\" is resolved inside the agent only (scope agent_runtime)", planned.name));
    if (planned.phase == Phase::kUnavailable)
      plan.diagnostics.push_back(fmt::format("source \"{}\" is unavailable here (scope \"{}\")", planned.name,
                                             shorten(planned.origin.scope, 40)));
  }
  if (plan.resolver && !plan.resolver->order.empty())
    plan.warnings.push_back(
        fmt::format("runtime_auth_resolver \"{}\": order is deprecated; name the auth_origin in the binding",
                    plan.binding.runtime_auth_resolver));
  if (plan.binding.type == "claude_api_key_helper" && (plan.adapter == "codex" || plan.adapter == "opencode"))
    plan.warnings.push_back(fmt::format(
        "runtime \"{}\": {} does not read apiKeyHelper, so binding claude_api_key_helper gives it no credential; "
        "use bearer_env or token_file",
        plan.runtime, plan.adapter));
}

}  // namespace

Result<Plan> build_plan(const PlanInput& input) {
  if (input.profile == nullptr) return invalid("credential profile is nil");
  Plan plan;
  plan.runtime = input.runtime;
  plan.adapter = input.adapter;
  plan.profile = input.profile_name;
  plan.assertions = input.profile->assertions;
  FRACTA_TRY(select_binding(input, plan));
  merge_environment(input, plan);
  for (const auto& [name, origin] : input.profile->auth_origins) {
    PlannedOrigin planned;
    planned.name = name;
    planned.origin = origin;
    planned.phase = phase_of(origin.scope, input.topology);
    plan.origins.push_back(std::move(planned));
  }
  FRACTA_TRY(assign_deliveries(plan, input.workspace_mount_path));
  describe(plan);
  return plan;
}

Result<std::optional<Plan>> plan_for(const config::Config& config, const std::string& runtime, Topology topology) {
  const auto entry = config.agent_runtimes.find(runtime);
  if (entry == config.agent_runtimes.end())
    return invalid(
        fmt::format("runtime \"{}\" not configured in fracta.yaml agents.agent_runtimes", shorten(runtime, 80)));
  if (entry->second.auth_profile.empty()) return std::optional<Plan>{};
  const auto profile = config.auth_profiles.find(entry->second.auth_profile);
  if (profile == config.auth_profiles.end())
    return invalid(
        fmt::format("runtime \"{}\" references auth_profile \"{}\" which is not defined in "
                    "auth.credentials.profiles",
                    runtime, shorten(entry->second.auth_profile, 80)));
  const std::string& adapter = entry->second.adapter;
  auto plan = build_plan({.runtime = runtime,
                          .adapter = adapter.empty() ? runtime : adapter,
                          .profile_name = profile->first,
                          .profile = &profile->second,
                          .runtime_binding = entry->second.auth_binding,
                          .host_env = entry->second.kubernetes_env,
                          .host_secret_env = entry->second.secret_env,
                          .workspace_mount_path = config.kubernetes.pvc_mount_path,
                          .topology = topology});
  if (!plan) return plan.error();
  return std::optional<Plan>(*std::move(plan));
}

std::vector<config::Diagnostic> check_plans(const config::Config& config) {
  std::vector<config::Diagnostic> all;
  for (const auto& [name, runtime] : config.agent_runtimes) {
    const auto plan = plan_for(config, name);
    if (plan) continue;
    config::Diagnostic diagnostic;
    diagnostic.severity = config::Severity::kWarning;
    diagnostic.path = "agents.agent_runtimes." + name;
    diagnostic.message = "agents of this runtime cannot start: " + plan.error().message;
    all.push_back(std::move(diagnostic));
  }
  return all;
}

std::string shell_command(const std::vector<std::string>& command) {
  if (command.size() == 1) return command.front();
  std::string line;
  for (const std::string& word : command) {
    if (!line.empty()) line += ' ';
    const bool plain = !word.empty() && word.find_first_not_of(
                                            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                            "0123456789-_./:=,+@%") == std::string::npos;
    if (plain) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

std::string program_in(std::string_view line) {
  line = trim(line);
  return std::string(line.substr(0, line.find_first_of(" \t\n|;&<>()$`\"'")));
}

}  // namespace fracta::credentials
