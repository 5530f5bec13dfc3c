// `fracta agent check`: what there is inside a running agent's container, for `fracta auth diagnose --agent`, which
// runs it there through the API server. Looks only; changes nothing. No value of a credential is in the answer.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/runner/runner.hpp"

namespace fracta::runner {

struct CheckOptions {
  std::vector<std::string> files;  // token files that should be there
  bool run = false;                // also the helper that user-settings.json names
  std::string workspace;           // empty = the working directory
  std::string home;                // empty = the user's
  std::string auth_helpers_directory = kAuthHelpersDirectory;
  std::stop_token stop;
};

// {"settings": {"projected", "installed", "current", "command", "helper", "helper_path", "helper_shadows": [paths]},
//  "helpers": [names], "not_executable": [names],
//  "files": [{"path", "size", "age_seconds"} or {"path", "error"}],
//  "run": {"ok", "duration_ms", "expires_at", "error"}}   "run" and "command" only where there is one
Json check_container(const CheckOptions& options);

}  // namespace fracta::runner
