// What `spawn` sends: the body of POST /api/v1/agents (docs/api.md).
#pragma once

#include "cli/invocation.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"
#include "fracta/cli/cli.hpp"

namespace fracta::cli {

// Reads the contract where the user said it is; files are read here, on the user's machine, never by the daemon.
// kInvalid for what is wrong usage (exit code 2), other codes for files that cannot be read.
Result<Json> spawn_request(const SpawnArgs& args, Context& context);

}  // namespace fracta::cli
