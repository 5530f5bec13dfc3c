// What a command says inside a running agent's container, asked through the API server with the identity of whoever
// sits at the command line (kubeconfig): the daemon's own Role has no right to enter pods, and shall have none.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "fracta/base/result.hpp"

namespace fracta::daemon {

struct PodCommand {
  std::string kubeconfig, context;  // empty: KUBECONFIG, in-cluster, ~/.kube/config
  std::string ns, pod, container = "agent";
  std::vector<std::string> command;
  std::chrono::milliseconds timeout{45'000};
  std::stop_token stop;
};

struct PodAnswer {
  int exit_code = 0;
  std::string standard_output, standard_error;
};

// Errors of kube::exec_in_pod and of the kubeconfig.
Result<PodAnswer> run_in_pod(const PodCommand& command);

}  // namespace fracta::daemon
