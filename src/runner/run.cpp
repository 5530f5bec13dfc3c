#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "fracta/base/text.hpp"
#include "fracta/runner/runner.hpp"
#include "runner/credentials/run.hpp"
#include "runner/surroundings.hpp"

namespace fracta::runner {
namespace {

// What the child gets: ours, with these replaced.
std::vector<std::string> child_environment(const std::vector<std::pair<std::string, std::string>>& changes) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    const bool changed =
        std::any_of(changes.begin(), changes.end(), [&](const auto& change) { return change.first == name; });
    if (!changed) all.emplace_back(text);
  }
  for (const auto& [name, value] : changes)
    if (!value.empty()) all.push_back(name + "=" + value);
  return all;
}

void report_not_executable(const AuthHelpers& helpers) {
  if (helpers.not_executable.empty()) return;
  std::vector<std::string> names;
  for (const auto& name : helpers.not_executable) names.push_back(shorten(name, 255));
  std::fprintf(stderr,
               "fracta: auth-helpers not executable, so not used: %s (a ConfigMap volume needs defaultMode: 0755)\n",
               join(names, ",").c_str());
}

}  // namespace

int run_agent(const RunOptions& options) {
  if (options.command.empty()) {
    std::fputs("error: no command given\nusage: fracta agent run -- COMMAND [ARGUMENT...]\n", stderr);
    return kExitUsage;
  }
  const std::string workspace = options.workspace.empty() ? surroundings::working_directory() : options.workspace;
  const std::string home = surroundings::home_directory(true);
  const auto installed = install_user_settings(workspace + "/.fracta/user-settings.json", home);
  const auto helpers = find_auth_helpers({workspace + "/.fracta/auth-helpers", options.auth_helpers_directory});
  std::fprintf(stderr, "%s\n", diagnostic_line(!installed || *installed, helpers).c_str());
  report_not_executable(helpers);
  if (!installed) {
    std::fprintf(stderr, "fracta: agent run: %s\n", installed.error().message.c_str());
    return kExitFailed;
  }
  const auto manifest = load_manifest(options.credential_manifest);
  if (!manifest) return report_missing_credentials(options, manifest.error());
  std::fflush(nullptr);
  const std::string path = helper_path(workspace, options.auth_helpers_directory, surroundings::variable("PATH"));
  const StartChild start = [&](const std::map<std::string, std::string>& variables, ChildOptions child) {
    std::vector<std::pair<std::string, std::string>> changes(variables.begin(), variables.end());
    changes.insert(changes.end(), {{"PATH", path}, {"HOME", home}});
    child.environment = child_environment(changes);
    return run_child(options.command, child);
  };
  return *manifest ? run_with_credentials(options, **manifest, start) : start({}, {});
}

}  // namespace fracta::runner
