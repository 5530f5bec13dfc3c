// Pods on a node that runs nothing.
#include "node_fixture.hpp"

namespace fracta::devcluster {
namespace {

class FakeNodeTest : public ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    watch("leases.coordination.k8s.io");
    (void)api_->create("namespaces", "", {{"metadata", {{"name", "kube-node-lease"}}}});
    (void)api_->create("serviceaccounts", "default", {{"metadata", {{"name", "default"}}}});
    NodeOptions options;
    options.directory = *directory_ / "node";
    options.fake = FakePods{std::chrono::milliseconds{1}, std::chrono::milliseconds{1}, std::chrono::milliseconds{1}};
    node_ = make_fake_node(*api_, options);
    node_->start();
  }
  static Json annotated(const std::string& name, const std::string& key, const std::string& value) {
    Json result = pod(name, "true");
    result["metadata"]["annotations"]["fracta.io/" + key] = value;
    return result;
  }
};

TEST_F(FakeNodeTest, PodsRunAndEndByTheirAnnotations) {
  create("pods", pod("ends", "true"));
  create("pods", annotated("fails", "fake-exit-code", "3"));
  create("pods", annotated("stays", "fake-duration", "never"));
  const Json failed = wait_for_phase("fails", "Failed");
  EXPECT_EQ(failed["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"], 3);
  EXPECT_EQ(failed["status"]["containerStatuses"][0]["state"]["terminated"]["reason"], "Error");
  wait_for_phase("ends", "Succeeded");
  const Json running = wait_for_phase("stays", "Running");
  EXPECT_EQ(string_at(running, "spec/nodeName"), "fracta-dev");
  EXPECT_FALSE(string_at(running, "status/podIP").empty());
  ASSERT_TRUE(api_->remove("pods", "default", "stays", {}).ok());
  wait_until("pods", "stays", [](const Json& o) { return o.is_null(); });
}

TEST_F(FakeNodeTest, TheNodesLeaseIsItsHeartbeat) {
  wait_until("leases.coordination.k8s.io", "", [&](const Json&) {
    const auto lease = api_->get("leases.coordination.k8s.io", "kube-node-lease", "fracta-dev");
    return lease.ok() && string_at(**lease, "spec/holderIdentity") == "fracta-dev" &&
           string_at((**lease)["metadata"]["ownerReferences"][0], "kind") == "Node";
  });
}

}  // namespace
}  // namespace fracta::devcluster
