// From POST /api/v1/agents to objects in a real API server, and to output where a node runs pods.
#include "integration/daemon_fixture.hpp"

namespace fracta {
namespace {

using ::testing::HasSubstr;

class SpawnIntegration : public testing::DaemonTest {};

TEST_F(SpawnIntegration, MakesTheObjectsWithTheirOwner) {
  start();
  auto answer = call("POST", "/api/v1/agents", {{"task", "a1"}, {"command", {"sh", "-c", "sleep 60"}}});
  ASSERT_EQ(answer.status, 201) << answer.body;
  auto job = cluster().client().get(kube::kJobs, cluster().ns(), "fracta-agent-a1");
  ASSERT_TRUE(job) << job.error().message;
  EXPECT_EQ((*job)["metadata"]["labels"]["app"], "fracta");
  EXPECT_EQ((*job)["spec"]["backoffLimit"], 0);
  auto config_map = cluster().client().get(kube::kConfigMaps, cluster().ns(), "fracta-config-a1");
  ASSERT_TRUE(config_map) << config_map.error().message;
  EXPECT_EQ((*config_map)["metadata"]["ownerReferences"][0]["uid"], (*job)["metadata"]["uid"]);
  auto agents = json("GET", "/api/v1/agents")["agents"];
  ASSERT_TRUE(testing::within(std::chrono::seconds(10), [&] { return !status("a1").empty(); }));
  auto again = call("POST", "/api/v1/agents", {{"task", "a1"}});
  EXPECT_EQ(again.status, 409);
  EXPECT_THAT(again.body, HasSubstr("spawn failed: agent \\\"a1\\\" already exists"));
  EXPECT_EQ(call("DELETE", "/api/v1/agents/a1").status, 200);
  EXPECT_TRUE(testing::within(std::chrono::seconds(30), [&] {
    return cluster().client().get(kube::kConfigMaps, cluster().ns(), "fracta-config-a1").ok() == false;
  }));
}

TEST_F(SpawnIntegration, RepeatsAreIdempotentWithARequestId) {
  start();
  Json body = {{"task", "a1"}, {"request_id", "r-1"}};
  EXPECT_EQ(call("POST", "/api/v1/agents", body).status, 201);
  auto again = call("POST", "/api/v1/agents", body);
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_THAT(again.body, HasSubstr("\"existed\":true"));
}

TEST_F(SpawnIntegration, ServerDryRunStoresNothingAndNamesTheField) {
  start();
  auto answer = call("POST", "/api/v1/agents?dryRun=server", {{"task", "a1"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_FALSE(cluster().client().get(kube::kJobs, cluster().ns(), "fracta-agent-a1"));
}

TEST_F(SpawnIntegration, AJobAgentRunsToItsEndAndItsOutputIsThere) {
  if (!runs_pods()) GTEST_SKIP() << "this cluster runs no pods; name an image in FRACTA_TEST_IMAGE";
  start();
  ASSERT_EQ(call("POST", "/api/v1/agents", {{"task", "a1"}}).status, 201);
  ASSERT_TRUE(becomes("a1", "Completed")) << json("GET", "/api/v1/agents/a1").dump(2);
  EXPECT_EQ(json("GET", "/api/v1/agents/a1")["agent"]["exit_code"], 0);
  EXPECT_EQ(json("GET", "/api/v1/agents/a1/logs")["output"], "hello from me\n");
  EXPECT_EQ(json("GET", "/api/v1/agents/a1/peek")["output"], "hello from me\n");
  auto events = json("GET", "/api/v1/agents/a1/events")["events"].dump();
  EXPECT_THAT(events, HasSubstr("job_create"));
  EXPECT_THAT(events, HasSubstr("lifecycle.completed"));
}

TEST_F(SpawnIntegration, AFailingAgentTellsItsExitCode) {
  if (!runs_pods()) GTEST_SKIP() << "this cluster runs no pods; name an image in FRACTA_TEST_IMAGE";
  start();
  ASSERT_EQ(call("POST", "/api/v1/agents", {{"task", "a1"}, {"command", {"sh", "-c", "echo oops >&2; exit 7"}}}).status,
            201);
  ASSERT_TRUE(becomes("a1", "Failed")) << json("GET", "/api/v1/agents/a1").dump(2);
  auto agent = json("GET", "/api/v1/agents/a1")["agent"];
  EXPECT_EQ(agent["exit_code"], 7);
  EXPECT_FALSE(string_at(agent, "reason").empty());
}

TEST_F(SpawnIntegration, ARunningAgentIsKilled) {
  if (!runs_pods()) GTEST_SKIP() << "this cluster runs no pods; name an image in FRACTA_TEST_IMAGE";
  start();
  ASSERT_EQ(call("POST", "/api/v1/agents", {{"task", "a1"}, {"command", {"sh", "-c", "sleep 300"}}}).status, 201);
  ASSERT_TRUE(becomes("a1", "Running")) << json("GET", "/api/v1/agents/a1").dump(2);
  EXPECT_EQ(call("DELETE", "/api/v1/agents/a1").status, 200);
  EXPECT_TRUE(
      testing::within(std::chrono::seconds(60), [&] { return call("GET", "/api/v1/agents/a1").status == 404; }));
}

TEST_F(SpawnIntegration, ARestartedDaemonKnowsItsAgents) {
  start();
  ASSERT_EQ(call("POST", "/api/v1/agents", {{"task", "Some_Task"}, {"command", {"sh", "-c", "sleep 300"}}}).status,
            201);
  start();
  auto agents = json("GET", "/api/v1/agents")["agents"];
  ASSERT_EQ(agents.size(), 1u);
  EXPECT_EQ(agents[0]["name"], "Some_Task");
}

}  // namespace
}  // namespace fracta
