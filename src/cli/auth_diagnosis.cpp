#include "cli/auth_diagnosis.hpp"

#include <algorithm>
#include <filesystem>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
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
void Diagnosis::print(const credentials::Diagnosis& plan) {
  using Kind = credentials::Finding::Kind;
  title(plan.title);
  for (const auto& finding : plan.findings) {
    if (finding.kind == Kind::kWarn)
      warn(finding.text);
    else if (finding.kind == Kind::kLine)
      line(finding.text);
    else
      check(finding.kind == Kind::kPass, finding.text, finding.remedy);
  }
}

namespace {

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

void report_token(const std::string& what, const Result<credentials::Token>& token, std::chrono::nanoseconds took,
                  Diagnosis& diagnosis) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  if (!token) return diagnosis.check(false, fmt::format("{} after {} ms", what, ms), token.error().message);
  const std::string life = token->expires_at ? "valid until " + format_rfc3339(*token->expires_at) : "no expiry known";
  diagnosis.check(true, fmt::format("{}: a token in {} ms, {}", what, ms, life));
}

// As apiKeyHelper runs it: a list as it is, a single text by a shell, which finds bare names on PATH.
Result<credentials::Token> run_resolver(const credentials::Plan& plan, const Clock& clock, Context& context) {
  const auto& command = plan.resolver->command;
  auto environment = credentials::environment_of_process();
  for (const auto& [name, value] : plan.env) environment[name] = value;
  environment["PATH"] = helper_search_path(context);
  return credentials::run_helper(command.size() == 1 ? std::vector<std::string>{"sh", "-c", command.front()} : command,
                                 environment, std::chrono::milliseconds{plan.resolver->ttl_ms}, clock, context.stop);
}

std::vector<std::string> texts_at(const Json& value, const char* key) {
  std::vector<std::string> texts;
  const Json* list = find_path(value, key);
  if (list != nullptr && list->is_array())
    for (const auto& one : *list)
      if (one.is_string()) texts.push_back(shorten(one.get<std::string>(), 300));
  return texts;
}

// The first line that begins with `start`, without it: the runner writes its own before anything the agent says.
std::optional<std::string> line_after(const std::string& log, std::string_view start) {
  for (const auto& line : split(log, '\n'))
    if (line.starts_with(start)) return line.substr(start.size());
  return std::nullopt;
}

constexpr const char* kHelperRemedy = "package it into the ConfigMap fracta-auth-helpers and check the mount";

void diagnose_pod_settings(const credentials::Diagnosis& plan, const Json& found, Diagnosis& diagnosis) {
  const bool projected = bool_at(found, "settings/projected");
  if (plan.wants_settings)
    diagnosis.check(projected, "user-settings.json is there", "the agent was spawned without this profile");
  if (!projected) return;
  diagnosis.check(bool_at(found, "settings/current"), "it is what ~/.claude/settings.json says",
                  bool_at(found, "settings/installed") ? "the agent has changed its settings since it started"
                                                       : "the image's entrypoint is not `fracta agent run`");
  const std::string helper = shorten(string_at(found, "settings/helper"), 255);
  if (helper.empty()) return diagnosis.check(false, "it names an apiKeyHelper", "the agent was spawned otherwise");
  if (plan.wants_settings && plan.has_plan && helper != plan.helper)
    diagnosis.warn(
        fmt::format("it calls {}, the configuration says {} now: spawn the agent again", helper, plan.helper));
  const std::string path = string_at(found, "settings/helper_path");
  diagnosis.check(!path.empty(),
                  path.empty() ? "helper " + helper + " is on the agent's PATH"
                               : "helper " + helper + " is on the agent's PATH: " + shorten(path, 300),
                  kHelperRemedy);
  for (const auto& shadowed : texts_at(found, "settings/helper_shadows"))
    diagnosis.line("       it shadows " + shadowed);
}

void diagnose_pod_files(const Json& found, Diagnosis& diagnosis) {
  const Json* files = find(found, "files");
  if (files == nullptr || !files->is_array()) return;
  for (const auto& file : *files) {
    const std::string path = shorten(string_at(file, "path"), 300);
    const std::string problem = string_at(file, "error");
    if (!problem.empty()) {
      diagnosis.check(false, "token file " + path, shorten(problem, 200));
      continue;
    }
    const auto size = int_at(file, "size").value_or(0);
    diagnosis.check(size > 0,
                    fmt::format("token file {}: {} bytes, written {} ago", path, size,
                                human_duration(std::chrono::seconds{int_at(file, "age_seconds").value_or(0)})),
                    "it is empty");
  }
}

}  // namespace

