// The script of workspace-init: copies the files of the ConfigMap to their places in the workspace.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fracta/agent/adapter.hpp"

namespace fracta::agent {

// A word of a POSIX shell; plain words stay unquoted.
std::string shell_quote(std::string_view word);

// "mkdir -p <dirs, sorted, unique> && cp /etc/fracta/<key> <working directory>/<path> && ...", "" without files and
// extra directories. Every step must succeed, otherwise the agent does not start: upstream hides copy failures and then
// runs an agent without its task.
std::string init_script(const std::string& working_directory, const std::vector<WorkspaceFile>& files,
                        const std::vector<std::string>& extra_directories = {});

}  // namespace fracta::agent
