// Controllers on the real registry; pods are moved through their phases by hand, or run by the node where that matters.
#include "node_fixture.hpp"

namespace fracta::devcluster {
namespace {

using testing::Contains;
using testing::HasSubstr;

class ControllersTest : public ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    for (const char* resource : {"configmaps", "namespaces", "serviceaccounts", "persistentvolumeclaims"})
      watch(resource);
    controllers_ = make_controllers(*api_, {"-----BEGIN CERTIFICATE-----"});
    controllers_->start();
    wait_until("serviceaccounts", "default", [](const Json& o) { return !o.is_null(); });
  }
  void TearDown() override {
    controllers_.reset();
    ClusterTest::TearDown();
  }

  Json job(const std::string& name, const Json& spec = Json::object(), const std::string& script = "true") {
    Json result{{"apiVersion", "batch/v1"},
                {"kind", "Job"},
                {"metadata", {{"name", name}, {"namespace", "default"}}},
                {"spec", spec}};
    result["spec"]["template"]["spec"] = pod("x", script)["spec"];
    return result;
  }
  std::vector<Json> pods_of(const std::string& job) {
    std::vector<Json> result;
    for (const auto& p : api_->list("pods", "default", "job-name=" + job)) result.push_back(*p);
    return result;
  }
  Json wait_for_pods(const std::string& job, std::size_t count) {
    wait_until("jobs.batch", job, [&](const Json&) {
      const auto pods = pods_of(job);
      return static_cast<std::size_t>(std::count_if(pods.begin(), pods.end(), [](const Json& p) {
               return string_at(p, "status/phase") == "Pending" || string_at(p, "status/phase") == "Running";
             })) == count;
    });
    for (const auto& p : pods_of(job))
      if (string_at(p, "status/phase") == "Pending") return p;
    return {};
  }
  void set_phase(const Json& p, const std::string& phase) {
    ASSERT_TRUE(api_->mutate(
                        "pods", "default", string_at(p, "metadata/name"),
                        [&](Json& o) {
                          o["status"]["phase"] = phase;
                          return true;
                        },
                        "status")
                    .ok());
  }
  Json wait_for_condition(const std::string& job, const std::string& type) {
    return wait_until("jobs.batch", job, [&](const Json& o) { return !condition(o, type).is_null(); });
  }
  static Json condition(const Json& object, const std::string& type) {
    if (const Json* list = find_path(object, "status/conditions"))
      for (const auto& c : *list)
        if (string_at(c, "type") == type) return c;
    return {};
  }

  std::unique_ptr<Controllers> controllers_;
};

TEST_F(ControllersTest, NamespacesGetServiceAccountAndCa) {
  ASSERT_TRUE(
      api_->create("namespaces", "", {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "n"}}}})
          .ok());
  wait_until("configmaps", "kube-root-ca.crt", [&](const Json&) {
    return api_->get("configmaps", "n", "kube-root-ca.crt").ok() && api_->get("serviceaccounts", "n", "default").ok();
  });
  EXPECT_EQ(get("configmaps", "kube-root-ca.crt")["data"]["ca.crt"], "-----BEGIN CERTIFICATE-----");
}

TEST_F(ControllersTest, AJobMakesOneTrackedPodAndCompletes) {
  const Json made = create("jobs.batch", job("j"));
  const Json p = wait_for_pods("j", 1);
  EXPECT_THAT(string_at(p, "metadata/name"), testing::MatchesRegex("j-[a-z0-9]{5}"));
  EXPECT_EQ(p["metadata"]["ownerReferences"][0]["uid"], made["metadata"]["uid"]);
  EXPECT_EQ(p["metadata"]["ownerReferences"][0]["controller"], true);
  EXPECT_EQ(p["metadata"]["finalizers"][0], "batch.kubernetes.io/job-tracking");
  Json j = wait_until("jobs.batch", "j", [](const Json& o) { return int_at(o, "status/active") == 1; });
  EXPECT_FALSE(string_at(j, "status/startTime").empty());
  set_phase(p, "Succeeded");
  j = wait_for_condition("j", "Complete");
  EXPECT_EQ(j["status"]["succeeded"], 1);
  EXPECT_FALSE(j["status"].contains("active"));
  EXPECT_EQ(j["status"]["ready"], 0);
  EXPECT_FALSE(string_at(j, "status/completionTime").empty());
  wait_until("pods", string_at(p, "metadata/name"),
             [](const Json& o) { return !o["metadata"].contains("finalizers"); });
  EXPECT_THAT(event_messages("SuccessfulCreate"), Contains("Created pod: " + string_at(p, "metadata/name")));
}

