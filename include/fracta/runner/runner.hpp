// The in-pod half: what happens between the container's start and the agent CLI's. `fracta agent run -- CMD...` is the
// entrypoint of the agent image, so it is usually PID 1.
//
// Order (the page that the project starts from, "Path resolution inside the container" and "Diagnostic log line"):
//   1. PATH = <workspace>/.fracta/auth-helpers : /opt/fracta/auth-helpers : PATH
//   2. <workspace>/.fracta/user-settings.json -> ~/.claude/settings.json
//   3. the diagnostic line on stderr
//   4. stored credentials, if the agent has any: fetched, written to private files and into the child's environment
//   5. the child, with signals forwarded, orphans reaped and its exit code returned; credentials are renewed meanwhile
//   6. no file of a stored credential is left
#pragma once

#include <signal.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "fracta/base/result.hpp"
#include "fracta/base/stop.hpp"

namespace fracta::runner {

inline constexpr const char* kAuthHelpersDirectory = "/opt/fracta/auth-helpers";
inline constexpr const char* kCredentialManifest = "/etc/fracta/credentials.json";  // of the agent's ConfigMap

// Exit codes of the runner itself, the shell's convention.
inline constexpr int kExitFailed = 1;  // the settings file could not be installed
inline constexpr int kExitUsage = 2;   // no command
inline constexpr int kExitCredentials =
    125;  // a stored credential is missing; stderr and the termination message name it
inline constexpr int kExitNotExecutable = 126;
inline constexpr int kExitNotFound = 127;

// How stored credentials are fetched and followed.
struct CredentialTimings {
  std::chrono::milliseconds attempt{10'000};  // one request
  std::chrono::milliseconds total{60'000};    // until the start is given up
  std::chrono::milliseconds poll{20'000};     // +-20 %: a rotation is in the file within a minute
  Backoff::Options retry{.initial = std::chrono::milliseconds{500}, .maximum = std::chrono::milliseconds{30'000}};
};

struct RunOptions {
  std::vector<std::string> command;
  std::string workspace;  // empty = the working directory
  std::string auth_helpers_directory = kAuthHelpersDirectory;
  std::string credential_manifest = kCredentialManifest;  // no such file: no stored credentials
  std::string termination_log = "/dev/termination-log";   // written only if it is there
  CredentialTimings credentials = {};
};

// Returns the child's exit code, or 128 + n when signal n ended it. Changes this process' signal mask and child
// handling: call it once, from a process with a single thread.
int run_agent(const RunOptions& options);

// What is visible in the helper directories. Names are sorted and unique.
struct AuthHelpers {
  std::vector<std::string> executable;
  std::vector<std::string> not_executable;  // start like a program but lack the x bit: nearly always a mistake
};
AuthHelpers find_auth_helpers(const std::vector<std::string>& directories);

// fracta: user-settings.json present=<true|false>; auth-helpers=[a,b|none]
std::string diagnostic_line(bool settings_present, const AuthHelpers& helpers);

// Copies `source` to <home>/.claude/settings.json: 0600, atomically, directories created 0700; a symlink at the target
// is replaced, not followed. True when `source` exists, false when it does not.
Result<bool> install_user_settings(const std::string& source, const std::string& home);

// The new PATH. An empty or missing `path` becomes the usual system directories: an empty element would mean the
// working directory.
std::string helper_path(const std::string& workspace, const std::string& auth_helpers_directory,
                        const std::string& path);

// What a child gets besides its command.
struct ChildOptions {
  std::vector<std::string> environment;     // "K=V"; its PATH is where the program is looked up
  const sigset_t* signal_mask = nullptr;    // of the child; null: the caller's
  std::function<void()> started = nullptr;  // called once it runs; threads may be started here, not before
};

// Starts `command`, forwards signals to it and reaps every orphan until it ends. From a process with a single thread.
int run_child(const std::vector<std::string>& command, const ChildOptions& options);

}  // namespace fracta::runner
