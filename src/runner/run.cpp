#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "fracta/base/text.hpp"
#include "fracta/runner/runner.hpp"

namespace fracta::runner {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// As a shell decides about $PWD: the environment's word if it names the working directory, else the real path.
std::string working_directory() {
  const std::string claimed = environment("PWD");
  struct stat here {};
  struct stat there {};
  if (claimed.starts_with('/') && stat(claimed.c_str(), &there) == 0 && stat(".", &here) == 0 &&
      here.st_dev == there.st_dev && here.st_ino == there.st_ino) {
    return claimed;
  }
  std::error_code error;
  const auto path = std::filesystem::current_path(error);
  return error ? "." : path.string();
}

// A container started with a bare uid has neither HOME nor a passwd entry; agent CLIs need one, so they get a private
// directory and HOME names it.
std::string home_directory() {
  std::string home = environment("HOME");
  if (home.empty()) {
    const passwd* user = getpwuid(getuid());
    if (user != nullptr && user->pw_dir != nullptr) home = user->pw_dir;
  }
  if (home.empty()) {
    std::string made = "/tmp/fracta-home-XXXXXX";
    if (mkdtemp(made.data()) != nullptr) home = made;
  }
  return home;
}

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
  const std::string workspace = options.workspace.empty() ? working_directory() : options.workspace;
  const std::string home = home_directory();
  const auto installed = install_user_settings(workspace + "/.fracta/user-settings.json", home);
  const auto helpers = find_auth_helpers({workspace + "/.fracta/auth-helpers", options.auth_helpers_directory});
  std::fprintf(stderr, "%s\n", diagnostic_line(!installed || *installed, helpers).c_str());
  report_not_executable(helpers);
  if (!installed) {
    std::fprintf(stderr, "fracta: agent run: %s\n", installed.error().message.c_str());
    return kExitFailed;
  }
  std::fflush(nullptr);
  const std::string path = helper_path(workspace, options.auth_helpers_directory, environment("PATH"));
  return run_child(options.command, child_environment({{"PATH", path}, {"HOME", home}}));
}

}  // namespace fracta::runner
