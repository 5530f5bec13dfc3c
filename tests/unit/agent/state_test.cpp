// The numbers are those of the diagram in fracta/agent/state.hpp.
#include <initializer_list>

#include "fracta/agent/state.hpp"
#include "fracta/base/time.hpp"
#include "unit/agent/fixture.hpp"

namespace fracta::agent {
namespace {

using testing::HasSubstr;

const SystemTime kCreated = *parse_rfc3339("2026-11-21T20:00:00Z");

Json job_json() {
  return Json::parse(R"({"kind": "Job", "metadata": {"name": "fracta-agent-a", "uid": "u",
    "creationTimestamp": "2026-11-21T20:00:00Z", "labels": {"app": "fracta", "fracta-agent-id": "a"},
    "annotations": {"fracta.io/agent-name": "a"}}, "spec": {}, "status": {"startTime": "2026-11-21T20:00:00Z"}})");
}

Json pod_json(const char* phase) {
  Json pod = Json::parse(R"({"kind": "Pod", "metadata": {"name": "fracta-agent-a-x1", "uid": "p",
    "creationTimestamp": "2026-11-21T20:00:00Z", "labels": {"fracta-agent-id": "a", "job-name": "fracta-agent-a"},
    "annotations": {"fracta.io/agent-name": "a"}}, "spec": {"nodeName": "n1"},
    "status": {"conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-21T20:00:00Z"}]}})");
  pod["status"]["phase"] = phase;
  return pod;
}

Json stream_json(const char* phase) {
  Json pod = pod_json(phase);
  pod["metadata"]["labels"]["fracta-stream-pod"] = "true";
  return pod;
}

void set_condition(Json& object, const char* type, const char* status, const char* reason = "",
                   const char* message = "") {
  for (Json& condition : object["status"]["conditions"]) {
    if (condition["type"] == type) condition["type"] = "Replaced";
  }
  object["status"]["conditions"].push_back({{"type", type},
                                            {"status", status},
                                            {"reason", reason},
                                            {"message", message},
                                            {"lastTransitionTime", "2026-11-21T20:10:00Z"}});
}

void set_container(Json& pod, const char* name, const char* state, Json details, bool init = false) {
  pod["status"][init ? "initContainerStatuses" : "containerStatuses"].push_back(
      {{"name", name}, {"state", {{state, std::move(details)}}}});
}

Json waiting(const char* reason, const char* message = "") { return {{"reason", reason}, {"message", message}}; }
Json running() { return {{"startedAt", "2026-11-21T20:00:05Z"}}; }
Json ended(int code, const char* reason) {
  return {{"exitCode", code},
          {"reason", reason},
          {"startedAt", "2026-11-21T20:00:05Z"},
          {"finishedAt", "2026-11-21T20:09:00Z"}};
}

AgentStatus derive(const Json* job, std::initializer_list<Json> pods,
                   std::chrono::seconds after = std::chrono::seconds{10}) {
  std::vector<std::shared_ptr<const PodSummary>> summaries;
  for (const Json& pod : pods) summaries.push_back(std::make_shared<const PodSummary>(summarize_pod(pod)));
  std::optional<JobSummary> summary;
  if (job != nullptr) summary = summarize_job(*job);
  return derive_status(summary ? &*summary : nullptr, summaries, kCreated + after);
}

AgentStatus of_job(const Json& job, std::initializer_list<Json> pods = {},
                   std::chrono::seconds after = std::chrono::seconds{10}) {
  return derive(&job, pods, after);
}
AgentStatus of_pod(const Json& pod, std::chrono::seconds after = std::chrono::seconds{10}) {
  return of_job(job_json(), {pod}, after);
}
AgentStatus of_stream(const Json& pod, std::chrono::seconds after = std::chrono::seconds{10}) {
  return derive(nullptr, {pod}, after);
}

JobSummary refused(const char* message) {
  JobSummary job = summarize_job(job_json());
  job.failed_create_message = message;
  return job;
}

// --- (1) Queued

