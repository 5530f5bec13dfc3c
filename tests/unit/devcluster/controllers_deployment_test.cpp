// Deployments and ReplicaSets on the real registry; pods become ready by hand, as slowly as a test wants.
#include "devcluster/controllers/deployment_state.hpp"
#include "node_fixture.hpp"

namespace fracta::devcluster {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::SizeIs;

class DeploymentTest : public ClusterTest {
 protected:
  Result<Object> mutate_pod(const std::string& name, const std::function<bool(Json&)>& change) {
    return api_->mutate("pods", "default", name, change, "");
  }
  void SetUp() override {
    ClusterTest::SetUp();
    for (const char* resource : {"deployments.apps", "replicasets.apps", "serviceaccounts"}) watch(resource);
    controllers_ = make_controllers(*api_, {"-----BEGIN CERTIFICATE-----"});
    controllers_->start();
    wait_until("serviceaccounts", "default", [](const Json& o) { return !o.is_null(); });
  }
  void TearDown() override {
    controllers_.reset();
    ClusterTest::TearDown();
  }

  static Json deployment(const Json& spec = Json::object()) {
    Json result{{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"metadata", {{"name", "web"}}}, {"spec", spec}};
    result["spec"]["selector"]["matchLabels"]["app"] = "web";
    result["spec"]["template"] = {{"metadata", {{"labels", {{"app", "web"}}}}},
                                  {"spec",
                                   {{"containers", Json::array({{{"name", "main"}, {"image", "web:1"}}})},
                                    {"automountServiceAccountToken", false}}}};
    return result;
  }
  void change(const std::function<void(Json&)>& change) {
    const auto done = api_->mutate(
        "deployments.apps", "default", "web",
        [&](Json& o) {
          change(o);
          return true;
        },
        "");
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  void set_image(const std::string& image) {
    change([&](Json& o) { o["spec"]["template"]["spec"]["containers"][0]["image"] = image; });
  }
  std::vector<Json> pods(const std::string& image = "") {
    std::vector<Json> result;
    for (const auto& p : api_->list("pods", "default", ""))
      if ((image.empty() || string_at((*p)["spec"]["containers"][0], "image") == image) &&
          !p->at("metadata").contains("deletionTimestamp"))
        result.push_back(*p);
    return result;
  }
  std::vector<Json> sets() {
    std::vector<Json> result;
    for (const auto& s : api_->list("replicasets.apps", "default", "")) result.push_back(*s);
    return result;
  }
  Json set_of(const std::string& image) {
    for (const auto& s : sets())
      if (string_at(s["spec"]["template"]["spec"]["containers"][0], "image") == image) return s;
    return {};
  }
  Json wait_for_pods(const std::string& image, std::size_t count) {
    return wait_until("deployments.apps", "web", [&](const Json&) { return pods(image).size() == count; });
  }
  void make_ready(const Json& pod, bool ready = true) {
    const auto done = api_->mutate(
        "pods", "default", string_at(pod, "metadata/name"),
        [&](Json& o) {
          o["status"]["phase"] = "Running";
          o["status"]["conditions"] = Json::array({{{"type", "Ready"},
                                                    {"status", ready ? "True" : "False"},
                                                    {"lastTransitionTime", "2026-01-01T00:00:00Z"}}});
          return true;
        },
        "status");
    EXPECT_TRUE(done.ok()) << done.error().message;
  }
  void make_all_ready(const std::string& image) {
    for (const auto& p : pods(image)) make_ready(p);
  }
  // Makes every pod of `image` ready until the rollout is over.
  Json roll_out(const std::string& image) {
    return wait_until("deployments.apps", "web", [&](const Json& o) {
      for (const auto& p : pods(image))
        if (string_at(p, "status/phase") == "Pending") make_ready(p);
      return int_at(o, "status/observedGeneration") == int_at(o, "metadata/generation") &&
             reason(o, "Progressing") == "NewReplicaSetAvailable" &&
             int_at(o, "status/updatedReplicas") == int_at(o, "spec/replicas") &&
             int_at(o, "status/replicas") == int_at(o, "spec/replicas");
    });
  }
  static std::string reason(const Json& object, const std::string& type) {
    const Json* status = find(object, "status");
    const Json* condition = status == nullptr ? nullptr : find_condition(*status, type);
    return condition == nullptr ? "" : string_at(*condition, "reason");
  }

  std::unique_ptr<Controllers> controllers_;
};

TEST_F(DeploymentTest, MakesASetAndItsPodsAndBecomesAvailable) {
  create("deployments.apps", deployment({{"replicas", 2}}));
  wait_for_pods("web:1", 2);
  const Json set = set_of("web:1");
  const std::string hash = string_at(set, "metadata/labels/pod-template-hash");
  EXPECT_THAT(hash, MatchesRegex("[bcdfghjklmnpqrstvwxz2456789]{6,10}"));
  EXPECT_EQ(string_at(set, "metadata/name"), "web-" + hash);
  EXPECT_EQ(set["spec"]["selector"]["matchLabels"], Json({{"app", "web"}, {"pod-template-hash", hash}}));
  EXPECT_EQ(annotation(set, "deployment.kubernetes.io/revision"), "1");
  EXPECT_EQ(annotation(set, "deployment.kubernetes.io/desired-replicas"), "2");
  EXPECT_EQ(annotation(set, "deployment.kubernetes.io/max-replicas"), "3");
  const Json first = pods()[0];
  EXPECT_THAT(string_at(first, "metadata/name"), MatchesRegex("web-" + hash + "-[a-z0-9]{5}"));
  EXPECT_EQ(first["metadata"]["ownerReferences"][0]["uid"], set["metadata"]["uid"]);
  EXPECT_EQ(first["metadata"]["ownerReferences"][0]["blockOwnerDeletion"], true);
  Json d =
      wait_until("deployments.apps", "web", [](const Json& o) { return int_at(o, "status/unavailableReplicas") == 2; });
  EXPECT_EQ(reason(d, "Available"), "MinimumReplicasUnavailable");
  make_all_ready("web:1");
  d = wait_until("deployments.apps", "web",
                 [](const Json& o) { return reason(o, "Progressing") == "NewReplicaSetAvailable"; });
  EXPECT_EQ(reason(d, "Available"), "MinimumReplicasAvailable");
  EXPECT_EQ(annotation(d, "deployment.kubernetes.io/revision"), "1");
  EXPECT_EQ(d["status"]["availableReplicas"], 2);
  EXPECT_EQ(d["status"]["observedGeneration"], 1);
  EXPECT_FALSE(d["status"].contains("unavailableReplicas"));
  EXPECT_THAT(event_messages("ScalingReplicaSet"), ElementsAre("Scaled up replica set web-" + hash + " to 2"));
  EXPECT_THAT(event_messages("SuccessfulCreate"), SizeIs(2));
}

TEST_F(DeploymentTest, RollingUpdateKeepsEnoughPodsAvailable) {
  create("deployments.apps", deployment({{"replicas", 4}}));  // 25 %: one more, one less
  wait_for_pods("web:1", 4);
  roll_out("web:1");
  set_image("web:2");
  wait_until("deployments.apps", "web",
             [&](const Json&) { return pods("web:1").size() == 3 && pods("web:2").size() == 2; });
  make_ready(pods("web:2")[0]);
  wait_until("deployments.apps", "web",
             [&](const Json&) { return pods("web:1").size() == 2 && pods("web:2").size() == 3; });
  const Json d = roll_out("web:2");
  EXPECT_EQ(annotation(d, "deployment.kubernetes.io/revision"), "2");
  EXPECT_EQ(set_of("web:1")["spec"]["replicas"], 0);
  EXPECT_EQ(pods("web:1").size(), 0U);
}

TEST_F(DeploymentTest, RecreateWaitsForTheLastOldPod) {
  create("deployments.apps", deployment({{"strategy", {{"type", "Recreate"}}}}));
  wait_for_pods("web:1", 1);
  roll_out("web:1");
  const std::string old = string_at(pods()[0], "metadata/name");
  // It will not go before its finalizer does.
  ASSERT_TRUE(mutate_pod(old, [](Json& o) {
                o["metadata"]["finalizers"] = Json::array({"example.com/hold"});
                return true;
              }).ok());
  set_image("web:2");
  wait_until("pods", old, [](const Json& o) { return o["metadata"].contains("deletionTimestamp"); });
  wait_until("deployments.apps", "web", [](const Json& o) {
    return int_at(o, "status/observedGeneration") == 2 && int_at(o, "status/replicas").value_or(0) == 0;
  });
  EXPECT_THAT(sets(), SizeIs(1)) << "no new set while the old pod is there";
  ASSERT_TRUE(mutate_pod(old, [](Json& o) {
                o["metadata"].erase("finalizers");
                return true;
              }).ok());
  wait_for_pods("web:2", 1);
  roll_out("web:2");
}

TEST_F(DeploymentTest, RollingBackTakesTheOldSetAndRemembersItsRevisions) {
  create("deployments.apps", deployment());
  wait_for_pods("web:1", 1);
  roll_out("web:1");
  set_image("web:2");
  roll_out("web:2");
  set_image("web:1");
  const Json d = roll_out("web:1");
  EXPECT_THAT(sets(), SizeIs(2));
  EXPECT_EQ(annotation(d, "deployment.kubernetes.io/revision"), "3");
  EXPECT_EQ(annotation(set_of("web:1"), "deployment.kubernetes.io/revision"), "3");
  EXPECT_EQ(annotation(set_of("web:1"), "deployment.kubernetes.io/revision-history"), "1");
}

TEST_F(DeploymentTest, OldSetsBeyondTheHistoryLimitGo) {
  create("deployments.apps", deployment({{"revisionHistoryLimit", 1}}));
  wait_for_pods("web:1", 1);
  for (const char* image : {"web:1", "web:2", "web:3"}) {
    set_image(image);
    roll_out(image);
  }
  wait_until("deployments.apps", "web", [&](const Json&) { return sets().size() == 2; });
  EXPECT_TRUE(set_of("web:1").is_null());
}

TEST_F(DeploymentTest, PausedDeploymentsDoNotRollOut) {
  create("deployments.apps", deployment());
  wait_for_pods("web:1", 1);
  roll_out("web:1");
  change([](Json& o) {
    o["spec"]["paused"] = true;
    o["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2";
  });
  wait_until("deployments.apps", "web", [](const Json& o) {
    return reason(o, "Progressing") == "DeploymentPaused" && int_at(o, "status/observedGeneration") == 2;
  });
  EXPECT_THAT(sets(), SizeIs(1));
  change([](Json& o) { o["spec"].erase("paused"); });
  wait_for_pods("web:2", 1);
  roll_out("web:2");
}

TEST_F(DeploymentTest, ScalesUpAndDown) {
  create("deployments.apps", deployment());
  wait_for_pods("web:1", 1);
  roll_out("web:1");
  change([](Json& o) { o["spec"]["replicas"] = 3; });
  wait_for_pods("web:1", 3);
  make_all_ready("web:1");
  wait_until("deployments.apps", "web", [](const Json& o) { return int_at(o, "status/availableReplicas") == 3; });
  change([](Json& o) { o["spec"]["replicas"] = 0; });
  const Json d = wait_until("deployments.apps", "web", [](const Json& o) {
    return !o["status"].contains("replicas") && int_at(o, "status/observedGeneration") == 3;
  });
  EXPECT_THAT(event_messages("ScalingReplicaSet"),
              AllOf(Contains(HasSubstr("Scaled up replica set web-")), Contains(HasSubstr(" to 3 from 1")),
                    Contains(MatchesRegex("Scaled down replica set web-[a-z0-9]+ to 0 from 3"))));
  EXPECT_EQ(set_of("web:1")["metadata"]["annotations"]["deployment.kubernetes.io/desired-replicas"], "0");
}

TEST_F(DeploymentTest, ARolloutThatDoesNotMoveMissesItsDeadline) {
  create("deployments.apps", deployment({{"progressDeadlineSeconds", 1}, {"minReadySeconds", 0}}));
  const Json d = wait_until("deployments.apps", "web",
                            [](const Json& o) { return reason(o, "Progressing") == "ProgressDeadlineExceeded"; });
  EXPECT_EQ(string_at(*find_condition(d["status"], "Progressing"), "message"),
            "ReplicaSet \"" + string_at(set_of("web:1"), "metadata/name") + "\" has timed out progressing.");
}

TEST_F(DeploymentTest, PodsOfNobodyAreAdoptedAndChangedPodsLetGo) {
  Json set{{"apiVersion", "apps/v1"},
           {"kind", "ReplicaSet"},
           {"metadata", {{"name", "rs"}}},
           {"spec", deployment()["spec"]}};
  Json stray = pod("stray", "true");
  stray["metadata"]["labels"]["app"] = "web";
  create("pods", stray);
  create("replicasets.apps", set);
  wait_until("pods", "stray", [](const Json& o) { return o["metadata"].contains("ownerReferences"); });
  wait_until("replicasets.apps", "rs", [](const Json& o) { return int_at(o, "status/replicas") == 1; });
  EXPECT_THAT(pods(), SizeIs(1));
  ASSERT_TRUE(mutate_pod("stray", [](Json& o) {
                o["metadata"]["labels"]["app"] = "other";
                return true;
              }).ok());
  wait_until("pods", "stray", [](const Json& o) { return !o["metadata"].contains("ownerReferences"); });
  wait_until("replicasets.apps", "rs", [&](const Json&) { return pods().size() == 2; });
}

TEST_F(DeploymentTest, DeletingItDeletesSetsAndPods) {
  create("deployments.apps", deployment());
  wait_for_pods("web:1", 1);
  ASSERT_TRUE(api_->remove("deployments.apps", "default", "web", {}).ok());
  wait_until("deployments.apps", "web", [&](const Json&) { return sets().empty() && pods().empty(); });
}

TEST(DeploymentState, PercentagesRoundUpForSurgeAndDownForUnavailable) {
  const auto with = [](std::int64_t replicas, const Json& surge, const Json& unavailable) {
    return Json{
        {"spec",
         {{"replicas", replicas},
          {"strategy",
           {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxSurge", surge}, {"maxUnavailable", unavailable}}}}}}}};
  };
  EXPECT_EQ(max_surge(with(10, "25%", "25%")), 3);
  EXPECT_EQ(max_unavailable(with(10, "25%", "25%")), 2);
  EXPECT_EQ(max_surge(with(1, "25%", "25%")), 1);
  EXPECT_EQ(max_unavailable(with(1, "25%", "25%")), 0);
  EXPECT_EQ(max_unavailable(with(2, "0%", "1%")), 1) << "both 0: one must go";
  EXPECT_EQ(max_unavailable(with(2, 0, 5)), 2);
  EXPECT_EQ(max_unavailable(with(0, 1, 1)), 0);
}

// The example of the Kubernetes documentation, "Proportional scaling": 10 replicas become 15 in the middle of a
// rollout.
TEST(DeploymentState, AScaledRolloutGrowsInProportion) {
  const auto set = [](std::int64_t replicas, const std::string& created) {
    Json result{{"metadata", {{"creationTimestamp", created}}}, {"spec", {{"replicas", replicas}}}};
    result["metadata"]["annotations"]["deployment.kubernetes.io/max-replicas"] = "13";
    return result;
  };
  const Json deployment{
      {"spec",
       {{"replicas", 15},
        {"strategy", {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxSurge", 3}, {"maxUnavailable", 2}}}}}}}};
  Json old = set(8, "2026-01-01T00:00:00Z"), fresh = set(5, "2026-01-02T00:00:00Z");
  std::vector<Json*> active{&fresh, &old};
  EXPECT_THAT(proportional_sizes(deployment, active), ElementsAre(11, 7));
  EXPECT_EQ(active[0], &old);
}

}  // namespace
}  // namespace fracta::devcluster
