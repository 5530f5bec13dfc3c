// kubectl exec into a running container.
#pragma once

#include "devcluster/node/launch.hpp"
#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

// The exit code. kNotFound / kForbidden when the program cannot be run. Without a terminal: `tty` is refused
// (kInvalid).
Result<int> exec_inside(int container_pidfd, LaunchPlan plan, const NodeExecOptions& options, ExecStreams& streams);

}  // namespace fracta::devcluster
