#include <set>

#include "fracta/agent/spec.hpp"
#include "fracta/agent/state.hpp"
#include "fracta/base/time.hpp"
#include "unit/agent/fixture.hpp"

namespace fracta::agent {
namespace {

const char* const kPod = R"({
  "metadata": {"name": "fracta-agent-review-42-x7k2p", "namespace": "fracta", "uid": "0f0b3c9e-1111-4222-8333-444455556666",
    "creationTimestamp": "2026-11-21T20:00:00Z",
    "labels": {"app": "fracta", "fracta-agent-id": "review-42", "job-name": "fracta-agent-review-42"},
    "annotations": {"fracta.io/agent-name": "review-42", "fracta.io/runtime": "claude", "fracta.io/mode": "batch",
                    "fracta.io/model": "claude-sonnet-4-6"},
    "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "fracta-agent-review-42", "controller": true,
                         "uid": "7c1de1a2-2222-4222-8333-444455556666"}]},
  "spec": {"nodeName": "ip-10-0-1-2.internal"},
  "status": {"phase": "Running", "podIP": "10.0.0.7",
    "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-21T20:00:01Z"},
                   {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-21T20:00:09Z"}],
    "initContainerStatuses": [{"name": "workspace-init", "ready": true, "restartCount": 0,
      "state": {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": "2026-11-21T20:00:02Z", "finishedAt": "2026-11-21T20:00:03Z"}}}],
    "containerStatuses": [{"name": "agent", "ready": true, "restartCount": 2, "state": {"running": {"startedAt": "2026-11-21T20:00:04Z"}}}]}})";

TEST(SummarizePod, KeepsWhatIsUsed) {
  const PodSummary pod = summarize_pod(Json::parse(kPod));
  EXPECT_EQ(pod.name, "fracta-agent-review-42-x7k2p");
  EXPECT_EQ(pod.agent_id, "review-42");
  EXPECT_EQ(pod.agent_name, "review-42");
  EXPECT_EQ(pod.runtime, "claude");
  EXPECT_EQ(pod.model, "claude-sonnet-4-6");
  EXPECT_EQ(pod.job_name, "fracta-agent-review-42");
  EXPECT_EQ(pod.node, "ip-10-0-1-2.internal");
  EXPECT_EQ(pod.ip, "10.0.0.7");
  EXPECT_EQ(pod.phase, "Running");
  EXPECT_TRUE(pod.ready);
  EXPECT_FALSE(pod.stream || pod.deleting || pod.stop_requested);
  EXPECT_EQ(pod.trouble, nullptr);
  EXPECT_EQ(pod.scheduled_at, parse_rfc3339("2026-11-21T20:00:01Z"));
  EXPECT_EQ(pod.ready_at, parse_rfc3339("2026-11-21T20:00:09Z"));
  ASSERT_EQ(pod.containers.size(), 2u);
  EXPECT_EQ(pod.containers[0].name, "workspace-init");
  EXPECT_TRUE(pod.containers[0].init);
  EXPECT_EQ(pod.containers[0].kind, ContainerState::Kind::kTerminated);
  EXPECT_EQ(pod.containers[1].restart_count, 2);
  EXPECT_EQ(pod.containers[1].started_at, parse_rfc3339("2026-11-21T20:00:04Z"));
}

std::size_t heap_of(const std::string& text) { return text.capacity() > 15 ? text.capacity() + 1 : 0; }

std::size_t footprint(const PodSummary& pod) {
  std::size_t bytes = sizeof(PodSummary) + pod.containers.capacity() * sizeof(ContainerState);
  for (const std::string* text : {&pod.name, &pod.uid, &pod.agent_id, &pod.agent_name, &pod.runtime, &pod.model,
                                  &pod.job_name, &pod.node, &pod.ip, &pod.phase, &pod.job_uid, &pod.credentials}) {
    bytes += heap_of(*text);
  }
  for (const ContainerState& container : pod.containers) {
    bytes += heap_of(container.name) + heap_of(container.reason) + heap_of(container.message);
  }
  if (pod.trouble)
    bytes += sizeof(PodTrouble) + heap_of(pod.trouble->message) + heap_of(pod.trouble->unschedulable_message);
  return bytes;
}

TEST(SummarizePod, KnowsItselfAndItsJobByUid) {
  const PodSummary pod = summarize_pod(Json::parse(kPod));
  EXPECT_EQ(pod.uid, "0f0b3c9e-1111-4222-8333-444455556666");
  EXPECT_EQ(pod.job_uid, "7c1de1a2-2222-4222-8333-444455556666");
  Json other = Json::parse(kPod);
  other["metadata"]["ownerReferences"][0].erase("controller");
  EXPECT_EQ(summarize_pod(other).job_uid, "") << "anybody may claim an owner; only the Job controller sets this";
}

TEST(SummarizePod, CredentialsStandAtTheOwner) {
  const std::string bound = R"([{"id":"a","name":"b","provider":"github"}])";
  Json pod = Json::parse(kPod);
  pod["metadata"]["annotations"][annotations::kCredentials] = bound;
  EXPECT_EQ(summarize_pod(pod).credentials, "");
  EXPECT_EQ(summarize_job(pod).credentials, bound);
  pod["metadata"]["labels"][labels::kStreamPod] = "true";
  EXPECT_EQ(summarize_pod(pod).credentials, bound);
  pod["metadata"]["annotations"][annotations::kCredentials] = std::string(4097, 'x');
  EXPECT_EQ(summarize_pod(pod).credentials, "");
}

// Design §6: less than 1 KiB more per tracked pod.
TEST(SummarizePod, StaysBelowOneKibibyte) { EXPECT_LT(footprint(summarize_pod(Json::parse(kPod))), 1024u); }

TEST(SummarizePod, HugeFieldsAreCut) {
  Json pod = Json::parse(kPod);
  const std::string huge(64u << 10, 'x');
  pod["metadata"]["annotations"]["fracta.io/agent-name"] = huge;
  pod["status"]["message"] = huge;
  pod["status"]["reason"] = huge;
  for (int i = 0; i < 20; ++i)
    pod["status"]["containerStatuses"].insert(
        pod["status"]["containerStatuses"].begin(),
        {{"name", huge}, {"state", {{"waiting", {{"reason", huge}, {"message", huge}}}}}});
  const PodSummary summary = summarize_pod(pod);
  EXPECT_LT(footprint(summary), 16u << 10);
  EXPECT_EQ(summary.containers.back().name, "agent");  // ours are never the ones left out
}

TEST(SummarizePod, StreamPods) {
  Json pod = Json::parse(kPod);
  pod["metadata"]["labels"]["fracta-stream-pod"] = "true";
  pod["metadata"]["annotations"]["fracta.io/deadline"] = "2026-11-21T22:00:00Z";
  EXPECT_TRUE(summarize_pod(pod).stream);
  EXPECT_EQ(summarize_pod(pod).uid, "0f0b3c9e-1111-4222-8333-444455556666");
  EXPECT_EQ(summarize_pod(pod).deadline, parse_rfc3339("2026-11-21T22:00:00Z"));
}

// Jobs of upstream's daemon: no annotations; the id is the name.
TEST(SummarizeJob, WithoutAnnotationsTheIdIsTheName) {
  const JobSummary job =
      summarize_job(Json::parse(R"({"metadata": {"name": "fracta-agent-a", "labels": {"fracta-agent-id": "a"}}})"));
  EXPECT_EQ(job.agent_name, "a");
}

TEST(SummarizeJob, KeepsWhatIsUsed) {
  const JobSummary job = summarize_job(
      Json::parse(R"({"metadata": {"name": "fracta-agent-a", "uid": "u", "labels": {"fracta-agent-id": "a"},
    "annotations": {"fracta.io/agent-name": "A", "fracta.io/spec-hash": "h", "fracta.io/stop-requested-at": ""}},
    "spec": {"suspend": true}, "status": {"active": 1, "succeeded": 2, "failed": 3,
    "conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "too long"}]}})"));
  EXPECT_EQ(job.uid, "u");
  EXPECT_EQ(job.spec_hash, "h");
  EXPECT_EQ(job.agent_name, "A");
  EXPECT_TRUE(job.suspended && job.failed && job.stop_requested);
  EXPECT_FALSE(job.complete || job.deleting);
  EXPECT_EQ(job.condition_reason, "DeadlineExceeded");
  EXPECT_EQ(job.active + job.succeeded + job.failed_pods, 6);
}

// One odd object must not stop the rest (CVE-2026-40886).
TEST(Summarize, AnyValueAtAnyPlaceIsSurvived) {
  const std::vector<Json> odd = {nullptr,
                                 true,
                                 -1,
                                 18446744073709551615u,
                                 1e300,
                                 "",
                                 "x/y",
                                 "\xff\xfe",
                                 Json::array(),
                                 Json::object(),
                                 Json::array({1, nullptr, Json::array()}),
                                 Json({{"a", nullptr}})};
  const Json flat = Json::parse(kPod).flatten();
  const Json good = Json::parse(kPod);
  std::set<std::string> places;
  for (const auto& [place, value] : flat.items()) {
    for (std::size_t end = place.size(); end != std::string::npos && end > 0; end = place.rfind('/', end - 1))
      places.insert(place.substr(0, end));
  }
  for (const std::string& place : places) {
    for (const Json& value : odd) {
      Json pod = good;
      pod[Json::json_pointer(place)] = value;
      const auto summary = std::make_shared<const PodSummary>(summarize_pod(pod));
      const JobSummary job = summarize_job(pod);
      derive_status(&job, std::vector{summary}, SystemTime{});
      derive_status(nullptr, std::vector{summary}, SystemTime{});
    }
  }
  for (const Json& value : odd) {
    summarize_pod(value);
    summarize_job(value);
  }
}

}  // namespace
}  // namespace fracta::agent
