// Upstream's internal/runtime/k8s_test.go, case by case (shared/reference/fracta-upstream.md §8.1). Where the design
// differs (three built-in volumes in every pod, a ConfigMap for every agent) the case asserts the design.
#include "unit/agent/fixture.hpp"

#include "fracta/base/text.hpp"

namespace fracta::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Json mount(const char* name, const char* path, bool read_only = false) {
  Json json = {{"name", name}, {"mountPath", path}};
  if (read_only) json["readOnly"] = true;
  return json;
}

class BuildJob : public BuildTest {
 protected:
  Json job() { return *built().owner; }
};

TEST_F(BuildJob, SpawnCreatesJob) {
  spec = spec_of("agent1", "tool");
  spec.command = {"claude", "-p", "hello"};
  config.agent_runtimes["tool"].kubernetes_env = {{"KEY", "value", {}}, {"FOO", "bar", {}}};
  config.kubernetes.resources = {"250m", "", "", "512Mi"};
  const Json created = job();
  EXPECT_EQ(created["kind"], "Job");
  EXPECT_EQ(created["apiVersion"], "batch/v1");
  EXPECT_EQ(created["metadata"]["name"], "fracta-agent-agent1");
  EXPECT_EQ(created["metadata"]["namespace"], "test-ns");
  EXPECT_EQ(created["metadata"]["labels"]["app"], "fracta");
  EXPECT_EQ(created["metadata"]["labels"]["fracta-agent-id"], "agent1");
  EXPECT_EQ(created["spec"]["backoffLimit"], 0);
  EXPECT_EQ(created["spec"]["ttlSecondsAfterFinished"], 300);
  EXPECT_FALSE(created["spec"].contains("activeDeadlineSeconds"));
  const Json pod = pod_spec();
  EXPECT_EQ(pod["restartPolicy"], "Never");
  ASSERT_EQ(pod["containers"].size(), 1u);
  const Json container = main_container();
  EXPECT_EQ(container["name"], "agent");
  EXPECT_EQ(container["image"], "registry.example/agent:1");
  EXPECT_FALSE(container.contains("command"));  // the image's ENTRYPOINT has to run
  EXPECT_EQ(container["args"], Json({"claude", "-p", "hello"}));
  const auto env = names_of(container["env"]);
  EXPECT_THAT(std::vector(env.end() - 2, env.end()), ElementsAre("KEY", "FOO"));
  EXPECT_EQ(container["resources"]["requests"]["cpu"], "250m");
  EXPECT_EQ(container["resources"]["limits"]["memory"], "512Mi");
}

TEST_F(BuildJob, SpawnRequiresImage) {
  config.kubernetes.image.clear();
  EXPECT_THAT(error(), StartsWith("runtime/k8s: Image is required"));
  spec.runtime = "codex";
  spec.mode = Mode::kStream;
  EXPECT_THAT(error(), StartsWith("runtime/k8s: Image is required for stream pod"));
}

TEST_F(BuildJob, SpawnCustomNamespace) {
  config.kubernetes.ns = "other";
  const AgentObjects objects = built();
  EXPECT_EQ((*objects.owner)["metadata"]["namespace"], "other");
  EXPECT_EQ((*objects.config_map)["metadata"]["namespace"], "other");
}

TEST_F(BuildJob, DefaultNamespace) {
  config.kubernetes.ns = config::KubernetesConfig{}.ns;
  EXPECT_EQ(job()["metadata"]["namespace"], "fracta");
}

TEST_F(BuildJob, ImageFallbackFromConfigAndOverrides) {
  EXPECT_EQ(main_container()["image"], "registry.example/agent:1");
  config.agent_runtimes["claude"].image = "runtime:2";
  EXPECT_EQ(main_container()["image"], "runtime:2");
  spec.image = "asked:3";
  EXPECT_EQ(main_container()["image"], "asked:3");
  EXPECT_EQ(init_container()["image"], "asked:3");
}

TEST_F(BuildJob, ServiceAccount) {
  EXPECT_FALSE(pod_spec().contains("serviceAccountName"));
  config.kubernetes.service_account = "agents";
  EXPECT_EQ(pod_spec()["serviceAccountName"], "agents");
}

TEST_F(BuildJob, NoApiTokenUnlessAskedFor) {
  EXPECT_EQ(pod_spec()["automountServiceAccountToken"], false);
  config.kubernetes.automount_service_account_token = true;
  EXPECT_EQ(pod_spec()["automountServiceAccountToken"], true);
}

