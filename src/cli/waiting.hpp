// Waiting for one agent to reach a state; used by `wait` and `spawn --wait`.
#pragma once

#include <chrono>
#include <string>

#include "cli/api_client.hpp"

namespace fracta::cli {

// Prints "agent/x condition met" or why that cannot happen any more. Returns the exit code.
int wait_for_agent(ApiClient& client, const std::string& name, WaitFor condition,
                   std::chrono::steady_clock::time_point deadline, Context& context);

}  // namespace fracta::cli
