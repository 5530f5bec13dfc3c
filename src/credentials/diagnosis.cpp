#include "fracta/credentials/diagnosis.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "fracta/base/text.hpp"
#include "fracta/credentials/materialize.hpp"

namespace fracta::credentials {
namespace {

using Kind = Finding::Kind;

std::string delivery_of(const PlannedOrigin& planned) {
  std::vector<std::string> ways;
  if (!planned.file.empty()) ways.push_back("file " + planned.file);
  if (!planned.env.empty()) ways.push_back("variable " + planned.env);
  if (planned.candidate && planned.env.empty()) ways.emplace_back("candidate of the binding's resolver");
  return ways.empty() ? "not delivered" : join(ways, ", ");
}

std::string helper_of(const Plan& plan) {
  if (!plan.resolver || plan.resolver->command.empty()) return "";
  const auto& command = plan.resolver->command;
  return command.size() == 1 ? program_in(command.front()) : command.front();
}

std::string binding_line(const Plan& plan, const std::string& helper) {
  std::string text =
      fmt::format("binding: {}{}", plan.binding.type, plan.binding_of_runtime ? " (of the runtime)" : "");
  if (!plan.binding.env_name.empty()) text += ", variable " + plan.binding.env_name;
  if (!plan.binding.auth_origin.empty()) text += ", auth_origin " + plan.binding.auth_origin;
  if (plan.resolver)
    text += fmt::format(", resolver {} ({}, ttl {} ms)", plan.binding.runtime_auth_resolver, helper,
                        plan.resolver->ttl_ms > 0 ? plan.resolver->ttl_ms : 60'000);
  return text;
}

// All of it but what the image and Fracta itself set: of the profile, then of the runtime's kubernetes.env.
void add_environment(const Plan& plan, const config::AgentRuntime& runtime, std::vector<Finding>& findings) {
  const std::string secret = "fracta-auth-<agent>";
  auto projection = project(plan, {.tokens = {}, .placeholders = true, .warnings = {}, .at = {}}, secret, std::nullopt);
  project_secret_host_env(runtime, secret, true, projection);
  for (const auto& variable : runtime.kubernetes_env) {
    const auto is_known = [&](const config::EnvVar& known) { return known.name == variable.name; };
    if (std::none_of(projection.env.begin(), projection.env.end(), is_known)) projection.env.push_back(variable);
  }
  if (projection.env.empty())
    return findings.push_back({Kind::kLine, "environment of the agent: nothing is added", ""});
  findings.push_back({Kind::kLine, "environment of the agent:", ""});
  for (const auto& variable : projection.env)
    findings.push_back({Kind::kLine,
                        fmt::format("  {}={}", variable.name,
                                    variable.secret_ref ? fmt::format("<Secret {}, key {}>", variable.secret_ref->name,
                                                                      variable.secret_ref->key)
                                                        : "<redacted>"),
                        ""});
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kPass:
      return "pass";
    case Kind::kFail:
      return "fail";
    case Kind::kWarn:
      return "warn";
    case Kind::kLine:
      break;
  }
  return "line";
}

Kind finding_kind(std::string_view text) {
  for (const Kind kind : {Kind::kPass, Kind::kFail, Kind::kWarn})
    if (text == to_string(kind)) return kind;
  return Kind::kLine;
}

Diagnosis diagnose(const config::Config& config, const std::string& runtime) {
  Diagnosis out;
  out.runtime = runtime;
  const auto planned = plan_for(config, runtime);
  if (!planned) {
    out.title = "runtime " + shorten(runtime, 80);
    out.findings.push_back({Kind::kFail, "plan", planned.error().message});
    return out;
  }
  if (!*planned) {
    out.title = "runtime " + runtime + ": no auth_profile, so its agents get no credentials";
    return out;
  }
  const Plan& plan = **planned;
  out.has_plan = true;
  out.helper = helper_of(plan);
  out.wants_settings = plan.binding.type == "claude_api_key_helper";
  out.title = fmt::format("runtime {} (adapter {}): profile {}", plan.runtime, plan.adapter, plan.profile);
  auto& all = out.findings;
  all.push_back({Kind::kLine, binding_line(plan, out.helper), ""});
  for (const auto& origin : plan.origins) {
    all.push_back(
        {Kind::kLine,
         fmt::format("auth_origin {}: {}, scope {}, {}, {}{}", origin.name, origin.origin.type, origin.origin.scope,
                     to_string(origin.phase), delivery_of(origin), origin.origin.required ? "" : ", optional"),
         ""});
    if (!origin.file.empty()) out.files.push_back(origin.file);
  }
  for (const auto& text : plan.diagnostics) all.push_back({Kind::kLine, text, ""});
  for (const auto& text : plan.warnings) all.push_back({Kind::kWarn, text, ""});
  for (const auto& outcome : check_assertions(plan)) {
    if (outcome.warning && !outcome.passed)
      all.push_back({Kind::kWarn, outcome.text + " " + outcome.why, ""});
    else
      all.push_back({outcome.passed ? Kind::kPass : Kind::kFail, outcome.text, outcome.passed ? "" : outcome.why});
  }
  add_environment(plan, config.agent_runtimes.at(runtime), all);
  if (out.wants_settings)
    all.push_back({Kind::kLine,
                   std::string("  in ") + kUserSettingsFile + ": apiKeyHelper, its TTL and what of this is no secret",
                   ""});
  return out;
}

}  // namespace fracta::credentials