TEST_F(BuildJob, ImagePullPolicyPassesAlsoToTheInitContainer) {
  EXPECT_FALSE(main_container().contains("imagePullPolicy"));
  config.kubernetes.image_pull_policy = "Never";
  EXPECT_EQ(main_container()["imagePullPolicy"], "Never");
  EXPECT_EQ(init_container()["imagePullPolicy"], "Never");
}

TEST_F(BuildJob, WorkingDirAndCustomPVCMountPath) {
  EXPECT_EQ(main_container()["workingDir"], "/workspace/agents/agent1");
  config.kubernetes.pvc = "claim";
  config.kubernetes.pvc_mount_path = "/data/";
  EXPECT_EQ(main_container()["workingDir"], "/data/agents/agent1");
  EXPECT_EQ(main_container()["volumeMounts"][0], mount("workspace", "/data"));
}

TEST_F(BuildJob, TTLFromConfig) {
  config.kubernetes.job_ttl_seconds = 600;
  EXPECT_EQ(job()["spec"]["ttlSecondsAfterFinished"], 600);
}

TEST_F(BuildJob, PVCVolumeAndMount) {
  config.kubernetes.pvc = "claim";
  const Json pod = pod_spec();
  EXPECT_EQ(pod["volumes"][0], Json({{"name", "workspace"}, {"persistentVolumeClaim", {{"claimName", "claim"}}}}));
  EXPECT_EQ(pod["containers"][0]["volumeMounts"][0], mount("workspace", "/workspace"));
}

TEST_F(BuildJob, EmptyDirWhenNoPVC) {
  EXPECT_EQ(pod_spec()["volumes"][0], Json({{"name", "workspace"}, {"emptyDir", Json::object()}}));
}

// Design §2.4: a mount may always name them, whatever the agent.
TEST_F(BuildJob, ThreeBuiltInVolumesAlways) {
  for (const char* runtime : {"claude", "codex", "opencode", "tool"}) {
    spec.runtime = runtime;
    spec.command = {"true"};
    const Json pod = pod_spec();
    EXPECT_THAT(names_of(pod["volumes"]), ElementsAre("workspace", "agent-config", "auth-secret")) << runtime;
    EXPECT_THAT(pod["containers"][0]["volumeMounts"],
                ElementsAre(mount("workspace", "/workspace"), mount("agent-config", "/etc/fracta", true),
                            mount("auth-secret", "/var/run/fracta-auth", true)))
        << runtime;
  }
}

TEST_F(BuildJob, TolerationsAndNodeSelector) {
  const Json tolerations = {{{"key", "gpu"}, {"operator", "Exists"}, {"effect", "NoSchedule"}}};
  config.kubernetes.tolerations = shared(tolerations);
  config.kubernetes.node_selector = {{"disk", "ssd"}};
  EXPECT_EQ(pod_spec()["tolerations"], tolerations);
  EXPECT_EQ(pod_spec()["nodeSelector"], Json({{"disk", "ssd"}}));
}

TEST_F(BuildJob, SchedulingAndPullFields) {
  const Json affinity = {{"nodeAffinity", Json::object()}};
  config.kubernetes.affinity = shared(affinity);
  config.kubernetes.priority_class_name = "low";
  config.kubernetes.runtime_class_name = "gvisor";
  config.kubernetes.image_pull_secrets = {"regcred"};
  config.kubernetes.termination_grace_period_seconds = 5;
  const Json pod = pod_spec();
  EXPECT_EQ(pod["affinity"], affinity);
  EXPECT_EQ(pod["priorityClassName"], "low");
  EXPECT_EQ(pod["runtimeClassName"], "gvisor");
  EXPECT_EQ(pod["imagePullSecrets"], Json::array({{{"name", "regcred"}}}));
  EXPECT_EQ(pod["terminationGracePeriodSeconds"], 5);
  EXPECT_EQ(pod["enableServiceLinks"], false);
}

TEST_F(BuildJob, ConfigLabelsAndAnnotations) {
  config.kubernetes.labels = {{"team", "red"},
                              {"app", "other"},
                              {"fracta-agent-id", "x"},
                              {"fracta-stream-pod", "true"},
                              {"app.kubernetes.io/managed-by", "helm"}};
  config.kubernetes.annotations = {{"note", "hi"}, {"fracta.io/stop-requested-at", "2020-01-01T00:00:00Z"}};
  spec.labels = {{"ticket", "42"}};
  const Json created = job();
  for (const Json& metadata : {created["metadata"], created["spec"]["template"]["metadata"]}) {
    EXPECT_EQ(metadata["labels"]["team"], "red");
    EXPECT_EQ(metadata["labels"]["ticket"], "42");
    EXPECT_EQ(metadata["labels"]["app"], "fracta");
    EXPECT_EQ(metadata["labels"]["fracta-agent-id"], "agent1");
    EXPECT_EQ(metadata["labels"]["app.kubernetes.io/managed-by"], "fracta");
    EXPECT_FALSE(metadata["labels"].contains("fracta-stream-pod"));
    EXPECT_EQ(metadata["annotations"]["note"], "hi");
    EXPECT_FALSE(metadata["annotations"].contains("fracta.io/stop-requested-at"));
    EXPECT_EQ(metadata["annotations"]["fracta.io/agent-name"], "agent1");
  }
}

