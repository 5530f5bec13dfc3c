#include "unit/agent/fixture.hpp"

namespace fracta::agent {
namespace {

using config::PodSecurity;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Security : public BuildTest {};

TEST_F(Security, DefaultKeepsRootImagesWorking) {
  const Json pod = pod_spec();
  EXPECT_EQ(pod["securityContext"], Json({{"seccompProfile", {{"type", "RuntimeDefault"}}}}));
  for (const char* kind : {"containers", "initContainers"}) {
    EXPECT_EQ(pod[kind][0]["securityContext"], Json({{"allowPrivilegeEscalation", false}})) << kind;
  }
}

TEST_F(Security, RestrictedOnEveryContainer) {
  config.kubernetes.pod_security = PodSecurity::kRestricted;
  const Json pod = pod_spec();
  EXPECT_EQ(pod["securityContext"]["runAsNonRoot"], true);
  EXPECT_EQ(pod["securityContext"]["runAsUser"], 65532);
  EXPECT_EQ(pod["securityContext"]["fsGroup"], 65532);
  EXPECT_EQ(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
  for (const char* kind : {"containers", "initContainers"}) {
    EXPECT_EQ(pod[kind][0]["securityContext"],
              Json({{"allowPrivilegeEscalation", false}, {"capabilities", {{"drop", Json::array({"ALL"})}}}}))
        << kind;
  }
  // Readable through the fsGroup, for nobody else.
  EXPECT_EQ(pod["volumes"][2]["secret"]["defaultMode"], 0440);
}

TEST_F(Security, AUserTheImageMayNotKnowGetsAHome) {
  EXPECT_FALSE(main_container().contains("env"));
  config.kubernetes.pod_security = PodSecurity::kRestricted;
  EXPECT_EQ(main_container()["env"][0], Json({{"name", "HOME"}, {"value", "/workspace/agents/agent1/.home"}}));
  EXPECT_THAT(init_container()["command"][2].get<std::string>(), HasSubstr(" /workspace/agents/agent1/.home "));
  config.agent_runtimes["claude"].kubernetes_env = {{"HOME", "/home/mine", {}}};
  EXPECT_EQ(main_container()["env"][0]["value"], "/home/mine");
  config.agent_runtimes["claude"].kubernetes_env.clear();
  config.kubernetes.pod_security_context = shared({{"runAsUser", 1000}});
  EXPECT_FALSE(main_container().contains("env"));
}

TEST_F(Security, NoneSetsNothing) {
  config.kubernetes.pod_security = PodSecurity::kNone;
  const Json pod = pod_spec();
  EXPECT_FALSE(pod.contains("securityContext"));
  EXPECT_FALSE(pod["containers"][0].contains("securityContext"));
}

TEST_F(Security, ContextsOfTheConfigWinFieldByField) {
  config.kubernetes.pod_security = PodSecurity::kRestricted;
  config.kubernetes.pod_security_context = shared({{"runAsUser", 1000}, {"fsGroup", 2000}});
  config.kubernetes.container_security_context = shared({{"readOnlyRootFilesystem", true}});
  const Json pod = pod_spec();
  EXPECT_EQ(pod["securityContext"]["runAsUser"], 1000);
  EXPECT_EQ(pod["securityContext"]["fsGroup"], 2000);
  EXPECT_EQ(pod["securityContext"]["runAsNonRoot"], true);
  EXPECT_EQ(pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"], true);
  EXPECT_EQ(pod["containers"][0]["securityContext"]["allowPrivilegeEscalation"], false);
}

TEST_F(Security, PrivilegedTakesBackWhatTheServerWouldRefuseBesideIt) {
  config.kubernetes.container_security_context = shared({{"privileged", true}});
  EXPECT_FALSE(main_container()["securityContext"].contains("allowPrivilegeEscalation"));
  config.kubernetes.container_security_context = shared({{"capabilities", {{"add", {"SYS_ADMIN"}}}}});
  EXPECT_FALSE(main_container()["securityContext"].contains("allowPrivilegeEscalation"));
}

TEST_F(Security, RestrictedRefusesTheResultAndListsAllOffences) {
  config.kubernetes.pod_security = PodSecurity::kRestricted;
  config.kubernetes.pod_security_context = shared({{"runAsUser", 0}, {"runAsNonRoot", false}});
  config.kubernetes.container_security_context =
      shared({{"privileged", true}, {"capabilities", {{"add", {"SYS_ADMIN", "NET_BIND_SERVICE"}}}}});
  config.kubernetes.extra_volumes = shared({{{"name", "host"}, {"hostPath", {{"path", "/"}}}}});
  const auto objects = try_build();
  ASSERT_FALSE(objects.ok());
  const std::string& text = objects.error().message;
  EXPECT_THAT(text, HasSubstr("spec.securityContext.runAsUser: must not be 0 under pod_security: restricted"));
  EXPECT_THAT(text, HasSubstr("spec.containers[0].securityContext.privileged"));
  EXPECT_THAT(text, HasSubstr("spec.initContainers[0].securityContext.privileged"));
  EXPECT_THAT(text, HasSubstr("capability \"SYS_ADMIN\""));
  EXPECT_THAT(text, Not(HasSubstr("NET_BIND_SERVICE")));
  EXPECT_THAT(text, HasSubstr("spec.containers[0].securityContext.capabilities.drop: must contain ALL"));
  EXPECT_THAT(text, HasSubstr("spec.containers[0].securityContext.runAsNonRoot"));
  EXPECT_THAT(text, HasSubstr("spec.volumes[3].hostPath: volume \"host\": hostPath is not allowed"));
  EXPECT_EQ(objects.error().reason, "PodSpecRefused");
  EXPECT_GE(objects.error().causes.size(), 8u);
}

TEST_F(Security, BaselineRefusesHostPathAndPrivileged) {
  config.kubernetes.extra_volumes = shared({{{"name", "host"}, {"hostPath", {{"path", "/dev/fuse"}}}}});
  EXPECT_EQ(error(), "");  // no key in the config: an operator who asks for hostPath gets it
  config.kubernetes.pod_security = PodSecurity::kBaseline;
  EXPECT_THAT(error(), HasSubstr("hostPath is not allowed under pod_security: baseline"));
  config.kubernetes.extra_volumes = shared({{{"name", "nfs"}, {"nfs", {{"server", "s"}, {"path", "/"}}}}});
  EXPECT_EQ(error(), "");
  config.kubernetes.pod_security = PodSecurity::kRestricted;
  EXPECT_THAT(error(), HasSubstr("nfs is not allowed under pod_security: restricted"));
}

// Seen on a real API server: the pod's own false counts even where every container says true.
TEST_F(Security, RunAsNonRootFalseAtThePodIsRefused) {
  config.kubernetes.pod_security = PodSecurity::kRestricted;
  config.kubernetes.pod_security_context = shared({{"runAsNonRoot", false}});
  config.kubernetes.container_security_context = shared({{"runAsNonRoot", true}});
  EXPECT_THAT(error(), HasSubstr("spec.securityContext.runAsNonRoot: must not be false"));
}

class CheckPodSpec : public BuildTest {
 protected:
  std::string refused(const Json& pod) {
    const auto result = check_pod_spec(pod, config);
    return result ? "" : result.error().message;
  }
};

TEST_F(CheckPodSpec, AcceptsWhatBuildMakes) { EXPECT_EQ(refused(pod_spec()), ""); }

TEST_F(CheckPodSpec, ExtrasMayNotReachTheInitContainer) {
  Json pod = pod_spec();
  pod["initContainers"][0]["volumeMounts"].push_back({{"name", "auth-secret"}, {"mountPath", "/x"}});
  EXPECT_THAT(refused(pod), HasSubstr("\"auth-secret\" may be mounted by container agent only"));
}

TEST_F(CheckPodSpec, BuiltInVolumesAreOurs) {
  config.kubernetes.extra_volumes = shared({{{"name", "workspace"}, {"emptyDir", Json::object()}}});
  EXPECT_THAT(error(), HasSubstr("volume name \"workspace\" is used twice; it is one of Fracta's own"));
  config.kubernetes.extra_volumes = shared(Json::array());
  Json pod = pod_spec();
  pod["volumes"][1] = {{"name", "agent-config"}, {"hostPath", {{"path", "/etc"}}}};
  pod["volumes"].erase(2);
  EXPECT_THAT(refused(pod), AllOf(HasSubstr("volume \"agent-config\" is Fracta's own and must not be replaced"),
                                  HasSubstr("built-in volume \"auth-secret\" is missing"),
                                  HasSubstr("no volume is named \"auth-secret\"")));
}

TEST_F(CheckPodSpec, MountPathsAndNamesAreUnique) {
  config.kubernetes.extra_volumes =
      shared({{{"name", "a"}, {"emptyDir", Json::object()}}, {{"name", "a"}, {"emptyDir", Json::object()}}});
  config.kubernetes.extra_volume_mounts = shared({{{"name", "a"}, {"mountPath", "/etc/fracta"}}});
  EXPECT_THAT(error(), AllOf(HasSubstr("spec.volumes[4].name: volume name \"a\" is used twice"),
                             HasSubstr("\"/etc/fracta\" is taken by the mount of \"agent-config\" already")));
}

TEST_F(CheckPodSpec, NoHostNamespacesNoTokenNoStrangers) {
  Json pod = pod_spec();
  pod["hostNetwork"] = true;
  pod["hostPID"] = true;
  pod.erase("automountServiceAccountToken");
  pod["containers"].push_back({{"name", "miner"}});
  pod["initContainers"].push_back({{"name", "other"}});
  EXPECT_THAT(refused(pod),
              AllOf(HasSubstr("spec.hostNetwork"), HasSubstr("spec.hostPID"), HasSubstr("automountServiceAccountToken"),
                    HasSubstr("exactly one container named agent"), HasSubstr("spec.initContainers[1].name")));
}

TEST_F(CheckPodSpec, AnythingIsAnAnswerNeverACrash) {
  for (const char* text : {"null", "[]", "{}", "1", R"({"containers": {}, "volumes": 3})",
                           R"({"containers": [1, null, []], "volumes": ["x"]})",
                           R"({"containers": [{"volumeMounts": [7]}], "initContainers": "x"})"}) {
    for (const PodSecurity level : {PodSecurity::kDefault, PodSecurity::kRestricted}) {
      config.kubernetes.pod_security = level;
      EXPECT_NE(refused(Json::parse(text)), "") << text;
    }
  }
}

}  // namespace
}  // namespace fracta::agent
