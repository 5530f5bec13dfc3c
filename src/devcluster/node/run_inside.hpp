// Commands inside a running container: exec probes and lifecycle hooks.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "devcluster/node/launch.hpp"
#include "fracta/base/result.hpp"

namespace fracta::devcluster {

struct InsideResult {
  int exit_code = 0;
  std::string output;  // stdout and stderr, at most 10 KiB (a kubelet's maxRespBodyLength)
};

// kDeadlineExceeded when it took longer (the command is killed), kCanceled when stopped.
Result<InsideResult> run_inside(int container_pidfd, LaunchPlan plan, std::chrono::milliseconds timeout,
                                const std::stop_token& stop);

}  // namespace fracta::devcluster
