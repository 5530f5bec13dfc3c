// Spawn: what is created, in which order, and what is left when it breaks off at any call.
#include <thread>

#include "unit/controlplane/fixture.hpp"

namespace fracta {
namespace {

using controlplane::SpawnRequest;
using ::testing::ElementsAre;
using testing::FakeCluster;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kConfigMapsPath;
using testing::kJobsPath;
using testing::kPodsPath;
using testing::kSecretsPath;

class SpawnTest : public testing::ControlPlaneTest {};

TEST_F(SpawnTest, CreatesTheJobFirstAndItsConfigMapOwnedByIt) {
  auto& plane = ready();
  auto result = plane.spawn(request("a1"));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->object, "fracta-agent-a1");
  EXPECT_EQ(result->kind, "Job");
  EXPECT_FALSE(result->existed);
  EXPECT_THAT(cluster_->calls(), ElementsAre("POST " + std::string(kJobsPath), "POST " + std::string(kConfigMapsPath)));
  auto job = *cluster_->get(kJobsPath, "fracta-agent-a1");
  auto config_map = *cluster_->get(kConfigMapsPath, "fracta-config-a1");
  const auto& owner = config_map["metadata"]["ownerReferences"][0];
  EXPECT_EQ(owner["uid"], job["metadata"]["uid"]);
  EXPECT_EQ(owner["kind"], "Job");
  EXPECT_EQ(owner["controller"], true);
}

TEST_F(SpawnTest, StreamAgentNeedsThreeWritesAndNoRead) {
  auto& plane = ready();
  auto spec = request("s1");
  spec.runtime = "codex";
  spec.mode = "stream";
  auto result = plane.spawn(spec);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->kind, "Pod");
  auto calls = cluster_->calls();
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[0], "POST " + std::string(kPodsPath));
  EXPECT_THAT(calls, ::testing::Each(HasSubstr("POST ")));
  EXPECT_TRUE(cluster_->get(kSecretsPath, "fracta-auth-s1"));
}

TEST_F(SpawnTest, RefusesABadSpecBeforeAnyCall) {
  auto& plane = ready();
  auto expect = [&](const SpawnRequest& spec, const std::string& text) {
    auto result = plane.spawn(spec);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(result.error().message, HasSubstr(text));
  };
  expect(request("-bad"), "invalid task name \"-bad\": must match");
  auto spec = request("a1");
  spec.tier = "huge";
  expect(spec, "invalid tier \"huge\": must be one of [heavy medium light]");
  spec.tier = "heavy";
  expect(spec, "tier \"heavy\" not configured in model_tiers");
  spec = request("a1");
  spec.runtime = "nope";
  expect(spec, "runtime \"nope\" not configured in fracta.yaml agents.agent_runtimes");
  spec = request("a1");
  spec.mode = "loop";
  expect(spec, "invalid mode \"loop\"");
  spec = request("a1");
  spec.dispatch = "queued";
  expect(spec, "not available in this version");
  spec = request("a1");
  spec.active_deadline_seconds = 0;
  expect(spec, "active_deadline_seconds must be greater than 0");
  spec = request("a1");
  spec.request_id = "with space";
  expect(spec, "invalid request_id");
  EXPECT_THAT(cluster_->calls(), IsEmpty());
}

TEST_F(SpawnTest, TheSameNameTwiceIsRefusedInUpstreamsWords) {
  auto& plane = ready();
  ASSERT_TRUE(plane.spawn(request("a1")));
  auto again = plane.spawn(request("a1"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(again.error().message, "agent \"a1\" already exists");
  // Also when the cache knows it already, and for the other kind of agent.
  ASSERT_TRUE(shows("a1", "Pending") || shows("a1", "Queued"));
  auto stream = request("a1");
  stream.mode = "stream";
  stream.runtime = "codex";
  EXPECT_EQ(plane.spawn(stream).error().code, ErrorCode::kAlreadyExists);
  EXPECT_THAT(cluster_->names(kPodsPath), IsEmpty());
}

TEST_F(SpawnTest, RepeatingARequestIdIsASuccessAndMakesNothing) {
  auto& plane = ready();
  auto spec = request("a1");
  spec.request_id = "req-1";
  ASSERT_TRUE(plane.spawn(spec));
  auto again = plane.spawn(spec);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->existed);
  EXPECT_EQ(cluster_->names(kJobsPath).size(), 1u);
  spec.contract = "something else";
  auto other = plane.spawn(spec);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kAlreadyExists);
  EXPECT_THAT(other.error().message, HasSubstr("request_id was used before with another spec"));
  spec = request("a1");
  spec.request_id = "req-2";
  EXPECT_EQ(plane.spawn(spec).error().code, ErrorCode::kAlreadyExists);
}

