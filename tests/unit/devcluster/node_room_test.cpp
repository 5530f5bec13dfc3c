// Pods get what others have left of the node; the rest waits, in the scheduler's words, until there is room.
#include "devcluster/node/node_room.hpp"

#include "node_fixture.hpp"

namespace fracta::devcluster {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

Json asking(const std::string& uid, const Json& requests, const Json& more = Json::object()) {
  Json container{{"name", "a"}, {"resources", {{"requests", requests}}}};
  container.update(more);
  return {{"metadata", {{"uid", uid}}}, {"spec", {{"containers", Json::array({container})}}}};
}

const Json kNode = {{"cpu", "2"}, {"memory", "1Gi"}, {"pods", "3"}};

TEST(NodeRoomTest, WhatOthersAskedForIsGone) {
  NodeRoom room;
  const Json big = asking("1", {{"cpu", "1500m"}, {"memory", "600Mi"}});
  EXPECT_THAT(room.lacking(big, kNode), IsEmpty());
  room.take(big);
  room.take(big);  // seen again
  EXPECT_THAT(room.lacking(asking("2", {{"cpu", "500m"}, {"memory", "424Mi"}}), kNode), IsEmpty());
  EXPECT_THAT(room.lacking(asking("2", {{"cpu", "501m"}}), kNode), ElementsAre("Insufficient cpu"));
  EXPECT_THAT(room.lacking(asking("2", {{"cpu", "1"}, {"memory", "1Gi"}}), kNode),
              ElementsAre("Insufficient cpu", "Insufficient memory"));
  EXPECT_THAT(room.lacking(asking("2", {{"example.com/gpu", "1"}}), kNode),
              ElementsAre("Insufficient example.com/gpu"));
  EXPECT_TRUE(room.release("1"));
  EXPECT_FALSE(room.release("1"));
  EXPECT_THAT(room.lacking(asking("2", {{"cpu", "2"}}), kNode), IsEmpty());
}

TEST(NodeRoomTest, InitContainersRunBeforeTheOthers) {
  Json pod = asking("1", {{"cpu", "1"}});
  pod["spec"]["initContainers"] = Json::array({{{"name", "i"}, {"resources", {{"requests", {{"cpu", "1500m"}}}}}},
                                               {{"name", "j"}, {"resources", {{"requests", {{"cpu", "200m"}}}}}}});
  NodeRoom room;
  room.take(pod);
  EXPECT_THAT(room.lacking(asking("2", {{"cpu", "500m"}}), kNode), IsEmpty());
  EXPECT_THAT(room.lacking(asking("2", {{"cpu", "600m"}}), kNode), ElementsAre("Insufficient cpu"));
}

TEST(NodeRoomTest, PodsAndPortsAreCounted) {
  NodeRoom room;
  const auto on_port = [](const std::string& uid, const Json& port) {
    return asking(uid, Json::object(), {{"ports", Json::array({port})}});
  };
  room.take(on_port("1", {{"hostPort", 80}, {"hostIP", "10.0.0.1"}}));
  EXPECT_THAT(room.lacking(on_port("2", {{"hostPort", 80}}), kNode),
              ElementsAre("node(s) didn't have free ports for the requested pod ports"));
  EXPECT_THAT(room.lacking(on_port("2", {{"hostPort", 80}, {"hostIP", "10.0.0.2"}}), kNode), IsEmpty());
  EXPECT_THAT(room.lacking(on_port("2", {{"hostPort", 80}, {"protocol", "UDP"}}), kNode), IsEmpty());
  room.take(asking("2", Json::object()));
  room.take(asking("3", Json::object()));
  EXPECT_THAT(room.lacking(asking("4", Json::object()), kNode), ElementsAre("Too many pods"));
}

class NodeRoomClusterTest : public ClusterTest {
 protected:
  // A node of one CPU, whatever this machine has.
  void SetUp() override {
    ClusterTest::SetUp();
    watch("nodes");
    start_node();
    ASSERT_TRUE(api_->mutate(
                        "nodes", "", "fracta-dev",
                        [](Json& node) {
                          node["status"]["allocatable"]["cpu"] = "1";
                          return true;
                        },
                        "status")
                    .ok());
  }
  static Json needing(const std::string& name, const std::string& cpu, const std::string& script, Json spec = {}) {
    if (!spec.is_object()) spec = Json::object();
    spec["main"] = {{"resources", {{"requests", {{"cpu", cpu}}}}}};
    return pod(name, script, spec);
  }
  static std::string why(const Json& pod) {
    const Json* conditions = find_path(pod, "status/conditions");
    for (const Json& condition : conditions != nullptr ? *conditions : Json::array())
      if (string_at(condition, "type") == "PodScheduled" && string_at(condition, "status") == "False")
        return string_at(condition, "reason") + ": " + string_at(condition, "message");
    return "";
  }
};

TEST_F(NodeRoomClusterTest, APodWaitsUntilThereIsRoom) {
  create("pods", needing("first", "600m", "sleep 60"));
  wait_for_phase("first", "Running");
  create("pods", needing("second", "600m", "true"));
  const std::string message =
      "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found "
      "for incoming pod.";
  wait_until("pods", "second", [&](const Json& p) { return why(p) == "Unschedulable: " + message; });
  EXPECT_THAT(event_messages("FailedScheduling"), Contains(message));
  EXPECT_EQ(string_at(get("pods", "second"), "status/phase"), "Pending");
  create("pods", needing("small", "400m", "true"));  // there is room for it
  wait_for_phase("small", "Succeeded");
  ASSERT_TRUE(api_->remove("pods", "default", "first", {}).ok());
  wait_for_phase("second", "Succeeded");
}

TEST_F(NodeRoomClusterTest, RoomGoesToTheMostImportant) {
  create("pods", needing("first", "1", "sleep 60"));
  wait_for_phase("first", "Running");
  create("pods", needing("old", "1", "sleep 60"));
  wait_until("pods", "old", [&](const Json& p) { return !why(p).empty(); });
  Json urgent = needing("urgent", "1", "sleep 60");
  ASSERT_TRUE(
      api_->create("priorityclasses.scheduling.k8s.io", "", {{"metadata", {{"name", "high"}}}, {"value", 1000}}).ok());
  urgent["spec"]["priorityClassName"] = "high";
  create("pods", urgent);
  wait_until("pods", "urgent", [&](const Json& p) { return !why(p).empty(); });
  ASSERT_TRUE(api_->remove("pods", "default", "first", {}).ok());
  wait_for_phase("urgent", "Running");
  EXPECT_EQ(string_at(get("pods", "old"), "status/phase"), "Pending");
}

TEST_F(NodeRoomClusterTest, ANodeThatGrowsTakesWhoWaited) {
  create("pods", needing("big", "1500m", "true"));
  wait_until("pods", "big", [&](const Json& p) { return why(p).find("1 Insufficient cpu") != std::string::npos; });
  ASSERT_TRUE(api_->mutate(
                      "nodes", "", "fracta-dev",
                      [](Json& node) {
                        node["status"]["allocatable"]["cpu"] = "2";
                        return true;
                      },
                      "status")
                  .ok());
  wait_for_phase("big", "Succeeded");
}

}  // namespace
}  // namespace fracta::devcluster
