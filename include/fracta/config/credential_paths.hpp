// Where a credential file may be delivered to. Pure.
#pragma once

#include <string>
#include <string_view>

namespace fracta::config {

inline constexpr const char* kCredentialDirectory = "/var/run/fracta-auth";  // the agent's own Secret is mounted there

// What is wrong with an origin's `path`; empty when nothing is. A bare name is a file in kCredentialDirectory, anything
// else must be absolute. The file's directory is mounted as a whole, so directories the image needs are refused.
std::string credential_path_problem(std::string_view path, std::string_view workspace_mount_path);

}  // namespace fracta::config