TEST(State1Queued, SuspendedJob) {
  Json job = job_json();
  job["spec"]["suspend"] = true;
  const AgentStatus status = of_job(job);
  EXPECT_EQ(status.phase, Phase::kQueued);
  EXPECT_EQ(status.reason, "Suspended");
}

TEST(State1Queued, QuotaKeepsThePodAway) {
  const JobSummary job =
      refused("pods \"x\" is forbidden: exceeded quota: q, requested: cpu=1, used: cpu=4, limited: cpu=4");
  const AgentStatus status = derive_status(&job, {}, kCreated);
  EXPECT_EQ(status.phase, Phase::kQueued);
  EXPECT_EQ(status.reason, "QuotaExceeded");
  EXPECT_THAT(status.message, HasSubstr("requested: cpu=1"));
  EXPECT_THAT(status.next_step, HasSubstr("ResourceQuota"));
}

TEST(State1Queued, SchedulingGate) {
  Json pod = pod_json("Pending");
  set_condition(pod, "PodScheduled", "False", "SchedulingGated", "waiting for a gate");
  EXPECT_EQ(of_pod(pod).phase, Phase::kQueued);
  EXPECT_EQ(of_pod(pod).reason, "SchedulingGated");
}

// --- (2) Pending

TEST(State2Pending, AFreshJobIsPendingWithoutComplaint) {
  const AgentStatus status = of_job(job_json());
  EXPECT_EQ(status.phase, Phase::kPending);
  EXPECT_EQ(status.reason, "");
  EXPECT_EQ(status.reconsider_at, kCreated + std::chrono::seconds{30});
}

TEST(State2Pending, AStartingPodToo) {
  Json pod = pod_json("Pending");
  set_container(pod, "agent", "waiting", waiting("ContainerCreating"));
  const AgentStatus status = of_pod(pod);
  EXPECT_EQ(status.phase, Phase::kPending);
  EXPECT_EQ(status.reason, "");
  EXPECT_EQ(status.pod_name, "fracta-agent-a-x1");
}

// --- (4) stuck: still Pending, with reason, message and next step

struct Stuck {
  const char* reason;
  const char* message;
  const char* next_step;  // part of it
};

class State4Stuck : public testing::TestWithParam<Stuck> {};

TEST_P(State4Stuck, WaitingContainer) {
  Json pod = pod_json("Pending");
  set_container(pod, "agent", "waiting", waiting(GetParam().reason, GetParam().message));
  const AgentStatus status = of_pod(pod);
  EXPECT_EQ(status.phase, Phase::kPending);
  EXPECT_EQ(status.reason, GetParam().reason);
  EXPECT_EQ(status.message, GetParam().message);
  EXPECT_THAT(status.next_step, HasSubstr(GetParam().next_step));
}

INSTANTIATE_TEST_SUITE_P(
    Table, State4Stuck,
    testing::Values(Stuck{"ErrImagePull", "pull access denied", "image_pull_secrets"},
                    Stuck{"ImagePullBackOff", "Back-off pulling image \"x\"", "check the image's name"},
                    Stuck{"InvalidImageName", "Failed to apply default image tag", "correct the image's name"},
                    Stuck{"ErrImageNeverPull", "Container image \"x\" is not present", "image_pull_policy is Never"},
                    Stuck{"CreateContainerConfigError", "secret \"x\" not found", "create the Secret"},
                    Stuck{"CreateContainerConfigError", "container has runAsNonRoot and image will run as root",
                          "pod_security"},
                    Stuck{"CreateContainerError", "context deadline exceeded", "check the command"},
                    Stuck{"RunContainerError", "failed to start", "fracta describe a"},
                    Stuck{"CrashLoopBackOff", "back-off 10s", "fracta logs a"}),
    [](const auto& row) { return std::string(row.param.reason) + std::to_string(row.index); });

TEST(State4Pending, Unschedulable) {
  Json pod = pod_json("Pending");
  set_condition(pod, "PodScheduled", "False", "Unschedulable", "0/3 nodes are available: 3 Insufficient cpu.");
  const AgentStatus status = of_pod(pod);
  EXPECT_EQ(status.phase, Phase::kPending);
  EXPECT_EQ(status.reason, "Unschedulable");
  EXPECT_THAT(status.message, HasSubstr("Insufficient cpu"));
  EXPECT_THAT(status.next_step, HasSubstr("add nodes"));
}

