// The part of run_agent() that there is for agents with stored credentials only.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "fracta/base/result.hpp"
#include "fracta/runner/runner.hpp"
#include "runner/credentials/manifest.hpp"

namespace fracta::runner {

// Starts the child with these variables besides its others and returns its exit code.
using StartChild = std::function<int(const std::map<std::string, std::string>& variables, ChildOptions options)>;

// The child's exit code; kExitCredentials when a credential is missing (the child is not started then); 128 + n when
// signal n came before the child was there.
int run_with_credentials(const RunOptions& options, const Manifest& manifest, const StartChild& start);

// Says so on stderr and in the termination message; returns kExitCredentials.
int report_missing_credentials(const RunOptions& options, const Error& error);

}  // namespace fracta::runner