TEST_F(BuildJob, UserLabelsMayNotTakeOverOurs) {
  for (const char* key :
       {"app", "fracta-agent-id", "fracta-stream-pod", "fracta.io/x", "app.kubernetes.io/name", "b d", ""}) {
    spec.labels = {{key, "v"}};
    EXPECT_THAT(error(), HasSubstr("label")) << key;
  }
  spec.labels = {{"ok", "not ok"}};
  EXPECT_THAT(error(), HasSubstr("not a valid Kubernetes label value"));
}

TEST_F(BuildJob, SpawnNoResources) { EXPECT_FALSE(main_container().contains("resources")); }

TEST_F(BuildJob, ResourcesFromConfigAndOverride) {
  config.kubernetes.resources = {"500m", "2", "512Mi", "2Gi"};
  EXPECT_EQ(main_container()["resources"]["requests"]["cpu"], "500m");
  EXPECT_EQ(main_container()["resources"]["limits"]["memory"], "2Gi");
  spec.resources.cpu_request = "1";
  spec.resources.cpu_limit = "4";
  EXPECT_EQ(main_container()["resources"]["requests"]["cpu"], "1");
  EXPECT_EQ(main_container()["resources"]["limits"]["cpu"], "4");
  EXPECT_EQ(main_container()["resources"]["limits"]["memory"], "2Gi");
  // A strict ResourceQuota looks at every container.
  EXPECT_EQ(init_container()["resources"], main_container()["resources"]);
}

TEST_F(BuildJob, ActiveDeadline) {
  config.kubernetes.active_deadline_seconds = 3600;
  EXPECT_EQ(job()["spec"]["activeDeadlineSeconds"], 3600);
  spec.active_deadline_seconds = 60;
  EXPECT_EQ(job()["spec"]["activeDeadlineSeconds"], 60);
  spec.active_deadline_seconds = 0;
  EXPECT_THAT(error(), HasSubstr("active_deadline_seconds"));
}

TEST_F(BuildJob, MaxAgeBecomesAnAbsoluteDeadline) {
  config.reaper_max_age = std::chrono::hours{4};
  EXPECT_EQ(job()["metadata"]["annotations"]["fracta.io/deadline"], "2026-11-22T00:00:00Z");
}

TEST_F(BuildJob, HostEnvVarsAndCredentialEnv) {
  config.agent_runtimes["claude"].kubernetes_env = {{"PLAIN", "1", {}},
                                                    {"KEY", "", config::SecretKeyRef{"creds", "api"}}};
  credential_env = {{"PLAIN", "2", {}}};
  EXPECT_EQ(
      dump_json(main_container()["env"]),
      R"([{"name":"PLAIN","value":"2"},{"name":"KEY","valueFrom":{"secretKeyRef":{"key":"api","name":"creds"}}}])");
}

TEST_F(BuildJob, ConfigMapCreation) {
  config.snapshot = shared({{"connections", {{"falkordb", {{"url", "redis://x"}}}}}});
  const Json map = *built().config_map;
  EXPECT_EQ(map["metadata"]["name"], "fracta-config-agent1");
  EXPECT_EQ(map["metadata"]["labels"]["fracta-agent-id"], "agent1");
  EXPECT_EQ(map["data"]["agent-config.yaml"], "connections:\n  falkordb:\n    url: redis://x\n");
}

TEST_F(BuildJob, ConfigMapOwnerReference) {
  const AgentObjects objects = built();
  set_owner(*objects.config_map, *objects.owner, "uid-1");
  EXPECT_EQ((*objects.config_map)["metadata"]["ownerReferences"], Json::array({{{"apiVersion", "batch/v1"},
                                                                                {"kind", "Job"},
                                                                                {"name", "fracta-agent-agent1"},
                                                                                {"uid", "uid-1"},
                                                                                {"controller", true},
                                                                                {"blockOwnerDeletion", false}}}));
}

