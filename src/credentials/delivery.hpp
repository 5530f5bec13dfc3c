// Where the values of a plan's origins go: file paths, keys in the agent's Secret, variables.
#pragma once

#include <string>

#include "fracta/credentials/plan.hpp"

namespace fracta::credentials {

// Fills file, file_key, env, bound and candidate of every origin. kInvalid names the origin and the remedy.
Result<void> assign_deliveries(Plan& plan, const std::string& workspace_mount_path);

// Key of a variable's value in the agent's Secret.
std::string env_key(const std::string& variable);

}  // namespace fracta::credentials
