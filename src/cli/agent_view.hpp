// An agent as the API describes it (docs/api.md, AgentInfo), turned into rows and fields for people.
#pragma once

#include <string>
#include <vector>

#include "cli/invocation.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::cli {

std::vector<std::string> agent_columns(bool wide);
std::vector<std::string> agent_row(const Json& agent, bool wide);

bool is_terminal(const Json& agent);        // Completed, Failed or Stopped
std::string state_text(const Json& agent);  // "Pending (ImagePullBackOff: Back-off pulling image)"

// "name", "agent/name" and "agents/name" mean the same.
std::string bare_name(std::string name);

}  // namespace fracta::cli
