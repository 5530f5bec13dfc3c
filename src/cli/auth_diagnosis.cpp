#include "cli/auth_diagnosis.hpp"

#include <algorithm>
#include <filesystem>
#include <ostream>

#include <fmt/format.h>

#include "fracta/base/subprocess.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"
#include "fracta/credentials/materialize.hpp"
#include "fracta/runner/runner.hpp"

namespace fracta::cli {

void Diagnosis::title(const std::string& text) { out_ << text << "\n"; }
void Diagnosis::line(const std::string& text) { out_ << "  " << text << "\n"; }
void Diagnosis::warn(const std::string& text) { out_ << "  [warn] " << text << "\n"; }
void Diagnosis::check(bool good, const std::string& text, const std::string& remedy) {
  out_ << (good ? "  [pass] " : "  [FAIL] ") << text << (good || remedy.empty() ? "" : ": " + remedy) << "\n";
  failed_ = failed_ || !good;
}

namespace {

bool is_helper_binding(const credentials::Plan& plan) { return plan.binding.type == "claude_api_key_helper"; }

std::string in_directory(const std::string& name) {
  std::error_code ignored;
  return std::filesystem::current_path(ignored).string() + "/" + name;
}

std::vector<std::string> helper_directories() {
  return {in_directory(".fracta/auth-helpers"), runner::kAuthHelpersDirectory, in_directory("deployment/auth-helpers")};
}

std::string helper_search_path(Context& context) {
  return join(helper_directories(), ":") + ":" + context.environment("PATH").value_or("/usr/bin:/bin");
}

std::string delivery_of(const credentials::PlannedOrigin& planned) {
  std::vector<std::string> ways;
  if (!planned.file.empty()) ways.push_back("file " + planned.file);
  if (!planned.env.empty()) ways.push_back("variable " + planned.env);
  if (planned.candidate) ways.push_back("candidate of the binding's resolver");
  return ways.empty() ? "not delivered" : join(ways, ", ");
}

void print_binding(const credentials::Plan& plan, Diagnosis& diagnosis) {
  std::string text =
      fmt::format("binding: {}{}", plan.binding.type, plan.binding_of_runtime ? " (of the runtime)" : "");
  if (!plan.binding.env_name.empty()) text += ", variable " + plan.binding.env_name;
  if (!plan.binding.auth_origin.empty()) text += ", auth_origin " + plan.binding.auth_origin;
  if (plan.resolver)
    text += fmt::format(", resolver {} ({}, ttl {} ms)", plan.binding.runtime_auth_resolver, helper_name(plan),
                        plan.resolver->ttl_ms > 0 ? plan.resolver->ttl_ms : 60'000);
  diagnosis.line(text);
}

void report_token(const std::string& what, const Result<credentials::Token>& token, std::chrono::nanoseconds took,
                  Diagnosis& diagnosis) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  if (!token) return diagnosis.check(false, fmt::format("{} after {} ms", what, ms), token.error().message);
  const std::string life = token->expires_at ? "valid until " + format_rfc3339(*token->expires_at) : "no expiry known";
  diagnosis.check(true, fmt::format("{}: a token in {} ms, {}", what, ms, life));
}

// As apiKeyHelper runs it: a list as it is, a single text by a shell, which finds bare names on PATH.
Result<credentials::Token> run_resolver(const credentials::Plan& plan, Context& context) {
  CommandOptions options;
  const auto& command = plan.resolver->command;
  options.argv = command.size() == 1 ? std::vector<std::string>{"sh", "-c", command.front()} : command;
  auto environment = credentials::environment_of_process();
  for (const auto& [name, value] : plan.env) environment[name] = value;
  environment["PATH"] = helper_search_path(context);
  options.environment.emplace();
  for (const auto& [name, value] : environment) options.environment->push_back(name + "=" + value);
  options.stop = context.stop;
  auto result = run_command(options);
  if (!result) return result.error();
  if (result->exit_code != 0)
    return make_error(ErrorCode::kInvalid,
                      fmt::format("exit code {}: {}", result->exit_code,
                                  credentials::redact_stderr(result->standard_error, result->standard_output)));
  const std::int64_t ttl = plan.resolver->ttl_ms > 0 ? plan.resolver->ttl_ms : 60'000;
  return credentials::parse_token(std::move(result->standard_output), std::chrono::milliseconds{ttl},
                                  RealClock{}.system_now());
}

// The first line that begins with `start`, without it: the runner writes its own before anything the agent says.
std::optional<std::string> line_after(const std::string& log, std::string_view start) {
  for (const auto& line : split(log, '\n'))
    if (line.starts_with(start)) return line.substr(start.size());
  return std::nullopt;
}

}  // namespace

std::string helper_name(const credentials::Plan& plan) {
  if (!plan.resolver || plan.resolver->command.empty()) return "";
  const std::string& first = plan.resolver->command.front();
  return plan.resolver->command.size() == 1 ? first.substr(0, first.find_first_of(" \t\n|;&<>()$`\"'")) : first;
}

void diagnose_plan(const credentials::Plan& plan, Diagnosis& diagnosis) {
  diagnosis.title(fmt::format("runtime {} (adapter {}): profile {}", plan.runtime, plan.adapter, plan.profile));
  print_binding(plan, diagnosis);
  for (const auto& planned : plan.origins)
    diagnosis.line(fmt::format("auth_origin {}: {}, scope {}, {}, {}{}", planned.name, planned.origin.type,
                               planned.origin.scope, to_string(planned.phase), delivery_of(planned),
                               planned.origin.required ? "" : ", optional"));
  for (const auto& text : plan.diagnostics) diagnosis.line(text);
  for (const auto& text : plan.warnings) diagnosis.warn(text);
  for (const auto& outcome : credentials::check_assertions(plan)) {
    if (outcome.warning && !outcome.passed)
      diagnosis.warn(outcome.text + " " + outcome.why);
    else
      diagnosis.check(outcome.passed, outcome.text, outcome.why);
  }
  const auto projection = credentials::project(plan, {.tokens = {}, .placeholders = true, .warnings = {}},
                                               "fracta-auth-<agent>", std::nullopt);
  diagnosis.line("environment of the agent:");
  for (const auto& variable : projection.env)
    diagnosis.line(fmt::format(
        "  {}={}", variable.name,
        variable.secret_ref ? fmt::format("<Secret {}, key {}>", variable.secret_ref->name, variable.secret_ref->key)
                            : "<redacted>"));
  if (is_helper_binding(plan)) diagnosis.line(std::string("  and what stands in ") + credentials::kUserSettingsFile);
}

void diagnose_local_helper(const credentials::Plan& plan, Context& context, Diagnosis& diagnosis) {
  const std::string name = helper_name(plan);
  if (name.empty()) return;
  const auto directories = helper_directories();
  std::vector<std::string> found;
  for (const auto& directory : directories)
    if (auto path = find_on_path(name, directory); !path.empty()) found.push_back(std::move(path));
  if (auto path = find_on_path(name, context.environment("PATH").value_or("")); !path.empty()) found.push_back(path);
  for (const auto& directory : directories) {
    const auto helpers = runner::find_auth_helpers({directory});
    if (std::find(helpers.not_executable.begin(), helpers.not_executable.end(), name) != helpers.not_executable.end())
      diagnosis.check(false, fmt::format("helper {}/{} is not executable", directory, name), "chmod +x");
  }
  // The helper has to be in the agent's container; whether this machine has it is only a hint.
  if (found.empty())
    return diagnosis.warn(fmt::format("helper {} is not on this machine ({}, PATH); agents look for it on theirs", name,
                                      join(directories, ", ")));
  diagnosis.check(true, fmt::format("helper {} found: {}", name, found.front()));
  for (std::size_t i = 1; i < found.size(); ++i) diagnosis.line("       it shadows " + found[i]);
}

void diagnose_by_running(const credentials::Plan& plan, Context& context, Diagnosis& diagnosis) {
  const RealClock clock;
  const auto timed = [&](const std::string& what, const std::function<Result<credentials::Token>()>& run) {
    const auto begin = clock.steady_now();
    const auto token = run();
    report_token(what, token, clock.steady_now() - begin, diagnosis);
  };
  if (plan.resolver)
    timed("resolver " + plan.binding.runtime_auth_resolver, [&] { return run_resolver(plan, context); });
  credentials::ProcessRunner runner;
  credentials::OriginResolver resolver(clock, runner, {.environment = credentials::environment_of_process()});
  for (const auto& planned : plan.origins)
    if (planned.is_run())
      timed("auth_origin " + planned.name, [&] {
        return resolver.resolve({plan.profile, planned.name, planned.origin, plan.command_env}, context.stop);
      });
}

void diagnose_pod_log(const credentials::Plan& plan, const std::string& log, Diagnosis& diagnosis) {
  const auto said = line_after(log, "fracta: user-settings.json present=");
  if (!said) {
    diagnosis.check(false, "the agent's log has no diagnostic line",
                    "its container has not started, or the image's entrypoint is not `fracta agent run`");
    return;
  }
  const auto open = said->find("auth-helpers=["), close = said->rfind(']');
  std::vector<std::string> helpers;
  if (open != std::string::npos && close != std::string::npos && close > open + 14)
    helpers = split(said->substr(open + 14, close - open - 14), ',');
  diagnosis.line("in the pod: auth-helpers=[" + join(helpers, ",") + "]");
  if (is_helper_binding(plan))
    diagnosis.check(said->starts_with("true"), "user-settings.json is there",
                    "the agent was spawned without this profile");
  if (const auto names = line_after(log, "fracta: auth-helpers not executable, so not used: "))
    diagnosis.check(false, "every helper is executable", *names);
  if (const std::string name = helper_name(plan); !name.empty() && name.find('/') == std::string::npos)
    diagnosis.check(std::find(helpers.begin(), helpers.end(), name) != helpers.end(),
                    fmt::format("helper {} is on the agent's PATH", name),
                    "check the ConfigMap fracta-auth-helpers and its mount");
}

}  // namespace fracta::cli
