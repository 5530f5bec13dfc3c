// An agent's state, derived from the cluster's objects alone: a restarted daemon knows every agent.
//
// clang-format off
//            (1) Job suspended or quota           (2) pod created            (3) container started
//   spawn ────────────────────────────▶ Queued ─────────────▶ Pending ────────────────────────▶ Running ⇄ Idle (stream)
//                                                 │ (4) stuck: reason + next step, still Pending    │
//                                                 ▼                                                 ▼
//                      Failed ◀── (5) Job Failed / pod Failed       (6) Job Complete / pod Succeeded ──▶ Completed
//                      Stopped ◀── (7) deletionTimestamp or stop-requested
// clang-format on
//
// A finished agent stays Completed or Failed when its TTL deletes it; (7) comes before (5), because stopping kills.
// Projections keep what is used and nothing else (less than 1 KiB a pod).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::agent {

struct ContainerState {
  std::string name;
  bool init = false;
  enum class Kind { kWaiting, kRunning, kTerminated } kind = Kind::kWaiting;
  std::string reason;
  std::string message;  // shortened
  int exit_code = 0;
  int signal = 0;
  int restart_count = 0;
  bool ready = false;
  std::optional<SystemTime> started_at, finished_at;
};

// What is wrong with a pod; most have none, so it costs them a pointer only.
struct PodTrouble {
  std::string reason, message;                              // status.reason, status.message
  std::string unschedulable_reason, unschedulable_message;  // PodScheduled=False
  std::string disruption_reason, disruption_message;        // DisruptionTarget=True
  std::string start_reason, start_message;                  // filled from Events: why its containers do not start yet
};

struct PodSummary {
  std::string name;
  std::string uid;
  std::string agent_id, agent_name, runtime, model, job_name, node, ip;
  std::string job_uid;      // of the Job that controls it; empty for stream pods
  std::string credentials;  // annotation fracta.io/credentials; of stream pods only, a Job's stand at the Job
  std::string phase;
  std::shared_ptr<const PodTrouble> trouble;  // may be null
  bool stream = false, ready = false, deleting = false, stop_requested = false;
  std::optional<SystemTime> created_at, scheduled_at, ready_at, deadline;
  std::vector<ContainerState> containers;  // init containers first; at most 8
};
PodSummary summarize_pod(const Json& pod);  // never throws, whatever the object looks like

struct JobSummary {
  std::string name, uid, agent_id, agent_name, runtime, model, spec_hash;
  std::string credentials;  // annotation fracta.io/credentials
  bool suspended = false, complete = false, failed = false, deleting = false, stop_requested = false;
  std::string condition_reason, condition_message;
  int active = 0, succeeded = 0, failed_pods = 0;
  std::optional<SystemTime> created_at, started_at, finished_at, deadline;
  std::string failed_create_message;  // filled from Events: quota or admission refused the pod
};
JobSummary summarize_job(const Json& job);

enum class Phase { kQueued, kPending, kRunning, kIdle, kCompleted, kFailed, kStopped };
std::string_view to_string(Phase phase);
bool is_terminal(Phase phase);

struct AgentStatus {
  Phase phase = Phase::kPending;
  std::string reason;     // CamelCase, e.g. ImagePullBackOff, Unschedulable, OOMKilled, Error; empty when all is well
  std::string message;    // what happened, in the cluster's words
  std::string next_step;  // what a person can do about it
  std::optional<int> exit_code;
  std::string pod_name;
  std::optional<SystemTime> started_at, finished_at;
  // When the answer may change although no object does: a grace time ends. Ask again then.
  std::optional<SystemTime> reconsider_at;
};

// `job` is null for a stream pod. `now` decides grace times only.
AgentStatus derive_status(const JobSummary* job, std::span<const std::shared_ptr<const PodSummary>> pods,
                          SystemTime now);

}  // namespace fracta::agent