TEST_F(BuildJob, ConfigMapVolumeIsRequired) {
  // Not optional: the kubelet waits for the ConfigMap, which is created after the Job.
  EXPECT_EQ(pod_spec()["volumes"][1],
            Json({{"name", "agent-config"}, {"configMap", {{"name", "fracta-config-agent1"}}}}));
}

TEST_F(BuildJob, NoConfigSnapshotNoKey) {
  EXPECT_FALSE((*built().config_map)["data"].contains("agent-config.yaml"));
  spec = spec_of("agent1", "tool");
  spec.command = {"true"};
  EXPECT_EQ((*built().config_map)["data"], Json::object());
}

TEST_F(BuildJob, WorkspaceFilesInConfigMap) {
  config.snapshot = shared({{"strategy", {{"dir", "x"}}}});
  spec.contract = "Do it.";
  credential_files[".fracta/user-settings.json"] = "{}\n";
  const Json data = (*built().config_map)["data"];
  std::vector<std::string> keys;
  for (const auto& [key, value] : data.items()) keys.push_back(key);
  EXPECT_THAT(keys, ElementsAre("CLAUDE.md", "agent-config.yaml", "dot-claude--settings.json",
                                "dot-fracta--user-settings.json", "dot-mcp.json"));
  EXPECT_THAT(data["CLAUDE.md"].get<std::string>(), StartsWith("Do it.\n"));
}

TEST_F(BuildJob, InitContainer) {
  const Json init = init_container();
  EXPECT_EQ(init["name"], "workspace-init");
  EXPECT_EQ(init["image"], "registry.example/agent:1");
  EXPECT_EQ(init["command"][0], "sh");
  EXPECT_EQ(init["command"][1], "-c");
  EXPECT_THAT(init["command"][2].get<std::string>(),
              StartsWith("mkdir -p /workspace/agents/agent1 /workspace/agents/agent1/.claude && cp "));
  EXPECT_THAT(init["volumeMounts"],
              ElementsAre(mount("workspace", "/workspace"), mount("agent-config", "/etc/fracta", true)));
  EXPECT_FALSE(init.contains("env"));
}

// The container runtime would make the working directory for root alone, and the image's USER may be somebody else.
TEST_F(BuildJob, TheWorkingDirectoryBelongsToTheImagesUserWithoutWorkspaceFilesToo) {
  spec = spec_of("agent1", "tool");
  spec.command = {"true"};
  EXPECT_THAT(init_container()["command"][2].get<std::string>(), testing::StrEq("mkdir -p /workspace/agents/agent1"));
  config.kubernetes.pod_security = config::PodSecurity::kRestricted;
  EXPECT_THAT(init_container()["command"][2].get<std::string>(),
              testing::StrEq("mkdir -p /workspace/agents/agent1 /workspace/agents/agent1/.home"));
  config.kubernetes.pod_security = config::PodSecurity::kNone;
  config.kubernetes.container_security_context = std::make_shared<const Json>(Json{{"runAsUser", 0}});
  EXPECT_FALSE(pod_spec().contains("initContainers"));
}

TEST_F(BuildJob, AuthSecret) {
  auth_secret_data = {{"token", "s3cret\n"}};
  const AgentObjects objects = built();
  ASSERT_NE(objects.secret, nullptr);
  EXPECT_EQ((*objects.secret)["metadata"]["name"], "fracta-auth-agent1");
  EXPECT_EQ((*objects.secret)["metadata"]["labels"]["fracta-agent-id"], "agent1");
  EXPECT_EQ((*objects.secret)["data"], Json({{"token", base64_encode("s3cret\n")}}));
  EXPECT_THAT(dump_json(*objects.owner), Not(HasSubstr("s3cret")));
  EXPECT_THAT(dump_json(*objects.config_map), Not(HasSubstr("s3cret")));
  set_owner(*objects.secret, *objects.owner, "u");
  EXPECT_EQ((*objects.secret)["metadata"]["ownerReferences"][0]["kind"], "Job");
}

TEST_F(BuildJob, AuthSecretVolume) {
  // Without data nobody may wait for it; with data an optional volume would start the agent without its credentials.
  EXPECT_EQ(pod_spec()["volumes"][2],
            Json({{"name", "auth-secret"},
                  {"secret", {{"secretName", "fracta-auth-agent1"}, {"optional", true}, {"defaultMode", 0444}}}}));
  auth_secret_data = {{"token", "x"}};
  EXPECT_EQ(pod_spec()["volumes"][2]["secret"]["optional"], false);
  auth_mount_path = "/secrets/here";
  EXPECT_EQ(main_container()["volumeMounts"][2], mount("auth-secret", "/secrets/here", true));
}

