// A node that is lost, full or cordoned, as `kubectl get nodes,pods` shows it.
#include "node_fixture.hpp"

namespace fracta::devcluster {
namespace {

using testing::Contains;
using testing::HasSubstr;

class NodeFaultsTest : public ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    watch("nodes");
    start_node();
  }
  Json node() { return **api_->get("nodes", "", "fracta-dev"); }
  static std::string condition(const Json& object, const std::string& type, const std::string& field = "status") {
    const Json* conditions = find_path(object, "status/conditions");
    for (const auto& c : conditions != nullptr ? *conditions : Json::array())
      if (string_at(c, "type") == type) return string_at(c, field);
    return "";
  }
  static Json impatient() {
    return Json::array({{{"key", "node.kubernetes.io/unreachable"},
                         {"operator", "Exists"},
                         {"effect", "NoExecute"},
                         {"tolerationSeconds", 0}}});
  }
};

TEST_F(NodeFaultsTest, ALostNodeKeepsItsPodsTerminatingUntilItIsBack) {
  create("pods", pod("impatient", "sleep 60", {{"tolerations", impatient()}}));
  create("pods", pod("patient", "sleep 60"));
  wait_for_phase("impatient", "Running");
  wait_for_phase("patient", "Running");
  node_->set_lost(true);
  EXPECT_EQ(condition(node(), "Ready"), "Unknown");
  EXPECT_EQ(condition(node(), "Ready", "reason"), "NodeStatusUnknown");
  const Json gone = wait_until("pods", "impatient",
                               [](const Json& p) { return find_path(p, "metadata/deletionTimestamp") != nullptr; });
  EXPECT_EQ(condition(gone, "DisruptionTarget", "reason"), "DeletionByTaintManager");
  const Json kept = get("pods", "patient");
  EXPECT_EQ(condition(kept, "Ready"), "False");
  EXPECT_EQ(string_at(kept, "status/phase"), "Running");  // nobody knows better
  EXPECT_EQ(find_path(kept, "metadata/deletionTimestamp"), nullptr);
  create("pods", pod("late", "true"));
  wait_until("pods", "late", [&](const Json& p) {
    return condition(p, "PodScheduled", "message")
               .find("1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }") != std::string::npos;
  });
  node_->set_lost(false);
  wait_until("pods", "impatient", [](const Json& p) { return p.is_null(); });
  wait_for_phase("late", "Succeeded");
  EXPECT_EQ(condition(node(), "Ready"), "True");
  EXPECT_EQ(find_path(node(), "spec/taints"), nullptr);
  wait_until("pods", "patient", [](const Json& p) { return condition(p, "Ready") == "True"; });
}

TEST_F(NodeFaultsTest, WhatEndsOnALostNodeIsSeenWhenItIsBack) {
  create("pods", pod("p", "until [ -e /tmp/go ]; do sleep 0.01; done; exit 6"));
  const Json p = wait_for_phase("p", "Running");
  node_->set_lost(true);
  EXPECT_FALSE(node_->is_running(p, "main"));
  node_->set_lost(false);
  EXPECT_TRUE(node_->is_running(p, "main"));
}

TEST_F(NodeFaultsTest, AFullDiskEvictsAndKeepsNewPodsAway) {
  create("pods", pod("p", "sleep 60"));
  wait_for_phase("p", "Running");
  node_->set_disk_full(true);
  const Json p = wait_for_phase("p", "Failed");
  EXPECT_EQ(string_at(p, "status/reason"), "Evicted");
  EXPECT_EQ(string_at(p, "status/message"), "The node was low on resource: ephemeral-storage. ");
  EXPECT_EQ(condition(node(), "DiskPressure"), "True");
  create("pods", pod("late", "true"));
  wait_until("pods", "late", [](const Json& o) { return condition(o, "PodScheduled", "reason") == "Unschedulable"; });
  node_->set_disk_full(false);
  wait_for_phase("late", "Succeeded");
}

TEST_F(NodeFaultsTest, ACordonedNodeTakesNoPods) {
  const auto cordon = [&](bool on) {
    ASSERT_TRUE(api_->mutate(
                        "nodes", "", "fracta-dev",
                        [&](Json& object) {
                          object["spec"]["unschedulable"] = on;
                          return true;
                        },
                        "")
                    .ok());
  };
  cordon(true);
  create("pods", pod("p", "true"));
  wait_until("pods", "p", [](const Json& o) {
    return condition(o, "PodScheduled", "message").find("1 node(s) were unschedulable") != std::string::npos;
  });
  cordon(false);
  wait_for_phase("p", "Succeeded");
}

}  // namespace
}  // namespace fracta::devcluster