TEST(State4Pending, FailedCreateByAdmission) {
  const JobSummary job =
      refused("Error creating: pods \"x\" is forbidden: violates PodSecurity \"restricted:latest\": seccompProfile");
  const AgentStatus status = derive_status(&job, {}, kCreated);
  EXPECT_EQ(status.phase, Phase::kPending);
  EXPECT_EQ(status.reason, "FailedCreate");
  EXPECT_THAT(status.next_step, HasSubstr("pod_security"));
}

TEST(State4Pending, NoPodAfterTheGrace) {
  EXPECT_EQ(of_job(job_json(), {}, std::chrono::seconds{29}).reason, "");
  const AgentStatus status = of_job(job_json(), {}, std::chrono::seconds{30});
  EXPECT_EQ(status.reason, "FailedCreate");
  EXPECT_NE(status.next_step, "");
  // The text stays the same however long it lasts: it is an Event's and a log line's too.
  EXPECT_EQ(status.message, of_job(job_json(), {}, std::chrono::seconds{3000}).message);
}

TEST(State4Pending, APodSupersedesAnOldRefusal) {
  const JobSummary job = refused("exceeded quota");
  const auto pod = std::make_shared<const PodSummary>(summarize_pod(pod_json("Running")));
  EXPECT_EQ(derive_status(&job, std::vector{pod}, kCreated).phase, Phase::kRunning);
}

TEST(State4Pending, VolumesThatDoNotCome) {
  Json pod = pod_json("Pending");
  set_container(pod, "agent", "waiting", waiting("ContainerCreating"));
  EXPECT_EQ(of_pod(pod, std::chrono::seconds{59}).reconsider_at, kCreated + std::chrono::seconds{60});
  const AgentStatus status = of_pod(pod, std::chrono::seconds{60});
  EXPECT_EQ(status.phase, Phase::kPending);
  EXPECT_EQ(status.reason, "ContainerCreating");
  EXPECT_THAT(status.next_step, HasSubstr("volume cannot be mounted"));
}

TEST(State4Pending, WorkspaceInitThatHangs) {
  Json pod = pod_json("Pending");
  set_container(pod, "workspace-init", "running", running(), true);
  set_container(pod, "agent", "waiting", waiting("PodInitializing"));
  const AgentStatus status = of_pod(pod, std::chrono::seconds{120});
  EXPECT_EQ(status.reason, "PodInitializing");
  EXPECT_THAT(status.message, HasSubstr("workspace-init"));
}

TEST(State4Pending, NoScheduler) {
  Json pod = pod_json("Pending");
  pod["spec"].erase("nodeName");
  pod["status"].erase("conditions");
  EXPECT_EQ(of_pod(pod).reason, "");
  EXPECT_EQ(of_pod(pod, std::chrono::seconds{31}).reason, "NotScheduled");
}

// --- (3) Running and Idle

TEST(State3Running, ContainerStarted) {
  Json pod = pod_json("Running");
  set_container(pod, "agent", "running", running());
  const AgentStatus status = of_pod(pod);
  EXPECT_EQ(status.phase, Phase::kRunning);
  EXPECT_EQ(status.reason, "");
  EXPECT_EQ(status.started_at, kCreated + std::chrono::seconds{5});
}

TEST(State3Running, StreamPodsAreIdleWhenReady) {
  Json pod = stream_json("Running");
  set_container(pod, "agent", "running", running());
  EXPECT_EQ(of_stream(pod).phase, Phase::kRunning);
  EXPECT_EQ(of_stream(pod).reason, "");
  EXPECT_EQ(of_stream(pod, std::chrono::seconds{66}).reason, "NotReady");
  set_condition(pod, "Ready", "True");
  EXPECT_EQ(of_stream(pod, std::chrono::seconds{66}).phase, Phase::kIdle);
  EXPECT_EQ(of_stream(pod, std::chrono::seconds{66}).reason, "");
}

