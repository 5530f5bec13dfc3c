// Runs a program to its end: argv (never a shell), explicit environment, own process group, time-out with SIGTERM and
// then SIGKILL, bounded stdout and stderr. Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/result.hpp"

namespace fracta {

struct CommandOptions {
  std::vector<std::string> argv;                        // argv[0] is looked up on the PATH of `environment`
  std::optional<std::vector<std::string>> environment;  // "K=V"; nothing = inherit
  std::string working_directory;                        // empty = inherit
  std::string standard_input;                           // written, then closed
  std::chrono::milliseconds timeout{30'000};
  std::chrono::milliseconds kill_grace{2'000};  // SIGTERM -> SIGKILL
  std::size_t max_stdout = 64u << 10;           // more is kResourceExhausted
  std::size_t max_stderr = 4u << 10;            // more is cut
  std::stop_token stop;
};

struct CommandResult {
  int exit_code = 0;  // 128 + signal when killed by one
  std::string standard_output;
  std::string standard_error;
  std::chrono::milliseconds duration{};
};

// kNotFound (no such program), kDeadlineExceeded, kResourceExhausted, kCanceled. A non-zero exit code is no error here.
Result<CommandResult> run_command(const CommandOptions& options);

// Absolute path of a bare name on a PATH string, or empty. Only regular executable files count.
std::string find_on_path(std::string_view name, std::string_view path);

}  // namespace fracta