TEST_F(SpawnTest, ALostAnswerToTheJobPostIsFoundOutAndTheSpawnGoesOn) {
  auto& plane = ready();
  cluster_->set_faults([](int number, const net::Request&) {
    return number == 1 ? FakeCluster::Fault::kLost : FakeCluster::Fault::kNone;
  });
  auto result = plane.spawn(request("a1"));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_FALSE(result->existed);
  EXPECT_TRUE(cluster_->get(kConfigMapsPath, "fracta-config-a1"));
}

TEST_F(SpawnTest, ALostAnswerIsNotTakenForSomebodyElsesJob) {
  auto& plane = ready();
  cluster_->put(kJobsPath,
                {{"kind", "Job"}, {"metadata", {{"name", "fracta-agent-a1"}, {"labels", {{"app", "other"}}}}}});
  auto result = plane.spawn(request("a1"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kAlreadyExists);
  EXPECT_FALSE(cluster_->get(kConfigMapsPath, "fracta-config-a1"));
}

TEST_F(SpawnTest, ALeftoverConfigMapOfAnAgentThatIsGoneIsReplaced) {
  auto& plane = ready();
  Json leftover = {{"kind", "ConfigMap"},
                   {"metadata",
                    {{"name", "fracta-config-a1"},
                     {"labels", {{"app", "fracta"}, {"fracta-agent-id", "a1"}}},
                     {"ownerReferences", {{{"kind", "Job"}, {"name", "fracta-agent-a1"}, {"uid", "long-gone"}}}}}},
                   {"data", {{"old", "text"}}}};
  cluster_->put(kConfigMapsPath, leftover);
  auto result = plane.spawn(request("a1"));
  ASSERT_TRUE(result) << result.error().message;
  auto config_map = *cluster_->get(kConfigMapsPath, "fracta-config-a1");
  EXPECT_FALSE(config_map["data"].contains("old"));
  // As does one that upstream left without an owner.
  ASSERT_TRUE(plane.kill("a1"));
  leftover["metadata"].erase("ownerReferences");
  cluster_->put(kConfigMapsPath, leftover);
  ASSERT_TRUE(testing::eventually([&] { return plane.spawn(request("a1")).ok(); }));
}

TEST_F(SpawnTest, AConfigMapThatIsNotOursIsNeverTouched) {
  auto& plane = ready();
  cluster_->put(kConfigMapsPath,
                {{"kind", "ConfigMap"}, {"metadata", {{"name", "fracta-config-a1"}}}, {"data", {{"mine", "yes"}}}});
  auto result = plane.spawn(request("a1"));
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("exists and is not Fracta's"));
  EXPECT_EQ((*cluster_->get(kConfigMapsPath, "fracta-config-a1"))["data"]["mine"], "yes");
  EXPECT_THAT(cluster_->names(kJobsPath), IsEmpty());
}