void diagnose_local_helper(const std::string& helper, Context& context, Diagnosis& diagnosis) {
  if (helper.empty()) return;
  const auto directories = helper_directories();
  std::vector<std::string> found;
  for (const auto& directory : directories)
    if (auto path = find_on_path(helper, directory); !path.empty()) found.push_back(std::move(path));
  if (auto path = find_on_path(helper, context.environment("PATH").value_or("")); !path.empty()) found.push_back(path);
  for (const auto& directory : directories) {
    const auto helpers = runner::find_auth_helpers({directory});
    if (std::find(helpers.not_executable.begin(), helpers.not_executable.end(), helper) != helpers.not_executable.end())
      diagnosis.check(false, fmt::format("helper {}/{} is not executable", directory, helper), "chmod +x");
  }
  // The helper has to be in the agent's container; whether this machine has it is only a hint.
  if (found.empty())
    return diagnosis.warn(fmt::format("helper {} is not on this machine ({}, PATH); agents look for it on theirs",
                                      helper, join(directories, ", ")));
  diagnosis.check(true, fmt::format("helper {} found: {}", helper, found.front()));
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
    timed("resolver " + plan.binding.runtime_auth_resolver, [&] { return run_resolver(plan, clock, context); });
  credentials::ProcessRunner runner;
  credentials::OriginResolver resolver(clock, runner, {.environment = credentials::environment_of_process()});
  for (const auto& planned : plan.origins)
    if (planned.is_run())
      timed("auth_origin " + planned.name, [&]() -> Result<credentials::Token> {
        auto token = resolver.resolve({plan.profile, planned.name, planned.origin, plan.command_env}, context.stop);
        if (token && (!planned.env.empty() || planned.candidate)) FRACTA_TRY(credentials::check_for_variable(*token));
        return token;
      });
}

void diagnose_pod(const credentials::Diagnosis& plan, const Json& found, Diagnosis& diagnosis) {
  const auto helpers = texts_at(found, "helpers");
  diagnosis.line("in the pod: auth-helpers=[" + (helpers.empty() ? "none" : join(helpers, ",")) + "]");
  if (const auto names = texts_at(found, "not_executable"); !names.empty())
    diagnosis.check(false, "every helper is executable",
                    join(names, ",") + " (a ConfigMap volume needs defaultMode: 0755)");
  diagnose_pod_settings(plan, found, diagnosis);
  diagnose_pod_files(found, diagnosis);
  const Json* run = find(found, "run");
  if (run == nullptr) return;
  const bool good = bool_at(*run, "ok");
  const auto ms = int_at(*run, "duration_ms").value_or(0);
  const std::string until = string_at(*run, "expires_at");
  diagnosis.check(
      good,
      good ? fmt::format("apiKeyHelper, run in the pod: a token in {} ms, valid until {}", ms, shorten(until, 60))
           : fmt::format("apiKeyHelper, run in the pod, after {} ms", ms),
      shorten(string_at(*run, "error"), 500));
}

void diagnose_pod_log(const credentials::Diagnosis& plan, const std::string& log, Diagnosis& diagnosis) {
  const auto said = line_after(log, "fracta: user-settings.json present=");
  if (!said) {
    // A kubelet's answer, with status 200, once the node has removed the container or evicted its pod.
    if (log.starts_with("unable to retrieve container logs for "))
      return diagnosis.check(false, "the agent's log is still on its node", "it was removed: spawn the agent again");
    diagnosis.check(false, "the agent's log has no diagnostic line",
                    "its container has not started, or the image's entrypoint is not `fracta agent run`");
    return;
  }
  const auto open = said->find("auth-helpers=["), close = said->rfind(']');
  std::vector<std::string> helpers;
  if (open != std::string::npos && close != std::string::npos && close > open + 14)
    helpers = split(said->substr(open + 14, close - open - 14), ',');
  diagnosis.line("as it started: auth-helpers=[" + join(helpers, ",") + "]");
  if (plan.wants_settings)
    diagnosis.check(said->starts_with("true"), "user-settings.json was there",
                    "the agent was spawned without this profile");
  if (const auto names = line_after(log, "fracta: auth-helpers not executable, so not used: "))
    diagnosis.check(false, "every helper was executable", *names);
  if (!plan.helper.empty() && plan.helper.find('/') == std::string::npos)
    diagnosis.check(std::find(helpers.begin(), helpers.end(), plan.helper) != helpers.end(),
                    fmt::format("helper {} was among the auth-helpers", plan.helper), kHelperRemedy);
}

}  // namespace fracta::cli