TEST(State3Running, NodeThatStoppedReporting) {
  const AgentStatus status = of_pod(pod_json("Unknown"));
  EXPECT_EQ(status.phase, Phase::kRunning);
  EXPECT_EQ(status.reason, "NodeLost");
}

TEST(State3Running, ASidecarKeepsThePodAlive) {
  Json pod = pod_json("Running");
  set_container(pod, "agent", "terminated", ended(0, "Completed"));
  set_container(pod, "istio-proxy", "running", running());
  const AgentStatus status = of_pod(pod, std::chrono::seconds{600});
  EXPECT_EQ(status.phase, Phase::kRunning);
  EXPECT_EQ(status.reason, "SidecarRunning");
}

TEST(State3Running, DisruptionIsToldWhileThePodGoes) {
  Json pod = pod_json("Running");
  pod["metadata"]["deletionTimestamp"] = "2026-11-21T20:05:00Z";
  set_condition(pod, "DisruptionTarget", "True", "PreemptionByScheduler", "preempted by a more important pod");
  const AgentStatus status = of_pod(pod);
  EXPECT_EQ(status.phase, Phase::kRunning);
  EXPECT_EQ(status.reason, "PreemptionByScheduler");
  EXPECT_THAT(status.next_step, HasSubstr("priority_class_name"));
}

// --- (5) Failed

Json failed_job(const char* reason = "BackoffLimitExceeded") {
  Json job = job_json();
  job["status"]["conditions"] = Json::array();
  set_condition(job, "Failed", "True", reason, "Job has reached the specified backoff limit");
  return job;
}

TEST(State5Failed, TheContainersOwnReasonAndExitCode) {
  Json pod = pod_json("Failed");
  set_container(pod, "agent", "terminated", ended(3, "Error"));
  for (const Json& job : {failed_job(), job_json()}) {  // also while the Job has not noticed yet
    const AgentStatus status = of_job(job, {pod});
    EXPECT_EQ(status.phase, Phase::kFailed);
    EXPECT_EQ(status.reason, "Error");
    EXPECT_EQ(status.exit_code, 3);
    EXPECT_EQ(status.message, "container agent exited with code 3");
    EXPECT_EQ(status.next_step, "\"fracta logs a\" shows its last words");
    EXPECT_EQ(status.finished_at, kCreated + std::chrono::minutes{9});
  }
}

TEST(State5Failed, OOMKilled) {
  Json pod = pod_json("Failed");
  set_container(pod, "agent", "terminated", ended(137, "OOMKilled"));
  const AgentStatus status = of_job(failed_job(), {pod});
  EXPECT_EQ(status.reason, "OOMKilled");
  EXPECT_EQ(status.exit_code, 137);
  EXPECT_THAT(status.next_step, HasSubstr("memory_limit"));
}

TEST(State5Failed, Evicted) {
  Json pod = pod_json("Failed");
  pod["status"]["reason"] = "Evicted";
  pod["status"]["message"] = "The node was low on resource: ephemeral-storage.";
  set_condition(pod, "DisruptionTarget", "True", "TerminationByKubelet", "");
  const AgentStatus status = of_job(failed_job(), {pod});
  EXPECT_EQ(status.reason, "Evicted");
  EXPECT_THAT(status.message, HasSubstr("ephemeral-storage"));
}

// As a kubelet 1.26 says it, with the blank at the end.
TEST(State5Failed, EvictedForAVolumeOfItsOwn) {
  Json pod = pod_json("Failed");
  pod["status"]["reason"] = "Evicted";
  pod["status"]["message"] = "Usage of EmptyDir volume \"cache\" exceeds the limit \"10Mi\". ";
  const AgentStatus status = of_job(failed_job(), {pod});
  EXPECT_EQ(status.message, "Usage of EmptyDir volume \"cache\" exceeds the limit \"10Mi\".");
  EXPECT_THAT(status.next_step, HasSubstr("sizeLimit"));
}

