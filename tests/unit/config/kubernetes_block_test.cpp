#include "unit/config/helpers.hpp"

namespace fracta::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string block(const std::string& body) { return "runtime: {backend: kubernetes, kubernetes: {" + body + "}}\n"; }
KubernetesConfig kubernetes(const std::string& body) { return clean(block(body)).kubernetes; }
std::string findings(const std::string& body) { return all_text(load(block(body))); }

TEST(KubernetesBlock, Defaults) {
  const KubernetesConfig config = kubernetes("");
  EXPECT_EQ(config.ns, "fracta");
  EXPECT_EQ(config.pvc_mount_path, "/workspace");
  EXPECT_EQ(config.job_ttl_seconds, 300);
  EXPECT_FALSE(config.automount_service_account_token);
  EXPECT_EQ(config.pod_security, PodSecurity::kDefault);
  EXPECT_EQ(*config.tolerations, Json::array());
  EXPECT_EQ(config.affinity, nullptr);
  EXPECT_TRUE(config.resources.empty());
}

TEST(KubernetesBlock, EveryField) {
  const KubernetesConfig config = kubernetes(R"(
    namespace: team-a, image: "x:1", image_pull_policy: IfNotPresent, image_pull_secrets: [a, {name: b}],
    service_account: sa, automount_service_account_token: true, pvc: claim, pvc_mount_path: /data,
    labels: {team: a, version: 1.10}, annotations: {example.com/note: "any text"}, node_selector: {disk: ssd},
    job_ttl_seconds: 600, active_deadline_seconds: 3600, termination_grace_period_seconds: 0,
    priority_class_name: high, runtime_class_name: gvisor, pod_security: restricted,
    pod_security_context: {runAsUser: 1000}, container_security_context: {readOnlyRootFilesystem: true},
    affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: k, operator: Exists}]}]}}})");
  EXPECT_EQ(config.ns, "team-a");
  EXPECT_THAT(config.image_pull_secrets, ElementsAre("a", "b"));
  EXPECT_TRUE(config.automount_service_account_token);
  EXPECT_EQ(config.labels.at("version"), "1.10");
  EXPECT_EQ(config.job_ttl_seconds, 600);
  EXPECT_EQ(config.active_deadline_seconds, 3600);
  EXPECT_EQ(config.termination_grace_period_seconds, 0);
  EXPECT_EQ(config.pod_security, PodSecurity::kRestricted);
  EXPECT_EQ((*config.pod_security_context)["runAsUser"], 1000);
  EXPECT_NE(config.affinity, nullptr);
}

TEST(KubernetesBlock, ZeroTtlMeansTheDefaultAsUpstream) {
  EXPECT_EQ(kubernetes("job_ttl_seconds: 0").job_ttl_seconds, 300);
  EXPECT_THAT(findings("job_ttl_seconds: -1"), HasSubstr("greater than or equal to 0"));
}

TEST(KubernetesBlock, Resources) {
  const Resources own =
      kubernetes("resources: {cpu_request: 500m, cpu_limit: 2, memory_request: 512Mi, memory_limit: 2Gi}").resources;
  EXPECT_EQ(own.cpu_limit, "2");
  EXPECT_EQ(own.memory_request, "512Mi");
  const Resources alike = kubernetes("resources: {requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 2}}").resources;
  EXPECT_EQ(alike.cpu_request, "1");
  EXPECT_EQ(alike.cpu_limit, "2");
  EXPECT_EQ(alike.memory_request, "1Gi");
  EXPECT_THAT(findings("resources: {cpu_request: 2, cpu_limit: 500m}"),
              HasSubstr("must be less than or equal to cpu limit"));
  EXPECT_THAT(findings("resources: {memory_limit: 1Gb}"), HasSubstr("quantities must match the regular expression"));
  EXPECT_THAT(findings("resources: {cpu_limit: -1}"), HasSubstr("must be greater than or equal to 0"));
  EXPECT_THAT(findings("resources: {cpu_limit: 1, limits: {cpu: 2}}"), HasSubstr("set twice"));
}

