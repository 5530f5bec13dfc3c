// Deployments as people handle them: kubectl rollout, scale, undo.
#include "integration/kubectl_fixture.hpp"

namespace fracta::testing {
namespace {

class KubectlRollout : public Kubectl {
 protected:
  void SetUp() override {
    Kubectl::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (!runs_pods()) GTEST_SKIP() << "the cluster runs no pods (FRACTA_TEST_IMAGE)";
    output({"create", "deployment", "web", "--image", image(), "--", "sleep", "1000"});
    rolled_out();
  }
  void TearDown() override {
    if (cluster_) static_cast<void>(run({"delete", "deployment", "web", "--ignore-not-found", "--wait=false"}));
  }
  void rolled_out() {
    EXPECT_THAT(output({"rollout", "status", "deployment/web", "--timeout=80s"}), HasSubstr("successfully rolled out"));
  }
  std::string field(const std::string& path) { return output({"get", "deployment", "web", "-o", "jsonpath=" + path}); }
};

TEST_F(KubectlRollout, RestartHistoryAndUndo) {
  const std::string before = output({"get", "pods", "-l", "app=web", "-o", "name"});
  output({"rollout", "restart", "deployment/web"});
  rolled_out();
  EXPECT_NE(output({"get", "pods", "-l", "app=web", "--field-selector", "status.phase=Running", "-o", "name"}), before);
  EXPECT_THAT(output({"rollout", "history", "deployment/web"}), AllOf(HasSubstr("\n1 "), HasSubstr("\n2 ")));
  output({"rollout", "undo", "deployment/web"});
  rolled_out();
  EXPECT_THAT(output({"rollout", "history", "deployment/web"}), AllOf(Not(HasSubstr("\n1 ")), HasSubstr("\n3 ")));
  EXPECT_EQ(field("{.metadata.annotations.deployment\\.kubernetes\\.io/revision}"), "3");
}

TEST_F(KubectlRollout, PausedChangesWait) {
  output({"rollout", "pause", "deployment/web"});
  output({"set", "env", "deployment/web", "COLOUR=green"});
  EXPECT_TRUE(within(std::chrono::seconds(30), [&] { return field("{.status.observedGeneration}") == "3"; }));
  EXPECT_THAT(refusal({"rollout", "restart", "deployment/web"}), HasSubstr("can't restart paused deployment"));
  EXPECT_EQ(output({"get", "replicasets", "-l", "app=web", "--no-headers"}).find('\n'),
            output({"get", "replicasets", "-l", "app=web", "--no-headers"}).size() - 1)
      << "one set only";
  output({"rollout", "resume", "deployment/web"});
  rolled_out();
  EXPECT_THAT(output({"get", "replicasets", "-l", "app=web", "-o", "yaml"}), HasSubstr("COLOUR"));
}

TEST_F(KubectlRollout, ScalesAndTells) {
  output({"scale", "deployment/web", "--replicas=3"});
  rolled_out();
  EXPECT_EQ(field("{.status.availableReplicas}"), "3");
  EXPECT_THAT(
      output({"describe", "deployment", "web"}),
      AllOf(HasSubstr("to 3 from 1"), HasSubstr("NewReplicaSetAvailable"), HasSubstr("MinimumReplicasAvailable")));
  output({"scale", "deployment/web", "--replicas=0"});
  rolled_out();
  output({"wait", "pods", "-l", "app=web", "--for=delete", "--timeout=60s"});
}

}  // namespace
}  // namespace fracta::testing