TEST_F(ControllersTest, BackoffLimitFailsTheJob) {
  create("jobs.batch", job("j", {{"backoffLimit", 1}}));
  const Json first = wait_for_pods("j", 1);
  set_phase(first, "Failed");
  // The first replacement comes at once.
  wait_until("jobs.batch", "j", [&](const Json&) { return pods_of("j").size() == 2; });
  set_phase(wait_for_pods("j", 1), "Failed");
  const Json j = wait_for_condition("j", "Failed");
  EXPECT_EQ(string_at(condition(j, "Failed"), "reason"), "BackoffLimitExceeded");
  EXPECT_EQ(string_at(condition(j, "Failed"), "message"), "Job has reached the specified backoff limit");
  EXPECT_EQ(j["status"]["failed"], 2);
}

TEST_F(ControllersTest, DeadlineDeletesTheActivePods) {
  create("jobs.batch", job("j", {{"activeDeadlineSeconds", 1}}));
  wait_for_pods("j", 1);
  const Json j = wait_for_condition("j", "Failed");
  EXPECT_EQ(string_at(condition(j, "Failed"), "reason"), "DeadlineExceeded");
  wait_until("jobs.batch", "j", [&](const Json&) { return pods_of("j").empty(); });
  EXPECT_THAT(event_messages("SuccessfulDelete"), testing::SizeIs(1));
}

TEST_F(ControllersTest, ParallelismAndCompletions) {
  create("jobs.batch", job("j", {{"parallelism", 2}, {"completions", 3}}));
  for (int i = 0; i < 3; ++i) set_phase(wait_for_pods("j", i == 2 ? 1 : 2), "Succeeded");
  EXPECT_EQ(wait_for_condition("j", "Complete")["status"]["succeeded"], 3);
  EXPECT_EQ(pods_of("j").size(), 3U);
}

TEST_F(ControllersTest, EveryIndexSucceedsOnce) {
  create("jobs.batch", job("j", {{"completionMode", "Indexed"}, {"parallelism", 2}, {"completions", 4}}));
  const auto index = [](const Json& p) {
    return p["metadata"]["annotations"].value("batch.kubernetes.io/job-completion-index", "");
  };
  const auto end = [&](const std::string& which, const std::string& phase) {
    wait_until("jobs.batch", "j", [&](const Json&) {
      for (const auto& p : pods_of("j"))
        if (index(p) == which && string_at(p, "status/phase") == "Pending") {
          EXPECT_THAT(string_at(p, "metadata/name"), testing::MatchesRegex("j-" + which + "-[a-z0-9]{5}"));
          EXPECT_EQ(string_at(p, "spec/hostname"), "j-" + which);
          EXPECT_EQ(p["spec"]["containers"][0]["env"][0]["name"], "JOB_COMPLETION_INDEX");
          set_phase(p, phase);
          return true;
        }
      return false;
    });
  };
  end("0", "Failed");
  end("0", "Succeeded");
  end("1", "Succeeded");
  end("2", "Succeeded");
  wait_until("jobs.batch", "j", [](const Json& o) { return string_at(o, "status/completedIndexes") == "0-2"; });
  end("3", "Succeeded");
  const Json j = wait_for_condition("j", "Complete");
  EXPECT_EQ(string_at(j, "status/completedIndexes"), "0-3");
  EXPECT_EQ(j["status"]["succeeded"], 4);
  EXPECT_EQ(j["status"]["failed"], 1);
  EXPECT_EQ(pods_of("j").size(), 5U);
}

