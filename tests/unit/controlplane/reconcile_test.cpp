// What the reconcile loop tells and does: lifecycle events, deadlines, incomplete spawns, Jobs without pods, restarts.
#include "unit/controlplane/fixture.hpp"

namespace fracta {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::eventually;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kConfigMapsPath;
using testing::kEventsPath;
using testing::kJobsPath;
using testing::kPodsPath;
using ::testing::Not;

class ReconcileTest : public testing::ControlPlaneTest {
 protected:
  bool told(const std::string& task, const std::string& action) {
    return eventually([&] {
      auto all = actions(task);
      return std::find(all.begin(), all.end(), action) != all.end();
    });
  }
  static Json job(const std::string& id, const Json& annotations = Json::object()) {
    return {{"apiVersion", "batch/v1"},
            {"kind", "Job"},
            {"metadata",
             {{"name", "fracta-agent-" + id},
              {"namespace", "fracta"},
              {"creationTimestamp", "2026-01-01T00:00:00Z"},
              {"annotations", annotations},
              {"labels", {{"app", "fracta"}, {"fracta-agent-id", id}}}}},
            {"spec", Json::object()}};
  }
};

TEST_F(ReconcileTest, TellsALifeFromStartToEnd) {
  auto& plane = ready();
  ASSERT_TRUE(plane.spawn(request("a1")));
  set_running("a1");
  ASSERT_TRUE(told("a1", "lifecycle.started"));
  EXPECT_EQ(phase("a1"), "Running");
  set_completed("a1");
  ASSERT_TRUE(told("a1", "lifecycle.completed"));
  auto info = plane.get("a1");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->phase, "Completed");
  EXPECT_EQ(info->exit_code, 0);
  EXPECT_EQ(info->node, "node-1");
  EXPECT_THAT(actions("a1"), Contains("job_create"));
  ASSERT_TRUE(plane.kill("a1"));
  ASSERT_TRUE(told("a1", "removed"));
  EXPECT_EQ(phase("a1"), "-");
  EXPECT_THAT(cluster_->names(kConfigMapsPath), IsEmpty());
  EXPECT_THAT(actions("a1"), Not(Contains("lifecycle.stopped"))) << "it had completed before";
}

TEST_F(ReconcileTest, AStuckPodIsToldWithReasonAndNextStep) {
  auto& plane = ready();
  ASSERT_TRUE(plane.spawn(request("a1")));
  set_pod("a1", "Pending", {{"waiting", {{"reason", "InvalidImageName"}, {"message", "couldn't parse image name"}}}});
  ASSERT_TRUE(told("a1", "lifecycle.stuck"));
  auto info = plane.get("a1");
  EXPECT_EQ(info->reason, "InvalidImageName");
  EXPECT_FALSE(info->next_step.empty());
}

// A kubelet turns from one reason to the other and back for as long as the image cannot be had.
TEST_F(ReconcileTest, AnImageThatCannotBePulledIsToldOnce) {
  auto& plane = ready();
  ASSERT_TRUE(plane.spawn(request("a1")));
  for (const char* reason : {"ErrImagePull", "ImagePullBackOff", "ErrImagePull", "ImagePullBackOff"}) {
    set_pod("a1", "Pending", {{"waiting", {{"reason", reason}, {"message", "pull"}}}});
    ASSERT_TRUE(eventually([&] {
      auto info = plane.get("a1");
      return info && info->reason == reason;
    }));
  }
  set_running("a1");
  ASSERT_TRUE(told("a1", "lifecycle.started"));
  const auto all = actions("a1");
  EXPECT_EQ(std::count(all.begin(), all.end(), "lifecycle.stuck"), 1);
}

TEST_F(ReconcileTest, KillOfARunningAgentStopsIt) {
  auto& plane = ready();
  ASSERT_TRUE(plane.spawn(request("a1")));
  set_running("a1");
  ASSERT_TRUE(shows("a1", "Running"));
  ASSERT_TRUE(plane.kill("a1"));
  EXPECT_TRUE(told("a1", "lifecycle.stopped"));
  EXPECT_TRUE(told("a1", "removed"));
}

