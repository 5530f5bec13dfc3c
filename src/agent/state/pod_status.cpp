#include "agent/state/pod_status.hpp"

#include <chrono>

#include <fmt/format.h>

#include "agent/state/advice.hpp"
#include "fracta/agent/build.hpp"

namespace fracta::agent {
namespace {

using Kind = ContainerState::Kind;

// Long enough for a usual start, short enough that a person is told before they ask.
constexpr std::chrono::seconds kScheduleGrace{30};
constexpr std::chrono::seconds kCreateGrace{60};
constexpr std::chrono::seconds kReadyGrace{60};
constexpr std::chrono::seconds kSidecarGrace{30};

const ContainerState* main_of(const PodSummary& pod) {
  for (const ContainerState& container : pod.containers) {
    if (container.name == kMainContainer && !container.init) return &container;
  }
  return nullptr;
}

const ContainerState* running_init_of(const PodSummary& pod) {
  for (const ContainerState& container : pod.containers) {
    if (container.init && container.kind == Kind::kRunning && !container.ready) return &container;
  }
  return nullptr;
}

// True once `grace` has passed since `start`; until then the caller is asked to come back.
bool grace_over(AgentStatus& status, const std::optional<SystemTime>& start, std::chrono::seconds grace,
                SystemTime now) {
  if (!start) return false;
  if (now >= *start + grace) return true;
  status.reconsider_at = *start + grace;
  return false;
}

bool explain_stuck_container(AgentStatus& status, const PodSummary& pod) {
  for (const ContainerState& container : pod.containers) {
    if (container.kind != Kind::kWaiting || !is_stuck_reason(container.reason)) continue;
    std::string message =
        container.message.empty() ? "container " + container.name + " cannot start" : container.message;
    explain(status, container.reason, std::move(message), pod.agent_name);
    return true;
  }
  return false;
}

void explain_pending(AgentStatus& status, const PodSummary& pod, SystemTime now) {
  if (pod.trouble && !pod.trouble->unschedulable_reason.empty()) {
    if (pod.trouble->unschedulable_reason == "SchedulingGated") status.phase = Phase::kQueued;
    explain(status, pod.trouble->unschedulable_reason, pod.trouble->unschedulable_message, pod.agent_name);
    return;
  }
  if (explain_stuck_container(status, pod)) return;
  if (pod.trouble && !pod.trouble->start_reason.empty()) {
    explain(status, pod.trouble->start_reason, pod.trouble->start_message, pod.agent_name);
    return;
  }
  if (pod.node.empty() && !pod.scheduled_at) {
    if (grace_over(status, pod.created_at, kScheduleGrace, now)) {
      explain(status, "NotScheduled", "the scheduler has not looked at the pod yet", pod.agent_name);
    }
    return;
  }
  if (!grace_over(status, pod.scheduled_at, kCreateGrace, now)) return;
  if (const ContainerState* init = running_init_of(pod)) {
    explain(status, "PodInitializing", "init container " + init->name + " is still running", pod.agent_name);
  } else {
    explain(status, "ContainerCreating", "the container is still being created", pod.agent_name);
  }
}

void explain_running(AgentStatus& status, const PodSummary& pod, SystemTime now) {
  const ContainerState* main = main_of(pod);
  if (main != nullptr && main->kind == Kind::kTerminated) {
    if (grace_over(status, main->finished_at, kSidecarGrace, now)) {
      explain(status, "SidecarRunning", "another container of the pod is still running", pod.agent_name);
    }
    return;
  }
  if (explain_stuck_container(status, pod)) return;
  if (!pod.stream) return;
  if (pod.ready) {
    status.phase = Phase::kIdle;
  } else if (main != nullptr && grace_over(status, main->started_at, kReadyGrace, now)) {
    explain(status, "NotReady", "the agent's server does not accept connections", pod.agent_name);
  }
}

// Being deleted, and not because its agent is stopped or finished (the caller has looked at that).
void explain_deleting(AgentStatus& status, const PodSummary& pod) {
  if (pod.trouble && !pod.trouble->disruption_reason.empty()) {
    explain(status, pod.trouble->disruption_reason, pod.trouble->disruption_message, pod.agent_name);
  } else {
    explain(status, "Terminating", "the pod is being deleted", pod.agent_name);
  }
}

}  // namespace

AgentStatus status_of_pod(const PodSummary& pod, SystemTime now) {
  if (pod.phase == "Failed") return failure_of_pod(pod);
  AgentStatus status;
  fill_facts(status, pod);
  if (pod.phase == "Succeeded") {
    status.phase = Phase::kCompleted;
  } else if (pod.phase == "Running") {
    status.phase = Phase::kRunning;
    if (pod.deleting) {
      explain_deleting(status, pod);
    } else {
      explain_running(status, pod, now);
    }
  } else if (pod.phase == "Unknown") {
    status.phase = Phase::kRunning;
    explain(status, "NodeLost", "the node has stopped reporting about the pod", pod.agent_name);
  } else {
    status.phase = Phase::kPending;
    if (pod.deleting) {
      explain_deleting(status, pod);
    } else {
      explain_pending(status, pod, now);
    }
  }
  return status;
}

}  // namespace fracta::agent