TEST_F(SpawnTest, AFailedConfigMapTakesItsJobAlong) {
  auto& plane = ready();
  cluster_->set_faults([](int, const net::Request& r) {
    return r.method == "POST" && r.target.find("configmaps") != std::string::npos ? FakeCluster::Fault::kForbidden
                                                                                  : FakeCluster::Fault::kNone;
  });
  auto result = plane.spawn(request("a1"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kForbidden);
  EXPECT_THAT(result.error().message, HasSubstr("runtime/k8s: creating config map fracta-config-a1"));
  EXPECT_THAT(cluster_->names(kJobsPath), IsEmpty());
}

// Stops the world after the n-th call, as kill -9 would, in every way a call can end, and shows that garbage collector
// and a restarted daemon leave nothing behind.
class CrashSweepTest : public testing::ControlPlaneTest,
                       public ::testing::WithParamInterface<std::tuple<std::string, FakeCluster::Fault>> {};

TEST_P(CrashSweepTest, NothingLeaksWhereverASpawnDies) {
  auto [mode, fault] = GetParam();
  options_.call_timeout = std::chrono::milliseconds(200);
  for (int dies_at = 1; dies_at <= 4; ++dies_at) {
    cluster_ = std::make_shared<FakeCluster>();
    SetUp();
    auto& plane = ready();
    auto baseline = cluster_->object_count();
    // From that call on the daemon is dead to the world: even its roll-back does not get through.
    cluster_->set_faults([&, how = fault](int number, const net::Request&) {
      return number < dies_at ? FakeCluster::Fault::kNone : number == dies_at ? how : FakeCluster::Fault::kRefused;
    });
    auto spec = request("a1");
    spec.mode = mode;
    spec.runtime = "codex";
    bool spawned = plane.spawn(spec).ok();
    cluster_->set_faults(nullptr);
    if (spawned) continue;  // died after the last call
    cluster_->collect_garbage();
    options_.incomplete_after = std::chrono::milliseconds(20);
    start();  // a new process
    bool batch = mode == "batch";
    // All of it, when only the last answer was lost; or none of it.
    auto complete = [&] {
      return cluster_->get(batch ? kJobsPath : kPodsPath, batch ? "fracta-agent-a1" : "fracta-stream-a1") &&
             cluster_->get(kConfigMapsPath, "fracta-config-a1") &&
             (batch || cluster_->get(kSecretsPath, "fracta-auth-a1"));
    };
    EXPECT_TRUE(testing::eventually([&] {
      cluster_->collect_garbage();
      return cluster_->object_count() == baseline || complete();
    })) << mode
        << " died at call " << dies_at << " and left " << cluster_->object_count() - baseline << " objects";
  }
}

INSTANTIATE_TEST_SUITE_P(EveryCall, CrashSweepTest,
                         ::testing::Combine(::testing::Values("batch", "stream"),
                                            ::testing::Values(FakeCluster::Fault::kRefused,
                                                              FakeCluster::Fault::kLost)));

TEST_F(SpawnTest, MaxConcurrentIsCheckedBeforeAnythingIsCreated) {
  config_.reaper_max_concurrent = 2;
  auto& plane = ready();
  ASSERT_TRUE(plane.spawn(request("a1")));
  ASSERT_TRUE(plane.spawn(request("a2")));
  cluster_->reset_calls();
  auto third = plane.spawn(request("a3"));
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(third.error().message, "max concurrent agents (2) reached");
  EXPECT_TRUE(third.error().retry_after);
  EXPECT_THAT(cluster_->calls(), IsEmpty());
  set_completed("a1");
  EXPECT_TRUE(testing::eventually([&] { return plane.spawn(request("a3")).ok(); }))
      << "a finished agent takes no place";
}

TEST_F(SpawnTest, MaxConcurrentHoldsAgainstManyAtOnce) {
  config_.reaper_max_concurrent = 5;
  auto& plane = ready();
  std::atomic<int> spawned{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 20; ++i)
      threads.emplace_back([&, i] { spawned += plane.spawn(request("a" + std::to_string(i))).ok() ? 1 : 0; });
  }
  EXPECT_EQ(spawned.load(), 5);
  EXPECT_EQ(cluster_->names(kJobsPath).size(), 5u);
}

TEST_F(SpawnTest, OneOfManySpawnsOfOneNameWinsAndTheOthersLeaveItAlone) {
  auto& plane = ready();
  std::atomic<int> spawned{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&] { spawned += plane.spawn(request("a1")).ok() ? 1 : 0; });
  }
  EXPECT_EQ(spawned.load(), 1);
  EXPECT_TRUE(cluster_->get(kJobsPath, "fracta-agent-a1"));
  EXPECT_TRUE(cluster_->get(kConfigMapsPath, "fracta-config-a1"));
}

TEST_F(SpawnTest, BeforeTheFirstSyncItIsNotReady) {
  cluster_->set_down(true);
  auto& plane = start();
  auto result = plane.spawn(request("a1"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(plane.checks()[0].ok);
  cluster_->set_down(false);
  EXPECT_TRUE(plane.wait_until_ready(std::chrono::seconds(10))) << "it comes up by itself";
}

TEST_F(SpawnTest, DryRunsShowTheObjectsAndHideSecrets) {
  auto& plane = ready();
  auto spec = request("s1");
  spec.runtime = "codex";
  spec.mode = "stream";
  spec.tier = "heavy";
  for (auto kind : {controlplane::DryRun::kClient, controlplane::DryRun::kServer}) {
    auto result = plane.dry_run(spec, kind);
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_EQ(result->objects->size(), 3u);
    EXPECT_EQ((*result->objects)[0]["kind"], "Pod");
    EXPECT_EQ(result->resolved.model, "big-model");
    EXPECT_EQ(result->image, "agent:1");
    const auto& secret = (*result->objects)[2];
    ASSERT_EQ(secret["kind"], "Secret");
    for (const char* field : {"data", "stringData"}) {
      if (!secret.contains(field)) continue;
      for (const auto& [key, value] : secret[field].items()) {
        EXPECT_TRUE(value == "PHJlZGFjdGVkPg==" || value == "<redacted>") << key;
      }
    }
  }
  EXPECT_THAT(cluster_->names(kPodsPath), IsEmpty());
}

}  // namespace
}  // namespace fracta
