// What a person can do about a reason: one table for every surface (CLI, HTTP reply, log, Event).
#pragma once

#include <string>
#include <string_view>

namespace fracta::agent {

// Next step for a reason as derive_status() gives it, or for a waiting or terminated container's own. Some depend on
// the message. "{agent}" stands for the agent's name. Empty when the table does not know the reason.
std::string next_step(std::string_view reason, std::string_view message, std::string_view agent);

// A waiting reason that a container does not leave by itself within a start's usual time.
bool is_stuck_reason(std::string_view reason);

}  // namespace fracta::agent
