// What admission refuses, adds and warns about, in the words of a real API server (compared with kube-apiserver 1.26).
#include "devcluster/admission/pod_security.hpp"
#include "devcluster/auth/escalation.hpp"
#include "devcluster/server/strategy.hpp"
#include "node_fixture.hpp"

namespace fracta::devcluster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class AdmissionTest : public ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    watch("resourcequotas");
    (void)api_->create("serviceaccounts", "default",
                       {{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", "default"}}}});
  }
  void TearDown() override {
    controllers_.reset();
    ClusterTest::TearDown();
  }
  void label_namespace(const Json& labels) {
    const auto done = api_->mutate(
        "namespaces", "", "default",
        [&](Json& o) {
          for (const auto& [key, value] : labels.items())
            o["metadata"]["labels"]["pod-security.kubernetes.io/" + key] = value;
          return true;
        },
        "");
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  static Json plain(const std::string& name, const Json& container = Json::object()) {
    Json c{{"name", "a"}, {"image", "i"}};
    c.update(container);
    return {{"apiVersion", "v1"},
            {"kind", "Pod"},
            {"metadata", {{"name", name}}},
            {"spec", {{"containers", Json::array({c})}, {"automountServiceAccountToken", false}}}};
  }
  static Json with_resources(const std::string& name, const Json& requests, const Json& limits) {
    return plain(name, {{"resources", {{"requests", requests}, {"limits", limits}}}});
  }
  std::string refusal(std::string_view resource, const Json& object) {
    const auto made = api_->create(resource, "default", object);
    return made ? "" : made.error().message;
  }
  // As over the wire: with a place for warnings.
  std::vector<std::string> warnings_for(std::string_view resource, const Json& object) {
    std::vector<std::string> warnings;
    WriteOptions options;
    options.warnings = &warnings;
    options.dry_run = true;
    const Kind& kind = kind_of(resource);
    auto adopted = adopt(kind, object);
    EXPECT_TRUE(adopted.ok());
    EXPECT_TRUE(registry_->create(kind, "default", std::move(*adopted), options).ok());
    return warnings;
  }
  void start_controllers() {
    controllers_ = make_controllers(*api_, {"-----BEGIN CERTIFICATE-----"});
    controllers_->start();
  }
  void quota(const std::string& name, const Json& hard, const Json& scopes = Json()) {
    Json object{
        {"apiVersion", "v1"}, {"kind", "ResourceQuota"}, {"metadata", {{"name", name}}}, {"spec", {{"hard", hard}}}};
    if (!scopes.is_null()) object["spec"]["scopes"] = scopes;
    create("resourcequotas", object);
    wait_until("resourcequotas", name, [](const Json& o) { return find_path(o, "status/used") != nullptr; });
  }

  std::unique_ptr<Controllers> controllers_;
};

TEST_F(AdmissionTest, RestrictedNamespacesRefusePodsWithEveryReason) {
  label_namespace({{"enforce", "restricted"}});
  EXPECT_EQ(refusal("pods", plain("p")),
            "pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false "
            "(container \"a\" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities "
            "(container \"a\" must set securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod or "
            "container \"a\" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container \"a\" must "
            "set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")");
  const Json fitting{{"securityContext",
                      {{"allowPrivilegeEscalation", false},
                       {"runAsNonRoot", true},
                       {"capabilities", {{"drop", {"ALL"}}}},
                       {"seccompProfile", {{"type", "RuntimeDefault"}}}}}};
  EXPECT_EQ(refusal("pods", plain("p", fitting)), "");
}

TEST_F(AdmissionTest, BaselineRefusesHostAccessOnly) {
  label_namespace({{"enforce", "baseline"}});
  EXPECT_EQ(refusal("pods", plain("fine")), "");
  Json pod = plain("p", {{"securityContext", {{"privileged", true}}}});
  pod["spec"]["hostNetwork"] = true;
  pod["spec"]["volumes"] = Json::array({{{"name", "h"}, {"hostPath", {{"path", "/"}}}}});
  EXPECT_EQ(refusal("pods", pod),
            "pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true), "
            "hostPath volumes (volume \"h\"), privileged (container \"a\" must not set "
            "securityContext.privileged=true)");
}

TEST_F(AdmissionTest, TemplatesAreWarnedAboutNotRefused) {
  label_namespace({{"enforce", "restricted"}});
  Json deployment{{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"metadata", {{"name", "d"}}}};
  deployment["spec"] = {{"selector", {{"matchLabels", {{"a", "b"}}}}},
                        {"template", {{"metadata", {{"labels", {{"a", "b"}}}}}, {"spec", plain("x")["spec"]}}}};
  EXPECT_THAT(warnings_for("deployments.apps", deployment),
              ElementsAre(HasSubstr("would violate PodSecurity \"restricted:latest\": allowPrivilegeEscalation")));
  EXPECT_THAT(warnings_for("configmaps", {{"metadata", {{"name", "c"}}}}), IsEmpty());
}

TEST_F(AdmissionTest, VersionsPinTheChecks) {
  const Json spec = plain("p")["spec"];
  SecurityStandard old{SecurityLevel::kRestricted, 7};
  EXPECT_THAT(check_standard(old, Json::object(), spec).reasons, ElementsAre("runAsNonRoot != true"));
  EXPECT_EQ(old.text(), "restricted:v1.7");
}

TEST_F(AdmissionTest, NamespacesNeedLabelsThatCanBeRead) {
  const auto made = api_->create(
      "namespaces", "", {{"metadata", {{"name", "n"}, {"labels", {{"pod-security.kubernetes.io/warn", "strict"}}}}}});
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().message,
            "Namespace \"n\" is invalid: metadata.labels[pod-security.kubernetes.io/warn]: Invalid value: \"strict\": "
            "must be one of privileged, baseline, restricted");
}

TEST_F(AdmissionTest, LimitRangesFillInAndRefuse) {
  create("limitranges", {{"apiVersion", "v1"},
                         {"kind", "LimitRange"},
                         {"metadata", {{"name", "l"}}},
                         {"spec",
                          {{"limits", Json::array({{{"type", "Container"},
                                                    {"max", {{"memory", "1Gi"}}},
                                                    {"default", {{"cpu", "500m"}}},
                                                    {"maxLimitRequestRatio", {{"cpu", "4"}}}}})}}}});
  const Json made = create("pods", plain("p"));
  EXPECT_EQ(made["spec"]["containers"][0]["resources"]["limits"], Json({{"cpu", "500m"}, {"memory", "1Gi"}}));
  EXPECT_EQ(made["spec"]["containers"][0]["resources"]["requests"], Json({{"cpu", "500m"}, {"memory", "1Gi"}}));
  EXPECT_EQ(string_at(made["metadata"]["annotations"], "kubernetes.io~limit-ranger"), "");
  EXPECT_EQ(made["metadata"]["annotations"]["kubernetes.io/limit-ranger"],
            "LimitRanger plugin set: cpu, memory request for container a; cpu, memory limit for container a");
  EXPECT_EQ(refusal("pods", with_resources("q", {{"memory", "2Gi"}}, {{"memory", "2Gi"}})),
            "pods \"q\" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi");
  EXPECT_EQ(
      refusal("pods", with_resources("q", {{"cpu", "100m"}}, {{"cpu", "1"}})),
      "pods \"q\" is forbidden: cpu max limit to request ratio per Container is 4, but provided ratio is 10.000000");
}

TEST_F(AdmissionTest, QuotasCountAndRefuse) {
  start_controllers();
  quota("q", {{"pods", "2"}, {"requests.cpu", "1"}});
  EXPECT_EQ(refusal("pods", plain("p")), "pods \"p\" is forbidden: failed quota: q: must specify requests.cpu for: a");
  create("pods", with_resources("one", {{"cpu", "600m"}}, Json::object()));
  EXPECT_EQ(get("resourcequotas", "q")["status"]["used"], Json({{"pods", "1"}, {"requests.cpu", "600m"}}));
  EXPECT_EQ(refusal("pods", with_resources("two", {{"cpu", "600m"}}, Json::object())),
            "pods \"two\" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, "
            "limited: requests.cpu=1");
  create("pods", with_resources("two", {{"cpu", "400m"}}, Json::object()));
  EXPECT_EQ(refusal("pods", with_resources("three", {{"cpu", "0"}}, Json::object())),
            "pods \"three\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2");
  ASSERT_TRUE(api_->remove("pods", "default", "one", {}).ok());
  wait_until("resourcequotas", "q", [](const Json& o) { return string_at(o, "status/used/pods") == "1"; });
}

TEST_F(AdmissionTest, QuotasCountObjectsOfAnyKind) {
  start_controllers();
  quota("q", {{"count/jobs.batch", "0"}, {"secrets", "0"}, {"count/configmaps", "5"}});
  Json job{{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"metadata", {{"name", "j"}}}};
  job["spec"]["template"]["spec"] = pod("x", "true")["spec"];
  EXPECT_EQ(refusal("jobs.batch", job),
            "jobs.batch \"j\" is forbidden: exceeded quota: q, requested: count/jobs.batch=1, used: "
            "count/jobs.batch=0, limited: count/jobs.batch=0");
  EXPECT_EQ(refusal("secrets", {{"apiVersion", "v1"}, {"kind", "Secret"}, {"metadata", {{"name", "s"}}}}),
            "secrets \"s\" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=0, limited: secrets=0");
  config_map("c", {});
  config_map("d", {});
  wait_until("resourcequotas", "q",
             [](const Json& o) { return o["status"]["used"].value("count/configmaps", "") == "3"; });
}

TEST_F(AdmissionTest, AJobUnderAFullQuotaSaysWhyItHasNoPod) {
  start_controllers();
  quota("q", {{"pods", "0"}}, Json::array({"NotTerminating"}));
  Json job{{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"metadata", {{"name", "j"}}}};
  job["spec"]["template"]["spec"] = pod("x", "true")["spec"];
  create("jobs.batch", job);
  watch("events");
  wait_until("jobs.batch", "j", [&](const Json&) { return !event_messages("FailedCreate").empty(); });
  EXPECT_THAT(
      event_messages("FailedCreate").front(),
      testing::MatchesRegex("Error creating: pods \"j-[a-z0-9]{5}\" is forbidden: exceeded quota: q, requested: "
                            "pods=1, used: pods=0, limited: pods=0"));
}

TEST_F(AdmissionTest, NobodyGrantsMoreThanTheyHave) {
  const Json role{
      {"apiVersion", "rbac.authorization.k8s.io/v1"},
      {"kind", "Role"},
      {"metadata", {{"name", "r"}, {"namespace", "default"}}},
      {"rules", Json::array({{{"verbs", {"get", "list"}}, {"apiGroups", {""}}, {"resources", {"secrets"}}}})}};
  User user;
  user.name = "ann";
  user.groups = {"dev", "system:authenticated"};
  const Kind& kind = kind_of("roles.rbac.authorization.k8s.io");
  const auto refused = check_escalation(store_, user, kind, "default", role, nullptr);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.failure().code, 403);
  EXPECT_EQ(refused.failure().message,
            "roles.rbac.authorization.k8s.io \"r\" is forbidden: user \"ann\" (groups=[\"dev\" "
            "\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n"
            "{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\" \"list\"]}");
  user.groups.push_back("system:masters");
  EXPECT_TRUE(check_escalation(store_, user, kind, "default", role, nullptr).ok());
}

}  // namespace
}  // namespace fracta::devcluster
