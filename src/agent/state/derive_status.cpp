#include <chrono>

#include "agent/state/pod_status.hpp"
#include "fracta/agent/state.hpp"

namespace fracta::agent {
namespace {

// A Job controller makes the pod within a second; after this, quota or admission refuses it (visible in Events only).
constexpr std::chrono::seconds kNoPodGrace{30};

// The one that counts: not the one being deleted if there is another, then the newest.
const PodSummary* newest(std::span<const std::shared_ptr<const PodSummary>> pods) {
  const PodSummary* best = nullptr;
  for (const auto& pod : pods) {
    if (!pod) continue;
    const bool better = best == nullptr || (best->deleting && !pod->deleting) ||
                        (best->deleting == pod->deleting && pod->created_at > best->created_at);
    if (better) best = pod.get();
  }
  return best;
}

AgentStatus stopped(const PodSummary* pod) {
  AgentStatus status;
  if (pod != nullptr) fill_facts(status, *pod);
  status.phase = Phase::kStopped;
  return status;
}

// (6)
AgentStatus completed(const JobSummary& job, const PodSummary* pod) {
  AgentStatus status;
  if (pod != nullptr) fill_facts(status, *pod);
  status.phase = Phase::kCompleted;
  if (!status.started_at) status.started_at = job.started_at;
  if (!status.finished_at) status.finished_at = job.finished_at;
  return status;
}

// (5) The Job's condition only counts attempts; what went wrong stands in the pod. A deadline is the Job's own.
AgentStatus failed(const JobSummary& job, const PodSummary* pod) {
  AgentStatus status;
  if (job.condition_reason != "DeadlineExceeded" && pod != nullptr && pod->phase == "Failed") {
    status = failure_of_pod(*pod);
  } else {
    if (pod != nullptr) fill_facts(status, *pod);
    explain(status, job.condition_reason.empty() ? "Error" : job.condition_reason, job.condition_message,
            job.agent_name);
  }
  status.phase = Phase::kFailed;
  if (!status.started_at) status.started_at = job.started_at;
  if (!status.finished_at) status.finished_at = job.finished_at;
  return status;
}

// (1) and (4) for a Job without a pod.
AgentStatus without_pod(const JobSummary& job, SystemTime now) {
  AgentStatus status;
  if (job.suspended) {
    status.phase = Phase::kQueued;
    explain(status, "Suspended", "the Job is suspended", job.agent_name);
    return status;
  }
  status.phase = Phase::kPending;
  const std::string& refused = job.failed_create_message;
  if (refused.find("exceeded quota") != std::string::npos) {
    status.phase = Phase::kQueued;
    explain(status, "QuotaExceeded", refused, job.agent_name);
  } else if (!refused.empty()) {
    explain(status, "FailedCreate", refused, job.agent_name);
  } else if (job.active == 0 && job.created_at) {
    if (now >= *job.created_at + kNoPodGrace) {
      explain(status, "FailedCreate", "the Job has no pod although it should have one", job.agent_name);
    } else {
      status.reconsider_at = *job.created_at + kNoPodGrace;
    }
  }
  return status;
}

AgentStatus stream_status(const PodSummary& pod, SystemTime now) {
  if (pod.stop_requested) return stopped(&pod);
  if (pod.deleting && pod.phase != "Succeeded" && pod.phase != "Failed") {
    // A drained node deletes the pod as a stop does; nobody asked for that one, and a bare pod does not come back.
    const bool disrupted = pod.trouble && !pod.trouble->disruption_reason.empty();
    return disrupted ? failure_of_pod(pod) : stopped(&pod);
  }
  return status_of_pod(pod, now);
}

}  // namespace

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::kQueued:
      return "Queued";
    case Phase::kPending:
      return "Pending";
    case Phase::kRunning:
      return "Running";
    case Phase::kIdle:
      return "Idle";
    case Phase::kCompleted:
      return "Completed";
    case Phase::kFailed:
      return "Failed";
    case Phase::kStopped:
      return "Stopped";
  }
  return "Pending";
}

bool is_terminal(Phase phase) {
  return phase == Phase::kCompleted || phase == Phase::kFailed || phase == Phase::kStopped;
}

AgentStatus derive_status(const JobSummary* job, std::span<const std::shared_ptr<const PodSummary>> pods,
                          SystemTime now) {
  const PodSummary* pod = newest(pods);
  if (job == nullptr) return pod == nullptr ? stopped(nullptr) : stream_status(*pod, now);
  if (job->complete) return completed(*job, pod);
  if (job->stop_requested) return stopped(pod);
  if (job->failed) return failed(*job, pod);
  if (job->deleting) return stopped(pod);
  if (pod == nullptr || (job->suspended && pod->deleting)) return without_pod(*job, now);
  return status_of_pod(*pod, now);
}

}  // namespace fracta::agent
