// kubectl exec into a running container.
#pragma once

#include "devcluster/node/launch.hpp"
#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

// `pidfd` and `pid` are the container's first process. The exit code of the command; an error when it cannot be run, in
// a container runtime's words. The command ends with the client.
Result<int> exec_inside(int pidfd, pid_t pid, LaunchPlan plan, const NodeExecOptions& options, ExecStreams& streams);

}  // namespace fracta::devcluster
