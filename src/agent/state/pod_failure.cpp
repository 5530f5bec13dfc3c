#include <fmt/format.h>

#include "agent/state/advice.hpp"
#include "agent/state/pod_status.hpp"
#include "fracta/agent/build.hpp"

namespace fracta::agent {
namespace {

const PodTrouble& trouble_of(const PodSummary& pod) {
  static const PodTrouble none;
  return pod.trouble ? *pod.trouble : none;
}

bool failed(const ContainerState& container) {
  return container.kind == ContainerState::Kind::kTerminated &&
         (container.exit_code != 0 || container.reason == "OOMKilled");
}

// The main container if it failed, else an init container, else a sidecar.
const ContainerState* culprit(const PodSummary& pod) {
  const ContainerState* found = nullptr;
  for (const ContainerState& container : pod.containers) {
    if (!failed(container)) continue;
    if (container.name == kMainContainer && !container.init) return &container;
    if (found == nullptr) found = &container;
  }
  return found;
}

std::string exit_text(const ContainerState& container) {
  std::string text = fmt::format("container {} exited with code {}", container.name, container.exit_code);
  if (container.exit_code == 137) text += " (SIGKILL)";
  if (container.exit_code == 143) text += " (SIGTERM)";
  if (!container.message.empty()) text += ": " + container.message;
  return text;
}

}  // namespace

void explain(AgentStatus& status, std::string reason, std::string message, const std::string& agent) {
  status.next_step = next_step(reason, message, agent);
  status.reason = std::move(reason);
  status.message = std::move(message);
}

void fill_facts(AgentStatus& status, const PodSummary& pod) {
  status.pod_name = pod.name;
  for (const ContainerState& container : pod.containers) {
    if (container.name != kMainContainer || container.init) continue;
    status.started_at = container.started_at;
    status.finished_at = container.finished_at;
    if (container.kind == ContainerState::Kind::kTerminated) status.exit_code = container.exit_code;
  }
}

AgentStatus failure_of_pod(const PodSummary& pod) {
  AgentStatus status;
  status.phase = Phase::kFailed;
  fill_facts(status, pod);
  const PodTrouble& trouble = trouble_of(pod);
  const ContainerState* container = culprit(pod);
  const auto say = [&](std::string reason, std::string message) {
    explain(status, std::move(reason), std::move(message), pod.agent_name);
    return status;
  };
  if (!trouble.reason.empty()) return say(trouble.reason, trouble.message);
  if (container != nullptr && container->reason == "OOMKilled") {
    return say("OOMKilled", fmt::format("container {} used more memory than its limit", container->name));
  }
  if (!trouble.disruption_reason.empty()) return say(trouble.disruption_reason, trouble.disruption_message);
  if (container == nullptr) return say("Error", trouble.message.empty() ? "the pod failed" : trouble.message);
  if (container->init) {
    const bool ours = container->name == kInitContainer;
    return say(ours ? "WorkspaceInitFailed" : "InitContainerFailed", exit_text(*container));
  }
  // The kubelet's words for "no such program" and the like are worth more than "Error".
  if (!container->reason.empty() && container->reason != "Error" && container->reason != "Completed") {
    return say(container->reason, exit_text(*container));
  }
  return say(container->exit_code == 137 ? "Killed" : "Error", exit_text(*container));
}

}  // namespace fracta::agent