TEST(State5Failed, DeadlineExceededIsTheJobs) {
  Json pod = pod_json("Failed");
  set_container(pod, "agent", "terminated", ended(143, "Error"));
  const AgentStatus status = of_job(failed_job("DeadlineExceeded"), {pod});
  EXPECT_EQ(status.reason, "DeadlineExceeded");
  EXPECT_THAT(status.next_step, HasSubstr("active_deadline_seconds"));
  EXPECT_EQ(status.exit_code, 143);
}

TEST(State5Failed, DeadlineExceededOfAStreamPod) {
  Json pod = stream_json("Failed");
  pod["status"]["reason"] = "DeadlineExceeded";
  EXPECT_EQ(of_stream(pod).phase, Phase::kFailed);
  EXPECT_EQ(of_stream(pod).reason, "DeadlineExceeded");
}

TEST(State5Failed, WorkspaceInit) {
  Json pod = pod_json("Failed");
  set_container(pod, "workspace-init", "terminated", ended(1, "Error"), true);
  set_container(pod, "agent", "waiting", waiting("PodInitializing"));
  const AgentStatus status = of_job(failed_job(), {pod});
  EXPECT_EQ(status.reason, "WorkspaceInitFailed");
  EXPECT_EQ(status.message, "container workspace-init exited with code 1");
  EXPECT_FALSE(status.exit_code);  // the agent never ran
}

TEST(State5Failed, NoSuchProgram) {
  Json pod = pod_json("Failed");
  Json details = ended(128, "StartError");
  details["message"] = "exec: \"claude\": executable file not found in $PATH";
  set_container(pod, "agent", "terminated", details);
  const AgentStatus status = of_job(failed_job(), {pod});
  EXPECT_EQ(status.reason, "StartError");
  EXPECT_THAT(status.message, HasSubstr("executable file not found"));
}

TEST(State5Failed, KilledByTheNode) {
  Json pod = pod_json("Failed");
  set_container(pod, "agent", "terminated", ended(137, "Error"));
  EXPECT_EQ(of_job(failed_job(), {pod}).reason, "Killed");
}

TEST(State5Failed, PreemptedAndDrained) {
  Json pod = pod_json("Failed");
  set_condition(pod, "DisruptionTarget", "True", "EvictionByEvictionAPI", "Eviction API: evicting");
  set_container(pod, "agent", "terminated", ended(143, "Error"));
  EXPECT_EQ(of_job(failed_job(), {pod}).reason, "EvictionByEvictionAPI");
}

TEST(State5Failed, KubeletRefusedThePod) {
  Json pod = pod_json("Failed");
  pod["status"]["reason"] = "OutOfcpu";
  EXPECT_THAT(of_job(failed_job(), {pod}).next_step, HasSubstr("spawn again"));
}

TEST(State5Failed, WithoutItsPod) {
  const AgentStatus status = of_job(failed_job());
  EXPECT_EQ(status.phase, Phase::kFailed);
  EXPECT_EQ(status.reason, "BackoffLimitExceeded");
  EXPECT_EQ(status.finished_at, kCreated + std::chrono::minutes{10});
}

TEST(State5Failed, ADrainedStreamPodHasFailedAndWasNotStopped) {
  Json pod = stream_json("Running");
  pod["metadata"]["deletionTimestamp"] = "2026-11-21T20:05:00Z";
  set_condition(pod, "DisruptionTarget", "True", "DeletionByTaintManager", "Taint manager: deleting");
  EXPECT_EQ(of_stream(pod).phase, Phase::kFailed);
  EXPECT_EQ(of_stream(pod).reason, "DeletionByTaintManager");
}

// --- (6) Completed

Json complete_job() {
  Json job = job_json();
  job["status"]["conditions"] = Json::array();
  set_condition(job, "Complete", "True");
  job["status"]["completionTime"] = "2026-11-21T20:10:00Z";
  return job;
}

TEST(State6Completed, JobComplete) {
  const AgentStatus status = of_job(complete_job());
  EXPECT_EQ(status.phase, Phase::kCompleted);
  EXPECT_EQ(status.reason, "");
  EXPECT_EQ(status.started_at, kCreated);
  EXPECT_EQ(status.finished_at, kCreated + std::chrono::minutes{10});
}

