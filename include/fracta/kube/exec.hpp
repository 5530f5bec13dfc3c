// One command inside a running container, through the API server: what `kubectl exec` does, without a terminal and
// without standard input. WebSocket with the subprotocols v5.channel.k8s.io and v4.channel.k8s.io (Kubernetes 1.30 and
// 1.4); a server that only speaks SPDY refuses. Needs the verbs `get` (since 1.35 `create`) on pods/exec.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/result.hpp"
#include "fracta/kube/client.hpp"
#include "fracta/kube/client_config.hpp"

namespace fracta::kube {

struct PodExecOptions {
  std::string container;              // empty = the only one
  std::vector<std::string> command;   // argv, no shell
  std::size_t max_output = 1u << 20;  // of standard output and of standard error; more is kResourceExhausted
  CallContext call;                   // timeout is for everything together
};

struct PodExecResult {
  int exit_code = 0;
  std::string standard_output, standard_error;
};

// kNotFound (no such pod, container), kForbidden, kUnavailable (connection, or the server ended it without a verdict),
// kDeadlineExceeded, kCanceled. A command that fails or cannot be started in the container has an exit code or is
// kInvalid with the container runtime's words. Thread-safe.
Result<PodExecResult> exec_in_pod(const ClientConfig& config, std::string_view ns, std::string_view pod,
                                  const PodExecOptions& options);

}  // namespace fracta::kube