TEST(KubernetesBlock, TolerationsAsTextsAndObjects) {
  const KubernetesConfig config = kubernetes(
      "tolerations: ['gpu=yes:NoSchedule', 'spot:NoExecute', any, {key: k, operator: Exists, effect: NoExecute, "
      "tolerationSeconds: 60}]");
  EXPECT_EQ(*config.tolerations, Json::parse(R"([
    {"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"},
    {"key": "spot", "operator": "Exists", "effect": "NoExecute"},
    {"key": "any", "operator": "Exists"},
    {"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}])"));
  EXPECT_THAT(findings("tolerations: ['a=b:Never']"), HasSubstr("Unsupported value: \"Never\""));
  EXPECT_THAT(findings("tolerations: [{operator: Equal}]"), HasSubstr("operator must be Exists when `key` is empty"));
  EXPECT_THAT(findings("tolerations: [{key: a, operator: Exists, value: b}]"), HasSubstr("value must be empty"));
  EXPECT_THAT(findings("tolerations: [{key: a, tolerationSeconds: 5}]"), HasSubstr("effect must be 'NoExecute'"));
  EXPECT_THAT(findings("tolerations: nope"), HasSubstr("kubernetes config"));
}

TEST(KubernetesBlock, NamesFollowKubernetesRules) {
  EXPECT_THAT(findings("namespace: Team_A"), HasSubstr("RFC 1123 label"));
  EXPECT_THAT(findings("service_account: A_B"), HasSubstr("RFC 1123 subdomain"));
  EXPECT_THAT(findings("labels: {'a b': c}"), HasSubstr("name part must consist of"));
  EXPECT_THAT(findings("labels: {'/b': c}"), HasSubstr("prefix part must be non-empty"));
  EXPECT_THAT(findings("labels: {a: '-x'}"), HasSubstr("a valid label must be"));
  EXPECT_THAT(findings("labels: {a: " + std::string(64, 'x') + "}"), HasSubstr("no more than 63"));
  EXPECT_THAT(findings("annotations: {'a b': c}"), HasSubstr("name part"));
  EXPECT_THAT(findings("node_selector: {a: 'b c'}"), HasSubstr("a valid label must be"));
  EXPECT_THAT(findings("image_pull_policy: always"), HasSubstr("is none of Always, IfNotPresent, Never"));
  EXPECT_THAT(findings("image_pull_secrets: [A_B]"), HasSubstr("RFC 1123 subdomain"));
  EXPECT_THAT(findings("pod_security: strict"), HasSubstr("is none of restricted, baseline, none"));
  EXPECT_THAT(findings("active_deadline_seconds: 0"), HasSubstr("greater than or equal to 1"));
  EXPECT_THAT(findings("pvc_mount_path: data"), HasSubstr("absolute"));
  EXPECT_THAT(findings("pvc_mount_path: /etc/fracta"), HasSubstr("needed by the agent pod itself"));
}

TEST(KubernetesBlock, ReservedLabelsAreWarnedAbout) {
  const LoadResult result = load(block("labels: {app: mine, fracta-agent-id: x, app.kubernetes.io/name: y, fine: z}"));
  EXPECT_TRUE(result.config.has_value());
  EXPECT_EQ(result.diagnostics.size(), 3u);
  EXPECT_THAT(all_text(result), Not(HasSubstr("fine")));
}

TEST(KubernetesBlock, ObjectsOfKubernetesAreCheckedForFieldsAndKinds) {
  EXPECT_THAT(findings("affinity: {nodeAfinity: {}}"),
              HasSubstr("unknown field \"nodeAfinity\"; did you mean \"nodeAffinity\"?"));
  EXPECT_THAT(findings("container_security_context: {runasuser: 5}"), HasSubstr("did you mean \"runAsUser\"?"));
  EXPECT_THAT(findings("pod_security_context: {runAsUser: '5'}"), HasSubstr("must be a whole number, not a text"));
}

TEST(KubernetesBlock, VolumeErrorsHaveTheirPlace) {
  const LoadResult result = load(
      "runtime:\n  kubernetes:\n    extra_volumes:\n      - name: a\n        configMap: {}\n      - name: workspace\n"
      "        emptyDir: {}\n    extra_volume_mounts:\n      - name: a\n        mountPath: /a\n        readonly: "
      "true\n");
  EXPECT_THAT(
      lines(result),
      ElementsAre("5:9: runtime.kubernetes.extra_volumes[0].configMap.name: Required value",
                  "6:9: runtime.kubernetes.extra_volumes[1].name: Duplicate value: \"workspace\"",
                  "11:9: runtime.kubernetes.extra_volume_mounts[0].readonly: unknown field \"readonly\"; did you mean "
                  "\"readOnly\"?"));
}

}  // namespace
}  // namespace fracta::config