TEST(State6Completed, PodSucceededBeforeTheJobSaysSo) {
  Json pod = pod_json("Succeeded");
  set_container(pod, "agent", "terminated", ended(0, "Completed"));
  EXPECT_EQ(of_pod(pod).phase, Phase::kCompleted);
  EXPECT_EQ(of_pod(pod).exit_code, 0);
}

TEST(State6Completed, StaysSoWhenTheTtlDeletesTheJob) {
  Json job = complete_job();
  job["metadata"]["deletionTimestamp"] = "2026-11-21T20:15:00Z";
  EXPECT_EQ(of_job(job).phase, Phase::kCompleted);
  job = failed_job();
  job["metadata"]["deletionTimestamp"] = "2026-11-21T20:15:00Z";
  EXPECT_EQ(of_job(job).phase, Phase::kFailed);
}

// A newer Kubernetes sets these while pods still terminate.
TEST(State6Completed, SuccessCriteriaMetIsNotYetComplete) {
  Json job = job_json();
  job["status"]["conditions"] = Json::array();
  set_condition(job, "SuccessCriteriaMet", "True");
  set_condition(job, "FailureTarget", "True");
  EXPECT_EQ(of_job(job, {pod_json("Running")}).phase, Phase::kRunning);
}

// --- (7) Stopped

TEST(State7Stopped, JobBeingDeleted) {
  Json job = job_json();
  job["metadata"]["deletionTimestamp"] = "2026-11-21T20:05:00Z";
  EXPECT_EQ(of_job(job, {pod_json("Running")}).phase, Phase::kStopped);
}

TEST(State7Stopped, AStopThatKillsIsNoFailure) {
  Json job = failed_job();
  job["metadata"]["annotations"]["fracta.io/stop-requested-at"] = "2026-11-21T20:05:00Z";
  Json pod = pod_json("Failed");
  set_container(pod, "agent", "terminated", ended(143, "Error"));
  const AgentStatus status = of_job(job, {pod});
  EXPECT_EQ(status.phase, Phase::kStopped);
  EXPECT_EQ(status.exit_code, 143);
}

TEST(State7Stopped, StreamPod) {
  Json pod = stream_json("Running");
  pod["metadata"]["deletionTimestamp"] = "2026-11-21T20:05:00Z";
  EXPECT_EQ(of_stream(pod).phase, Phase::kStopped);
  pod = stream_json("Running");
  pod["metadata"]["annotations"]["fracta.io/stop-requested-at"] = "2026-11-21T20:05:00Z";
  EXPECT_EQ(of_stream(pod).phase, Phase::kStopped);
}

TEST(State7Stopped, NothingLeft) { EXPECT_EQ(derive(nullptr, {}).phase, Phase::kStopped); }

// --- which pod

TEST(StatePods, TheNewestOneThatIsNotBeingDeletedCounts) {
  Json old = pod_json("Failed");
  Json fresh = pod_json("Running");
  fresh["metadata"]["creationTimestamp"] = "2026-11-21T20:01:00Z";
  EXPECT_EQ(of_job(job_json(), {old, fresh}).phase, Phase::kRunning);
  EXPECT_EQ(of_job(job_json(), {fresh, old}).phase, Phase::kRunning);
  old = pod_json("Running");
  fresh["metadata"]["deletionTimestamp"] = "2026-11-21T20:02:00Z";
  EXPECT_EQ(of_job(job_json(), {fresh, old}).reason, "");
}

TEST(StatePhases, NamesAndEnds) {
  EXPECT_EQ(to_string(Phase::kQueued), "Queued");
  EXPECT_EQ(to_string(Phase::kIdle), "Idle");
  for (const Phase phase : {Phase::kCompleted, Phase::kFailed, Phase::kStopped}) EXPECT_TRUE(is_terminal(phase));
  for (const Phase phase : {Phase::kQueued, Phase::kPending, Phase::kRunning, Phase::kIdle})
    EXPECT_FALSE(is_terminal(phase));
}

}  // namespace
}  // namespace fracta::agent
