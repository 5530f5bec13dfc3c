// config validate --server: what the API server says about the pods comes back as places in fracta.yaml.
#include "fracta/daemon/validate_server.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "fracta/config/load.hpp"
#include "integration/cluster.hpp"

namespace fracta::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string text_for(const std::string& ns) {
  return "runtime:\n"
         "  backend: kubernetes\n"
         "  kubernetes:\n"
         "    namespace: " +
         ns +
         "\n"
         "    image: example.org/agent:1\n"
         "    extra_volumes:\n"
         "      - name: scratch\n"
         "        emptyDir: {}\n"
         "      - name: helpers\n"
         "        configMap: {name: h}\n"
         "    extra_volume_mounts:\n"
         "      - name: helpers\n"
         "        mountPath: /opt/fracta/auth-helpers\n"
         "agents:\n"
         "  default_runtime: shell\n"
         "  agent_runtimes:\n"
         "    shell: {adapter: command, command: [\"true\"]}\n";
}

TEST(ValidateOnServer, ValidConfigurationHasNothingToReportAndLeavesNothing) {
  const auto cluster = testing::TestCluster::open();
  ASSERT_TRUE(cluster);
  const std::string text = text_for(cluster->ns());
  const auto loaded = config::load_text(text);
  ASSERT_TRUE(loaded.config);
  const auto result = validate_on_server(*loaded.config, text, {.kubeconfig = cluster->kubeconfig(), .context = ""});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_THAT(result->diagnostics, IsEmpty());
  EXPECT_THAT(result->asked, ElementsAre("runtime shell: Job and Pod, dry run"));
  int jobs = 0;
  ASSERT_TRUE(cluster->client().list(kube::kJobs, cluster->ns(), {}, [&](const Json&) { ++jobs; }));
  EXPECT_EQ(jobs, 0);
}

TEST(ValidateOnServer, RefusalNamesTheLineOnce) {
  const auto cluster = testing::TestCluster::open();
  ASSERT_TRUE(cluster);
  const std::string text = text_for(cluster->ns());
  auto loaded = config::load_text(text);
  ASSERT_TRUE(loaded.config);
  // Offline validation would catch this one; here the server's own answer is of interest.
  Json volumes = *loaded.config->kubernetes.extra_volumes;
  volumes[0]["name"] = "Not_A_Label";
  loaded.config->kubernetes.extra_volumes = std::make_shared<const Json>(volumes);
  const auto result = validate_on_server(*loaded.config, text, {.kubeconfig = cluster->kubeconfig(), .context = ""});
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(result->diagnostics.size(), 1u);
  EXPECT_EQ(result->diagnostics[0].path, "runtime.kubernetes.extra_volumes[0].name");
  EXPECT_EQ(result->diagnostics[0].position.line, 7);
  EXPECT_THAT(result->diagnostics[0].message, HasSubstr("the API server refuses it: "));
}

TEST(ValidateOnServer, UnreachableServerIsAnErrorAndNoVerdict) {
  const auto loaded = config::load_text(text_for("x"));
  ASSERT_TRUE(loaded.config);
  EXPECT_FALSE(validate_on_server(*loaded.config, text_for("x"), {.kubeconfig = "/no/such/kubeconfig", .context = ""}));
}

TEST(ConfigPathOf, FieldsOfJobAndPodLeadToTheirKeys) {
  const auto loaded = config::load_text(text_for("x"));
  ASSERT_TRUE(loaded.config);
  const Json pod{{"volumes", Json::array({"workspace", "agent-config", "auth-secret", "scratch", "helpers"})},
                 {"containers", Json::array({{{"volumeMounts", Json::array({1, 2, 3, 4})}}})}};
  const std::vector<std::pair<std::string, std::string>> expected{
      {"spec.template.spec.volumes[3].emptyDir", "runtime.kubernetes.extra_volumes[0].emptyDir"},
      {"spec.volumes[4].configMap.name", "runtime.kubernetes.extra_volumes[1].configMap.name"},
      {"spec.volumes[0].name", "runtime.kubernetes.extra_volumes"},  // a built-in one: not in the file
      {"spec.volumes[99]", "runtime.kubernetes.extra_volumes"},
      {"spec.containers[0].volumeMounts[3].mountPath", "runtime.kubernetes.extra_volume_mounts[0].mountPath"},
      {"spec.containers[0].resources.limits[cpu]", "runtime.kubernetes.resources"},
      {"spec.priorityClassName", "runtime.kubernetes.priority_class_name"},
      {"spec.somethingElse", "runtime.kubernetes"},
      {"", "runtime.kubernetes"}};
  for (const auto& [field, path] : expected) EXPECT_EQ(config_path_of(field, pod, *loaded.config), path) << field;
}

}  // namespace
}  // namespace fracta::daemon