TEST_F(BuildJob, NoAuthSecretWhenEmpty) { EXPECT_EQ(built().secret, nullptr); }

TEST_F(BuildJob, SpawnWithExtraVolumes) {
  add_extras();
  const Json pod = pod_spec();
  EXPECT_THAT(names_of(pod["volumes"]), ElementsAre("workspace", "agent-config", "auth-secret", "auth-helpers"));
  EXPECT_EQ(pod["volumes"][3], (*config.kubernetes.extra_volumes)[0]);
  EXPECT_THAT(names_of(pod["containers"][0]["volumeMounts"]),
              ElementsAre("workspace", "agent-config", "auth-secret", "auth-helpers"));
  EXPECT_EQ(pod["containers"][0]["volumeMounts"][3], (*config.kubernetes.extra_volume_mounts)[0]);
  EXPECT_THAT(names_of(pod["initContainers"][0]["volumeMounts"]), ElementsAre("workspace", "agent-config"));
}

TEST_F(BuildJob, ExtraVolumesNoEffectWhenEmpty) {
  const Json with_empty_lists = job();
  config.kubernetes.extra_volumes = nullptr;
  config.kubernetes.extra_volume_mounts = nullptr;
  EXPECT_EQ(job(), with_empty_lists);
}

TEST_F(BuildJob, AnExtraMountMayNameABuiltInVolume) {
  config.kubernetes.extra_volume_mounts =
      shared({{{"name", "workspace"}, {"mountPath", "/cache"}, {"subPath", "cache"}}});
  EXPECT_EQ(main_container()["volumeMounts"][3]["mountPath"], "/cache");
}

TEST_F(BuildJob, ArgvArrivesAsWritten) {
  spec = spec_of("agent1", "tool");
  spec.command = {"sh", "-c", "echo $(date) $$ $HOME"};
  EXPECT_EQ(main_container()["args"], Json({"sh", "-c", "echo $$(date) $$$$ $HOME"}));
}

TEST_F(BuildJob, UnknownRuntimeAndAdapter) {
  spec.runtime = "nope";
  EXPECT_EQ(error(), "runtime \"nope\" not configured in fracta.yaml agents.agent_runtimes");
  config.agent_runtimes["nope"].adapter = "gemini";
  EXPECT_EQ(error(), "runtime \"nope\": unknown adapter \"gemini\"; known: claude, codex, command, opencode");
}

TEST_F(BuildJob, DefaultRuntime) {
  spec.runtime.clear();
  config.default_runtime = "opencode";
  EXPECT_EQ(main_container()["args"][0], "opencode");
  EXPECT_EQ(job()["metadata"]["annotations"]["fracta.io/runtime"], "opencode");
}

TEST_F(BuildJob, BadNameIsRefused) {
  spec.name = "../x";
  EXPECT_THAT(error(), HasSubstr("invalid task name"));
}

TEST_F(BuildJob, AConfigMapAboveOneMebibyteIsRefusedBeforeAnythingIsCreated) {
  spec.contract = std::string(1u << 20, 'x');
  const auto objects = try_build();
  ASSERT_FALSE(objects.ok());
  EXPECT_EQ(objects.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(objects.error().message, HasSubstr("ConfigMap fracta-config-agent1 would hold"));
  EXPECT_THAT(objects.error().message, HasSubstr("\"CLAUDE.md\""));
}

TEST_F(BuildJob, WorkspaceFilesStayInTheWorkspace) {
  for (const char* path : {"../x", "/etc/passwd", "a/../b", "", "a//b", "sp ace"}) {
    credential_files = {{path, "x"}};
    EXPECT_THAT(error(), HasSubstr("no usable relative path")) << path;
  }
  credential_files = {{"a--b", "1"}, {"a/b", "2"}};
  EXPECT_THAT(error(), HasSubstr("need the same ConfigMap key"));
}

TEST_F(BuildJob, ContractMustBeText) {
  spec.contract = "\xff\xfe";
  EXPECT_THAT(error(), HasSubstr("not valid UTF-8"));
}

TEST_F(BuildJob, PodFromJobIsThePodTheControllerWouldMake) {
  const Json created = job();
  const Json pod = pod_from_job(created);
  EXPECT_EQ(pod["kind"], "Pod");
  EXPECT_EQ(pod["metadata"]["namespace"], "test-ns");
  EXPECT_EQ(pod["spec"], created["spec"]["template"]["spec"]);
  EXPECT_EQ(pod["metadata"]["labels"], created["spec"]["template"]["metadata"]["labels"]);
  EXPECT_NO_THROW(pod_from_job(Json()));
}

}  // namespace
}  // namespace fracta::agent