TEST_F(ControllersTest, SuspendAndResume) {
  create("jobs.batch", job("j", {{"suspend", true}}));
  Json j = wait_for_condition("j", "Suspended");
  EXPECT_TRUE(pods_of("j").empty());
  ASSERT_TRUE(api_->mutate(
                      "jobs.batch", "default", "j",
                      [](Json& o) {
                        o["spec"]["suspend"] = false;
                        return true;
                      },
                      "")
                  .ok());
  wait_for_pods("j", 1);
  j = wait_until("jobs.batch", "j",
                 [](const Json& o) { return string_at(condition(o, "Suspended"), "status") == "False"; });
  EXPECT_EQ(string_at(condition(j, "Suspended"), "reason"), "JobResumed");
}

TEST_F(ControllersTest, TtlDeletesAFinishedJobAndItsPods) {
  create("jobs.batch", job("j", {{"ttlSecondsAfterFinished", 0}}));
  set_phase(wait_for_pods("j", 1), "Succeeded");
  wait_until("jobs.batch", "j", [&](const Json& o) { return o.is_null() && pods_of("j").empty(); });
}

TEST_F(ControllersTest, DependentsGoWithTheirOwner) {
  const Json j = create("jobs.batch", job("j"));
  wait_for_pods("j", 1);
  Json map{{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "c"}}}};
  map["metadata"]["ownerReferences"] =
      Json::array({{{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"name", "j"}, {"uid", j["metadata"]["uid"]}}});
  create("configmaps", map);
  RemoveOptions background;
  background.propagation = "Background";
  ASSERT_TRUE(api_->remove("jobs.batch", "default", "j", background).ok());
  wait_until("configmaps", "c", [&](const Json& o) { return o.is_null() && pods_of("j").empty(); });
}

TEST_F(ControllersTest, AnOwnerThatNeverExistedTakesItsDependentAway) {
  Json map{{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "c"}}}};
  map["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", "batch/v1"},
                                                     {"kind", "Job"},
                                                     {"name", "none"},
                                                     {"uid", "11111111-1111-1111-1111-111111111111"}}});
  create("configmaps", map);
  wait_until("configmaps", "c", [](const Json& o) { return o.is_null(); });
}

TEST_F(ControllersTest, OrphansStay) {
  create("jobs.batch", job("j"));
  const Json p = wait_for_pods("j", 1);
  RemoveOptions orphan;
  orphan.propagation = "Orphan";
  ASSERT_TRUE(api_->remove("jobs.batch", "default", "j", orphan).ok());
  wait_until("jobs.batch", "j", [](const Json& o) { return o.is_null(); });
  wait_until("pods", string_at(p, "metadata/name"),
             [](const Json& o) { return !o.is_null() && !o["metadata"].contains("ownerReferences"); });
}

TEST_F(ControllersTest, DeletingANamespaceDeletesItsContent) {
  ASSERT_TRUE(
      api_->create("namespaces", "", {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "n"}}}})
          .ok());
  ASSERT_TRUE(
      api_->create("configmaps", "n", {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "c"}}}})
          .ok());
  ASSERT_TRUE(api_->remove("namespaces", "", "n", {}).ok());
  wait_until("namespaces", "n", [&](const Json&) { return !api_->get("namespaces", "", "n").ok(); });
  EXPECT_FALSE(api_->get("configmaps", "n", "c").ok());
}

TEST_F(ControllersTest, AJobRunsOnTheNodeAndItsClaimKeepsData) {
  start_node();
  create("persistentvolumeclaims",
         {{"apiVersion", "v1"},
          {"kind", "PersistentVolumeClaim"},
          {"metadata", {{"name", "data"}}},
          {"spec", {{"accessModes", {"ReadWriteOnce"}}, {"resources", {{"requests", {{"storage", "1Gi"}}}}}}}});
  for (const std::string name : {"one", "two"}) {
    Json j = job(name, {}, name == "one" ? "echo kept > /data/f" : "cat /data/f");
    Json& spec = j["spec"]["template"]["spec"];
    spec["volumes"] = Json::array({{{"name", "d"}, {"persistentVolumeClaim", {{"claimName", "data"}}}}});
    spec["containers"][0]["volumeMounts"] = Json::array({{{"name", "d"}, {"mountPath", "/data"}}});
    create("jobs.batch", j);
    wait_for_condition(name, "Complete");
  }
  EXPECT_EQ(logs(string_at(pods_of("two").at(0), "metadata/name")), "kept\n");
}

}  // namespace
}  // namespace fracta::devcluster