TEST_F(ReconcileTest, KillWithoutItsJobSaysNotFoundAndStillRemovesTheRest) {
  auto& plane = ready();
  ASSERT_TRUE(plane.spawn(request("a1")));
  cluster_->erase(kJobsPath, "fracta-agent-a1");
  ASSERT_TRUE(eventually([&] { return phase("a1") == "-"; }));
  auto killed = plane.kill("a1");
  ASSERT_FALSE(killed);
  EXPECT_EQ(killed.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(killed.error().message, "agent \"a1\" not found");
  EXPECT_THAT(cluster_->names(kConfigMapsPath), IsEmpty());
}

TEST_F(ReconcileTest, KillNeverTouchesObjectsThatOnlyHaveTheName) {
  auto& plane = ready();
  cluster_->put(kJobsPath,
                {{"kind", "Job"}, {"metadata", {{"name", "fracta-agent-a1"}, {"labels", {{"app", "else"}}}}}});
  cluster_->put(kConfigMapsPath, {{"kind", "ConfigMap"}, {"metadata", {{"name", "fracta-config-a1"}}}});
  EXPECT_EQ(plane.kill("a1").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(cluster_->names(kJobsPath).size(), 1u);
  EXPECT_EQ(cluster_->names(kConfigMapsPath).size(), 1u);
}

TEST_F(ReconcileTest, AJobWithAForeignNameIsNotAnAgent) {
  auto& plane = ready();
  auto impostor = job("a1");
  impostor["metadata"]["name"] = "something-else";
  cluster_->put(kJobsPath, impostor);
  cluster_->put(kJobsPath, job("a2"));
  ASSERT_TRUE(eventually([&] { return phase("a2") != "-"; }));
  EXPECT_EQ(phase("a1"), "-");
  EXPECT_EQ(plane.list()->size(), 1u);
}

TEST_F(ReconcileTest, ARestartedDaemonKnowsEveryAgentAndTellsNothingTwice) {
  ASSERT_TRUE(ready().spawn(request("a1")));
  ASSERT_TRUE(plane().spawn(request("a2")));
  set_running("a1");
  ASSERT_TRUE(told("a1", "lifecycle.started"));
  auto before = cluster_->object_count();
  auto& again = ready();
  EXPECT_EQ(phase("a1"), "Running");
  EXPECT_EQ(again.list()->size(), 2u);
  EXPECT_EQ(cluster_->object_count(), before);
  EXPECT_THAT(actions("a1"), IsEmpty());
  set_completed("a1");
  ASSERT_TRUE(told("a1", "lifecycle.completed"));
  EXPECT_THAT(actions("a1"), ElementsAre("lifecycle.completed"));
}

TEST_F(ReconcileTest, AnIdleAgentCostsNoRequest) {
  auto& plane = ready();
  ASSERT_TRUE(plane.spawn(request("a1")));
  set_running("a1");
  ASSERT_TRUE(told("a1", "lifecycle.started"));
  cluster_->reset_calls();
  for (int i = 0; i < 20; ++i) set_running("a1");
  ASSERT_TRUE(plane.get("a1"));
  set_completed("a1");
  ASSERT_TRUE(told("a1", "lifecycle.completed"));
  EXPECT_THAT(cluster_->calls(), IsEmpty());
}

TEST_F(ReconcileTest, ADeadlineInTheClusterIsKeptByAnyDaemon) {
  cluster_->put(kJobsPath, job("old", {{"fracta.io/deadline", "2026-01-01T01:00:00Z"}}));
  cluster_->put(kJobsPath, job("new", {{"fracta.io/deadline", "2999-01-01T01:00:00Z"}}));
  auto& plane = ready();
  EXPECT_TRUE(eventually([&] { return phase("old") == "-"; }));
  EXPECT_THAT(actions("old"), Contains("reap"));
  EXPECT_TRUE(plane.get("new")->deadline.has_value());
  EXPECT_THAT(cluster_->names(kJobsPath), ElementsAre("fracta-agent-new"));
}

TEST_F(ReconcileTest, MaxAgeOfTodayEndsAgentsOfYesterdayButNeverFinishedOnes) {
  cluster_->put(kJobsPath, job("old"));
  auto done = job("done");
  done["status"] = {{"conditions", {{{"type", "Complete"}, {"status", "True"}}}}};
  cluster_->put(kJobsPath, done);
  config_.reaper_max_age = std::chrono::hours(1);
  ready();
  EXPECT_TRUE(eventually([&] { return phase("old") == "-"; }));
  EXPECT_THAT(cluster_->names(kJobsPath), ElementsAre("fracta-agent-done"));
}

TEST_F(ReconcileTest, AJobWhoseSpawnDiedIsRemovedAndACompleteOneStays) {
  cluster_->put(kJobsPath, job("half"));
  cluster_->put(kJobsPath, job("whole"));
  cluster_->put(kConfigMapsPath, {{"kind", "ConfigMap"}, {"metadata", {{"name", "fracta-config-whole"}}}});
  options_.incomplete_after = std::chrono::milliseconds(30);
  ready();
  EXPECT_TRUE(eventually([&] { return phase("half") == "-"; }));
  ASSERT_TRUE(eventually([&] { return !plane().events().recent("half", 10).empty(); }));
  const auto events = plane().events().recent("half", 10);
  EXPECT_EQ(events[0]->action, "lifecycle.failed");
  EXPECT_THAT(events[0]->attributes, Contains(std::pair<std::string, std::string>("reason", "IncompleteSpawn")));
  EXPECT_NE(phase("whole"), "-");
}

TEST_F(ReconcileTest, AJobWithoutPodIsExplainedByItsEvents) {
  options_.no_pod_after = std::chrono::milliseconds(20);
  auto& plane = ready();
  ASSERT_TRUE(plane.spawn(request("a1")));
  auto uid = string_at(*cluster_->get(kJobsPath, "fracta-agent-a1"), "metadata/uid");
  cluster_->put(kEventsPath, {{"kind", "Event"},
                              {"metadata", {{"name", "e1"}}},
                              {"reason", "FailedCreate"},
                              {"involvedObject", {{"uid", uid}}},
                              {"lastTimestamp", "2026-01-01T00:00:05Z"},
                              {"message", "Error creating: pods \"x\" is forbidden: exceeded quota: q"}});
  EXPECT_TRUE(eventually([&] {
    auto info = plane.get("a1");
    return info && info->message.find("exceeded quota") != std::string::npos;
  }));
  EXPECT_FALSE(plane.get("a1")->reason.empty());
}

// The last word of the pod's Events counts; its container's own "ContainerCreating" says nothing.
TEST_F(ReconcileTest, APodWhoseVolumeIsNotThereIsExplainedByItsEvents) {
  options_.no_pod_after = std::chrono::milliseconds(200);
  auto& plane = ready();
  ASSERT_TRUE(plane.spawn(request("a1")));
  set_pod("a1", "Pending", {{"waiting", {{"reason", "ContainerCreating"}}}});
  const auto uid = string_at(*cluster_->get(kPodsPath, "fracta-agent-a1-x1"), "metadata/uid");
  ASSERT_NE(uid, "");
  const auto event = [&](const char* name, const char* reason, const char* at, const char* message) {
    cluster_->put(kEventsPath, {{"kind", "Event"},
                                {"metadata", {{"name", name}}},
                                {"reason", reason},
                                {"involvedObject", {{"uid", uid}}},
                                {"lastTimestamp", at},
                                {"message", message}});
  };
  event("e1", "FailedMount", "2026-01-01T00:00:05Z", "MountVolume.SetUp failed : secret \"openai\" not found");
  event("e2", "FailedMount", "2026-01-01T00:02:00Z", "Unable to attach or mount volumes: timed out");
  event("e3", "Scheduled", "2026-01-01T00:00:01Z", "Successfully assigned");
  EXPECT_TRUE(eventually([&] {
    auto info = plane.get("a1");
    return info && info->reason == "FailedMount" && info->message.find("\"openai\" not found") != std::string::npos &&
           info->next_step.find("create the Secret") != std::string::npos;
  })) << plane.get("a1")->reason
      << plane.get("a1")->message;
  ASSERT_TRUE(told("a1", "lifecycle.stuck"));
  set_running("a1");
  EXPECT_TRUE(shows("a1", "Running"));
  EXPECT_EQ(plane.get("a1")->reason, "");
}

TEST_F(ReconcileTest, MetricsAreDerivedFromTheCache) {
  auto& plane = ready();
  ASSERT_TRUE(plane.spawn(request("a1")));
  set_running("a1");
  ASSERT_TRUE(told("a1", "lifecycle.started"));
  auto text = metrics_->expose();
  EXPECT_THAT(text, HasSubstr("fracta_agents{phase=\"Running\"} 1"));
  EXPECT_THAT(text, HasSubstr("fracta_agents{phase=\"Failed\"} 0"));
  EXPECT_THAT(text, HasSubstr("fracta_spawns_total{mode=\"batch\",result=\"success\"} 1"));
  EXPECT_THAT(text, HasSubstr("controller_runtime_reconcile_total{controller=\"agent\",result=\"success\"}"));
  EXPECT_THAT(text, HasSubstr("fracta_config_info{hash=\"0123456789abcdef\"} 1"));
  EXPECT_THAT(text, HasSubstr("workqueue_adds_total"));
  EXPECT_THAT(text, HasSubstr("fracta_spawn_duration_seconds_bucket"));
}

TEST_F(ReconcileTest, TheApiServerGoingAwayLosesNothing) {
  auto& plane = ready();
  ASSERT_TRUE(plane.spawn(request("a1")));
  cluster_->set_down(true);
  ASSERT_FALSE(plane.spawn(request("a2")));
  EXPECT_NE(phase("a1"), "-") << "the cache still answers";
  cluster_->set_down(false);
  set_running("a1");
  EXPECT_TRUE(shows("a1", "Running"));
}

}  // namespace
}  // namespace fracta
