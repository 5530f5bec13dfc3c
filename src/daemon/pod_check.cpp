#include "fracta/daemon/pod_check.hpp"

#include "fracta/base/clock.hpp"
#include "fracta/kube/exec.hpp"

namespace fracta::daemon {

Result<PodAnswer> run_in_pod(const PodCommand& command) {
  const RealClock clock;
  auto config = kube::load_client_config({.kubeconfig = command.kubeconfig, .context = command.context}, clock);
  if (!config) return config.error();
  kube::PodExecOptions options;
  options.container = command.container;
  options.command = command.command;
  options.call = {command.timeout, command.stop};
  auto answer = kube::exec_in_pod(*config, command.ns, command.pod, options);
  if (!answer) return answer.error();
  return PodAnswer{answer->exit_code, std::move(answer->standard_output), std::move(answer->standard_error)};
}

}  // namespace fracta::daemon
