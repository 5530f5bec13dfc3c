// Golden objects: what is created for five typical agents, byte by byte, so that no change of shape goes unseen.
// FRACTA_UPDATE_GOLDEN=1 writes them anew; look at the diff then.
#include <cstdlib>

#include "fracta/base/file.hpp"
#include "unit/agent/fixture.hpp"

namespace fracta::agent {
namespace {

class Golden : public BuildTest {
 protected:
  void compare(const std::string& name) {
    const AgentObjects objects = built();
    std::string text = dump_yaml(*objects.owner) + "---\n" + dump_yaml(*objects.config_map);
    if (objects.secret) text += "---\n" + dump_yaml(*objects.secret);
    const std::string path = std::string(FRACTA_SOURCE_DIR) + "/tests/golden/agent/" + name + ".yaml";
    if (std::getenv("FRACTA_UPDATE_GOLDEN") != nullptr) {
      ASSERT_TRUE(write_file_atomic(path, text, {.mode = 0644}).ok());
      return;
    }
    const auto golden = read_file(path);
    ASSERT_TRUE(golden.ok()) << golden.error().message;
    EXPECT_EQ(text, *golden) << "FRACTA_UPDATE_GOLDEN=1 writes " << path << " anew";
  }

  void use_everything() {
    auto& kubernetes = config.kubernetes;
    kubernetes.image_pull_policy = "IfNotPresent";
    kubernetes.service_account = "fracta-agent";
    kubernetes.pvc = "fracta-workspace";
    kubernetes.pvc_mount_path = "/data";
    kubernetes.labels = {{"team", "red"}};
    kubernetes.annotations = {{"example.com/cost-center", "42"}};
    kubernetes.node_selector = {{"kubernetes.io/os", "linux"}};
    kubernetes.tolerations =
        shared({{{"key", "agents"}, {"operator", "Equal"}, {"value", "yes"}, {"effect", "NoSchedule"}}});
    const Json term = {{"matchExpressions", {{{"key", "disk"}, {"operator", "In"}, {"values", {"ssd", "nvme"}}}}}};
    kubernetes.affinity =
        shared({{"nodeAffinity",
                 {{"requiredDuringSchedulingIgnoredDuringExecution", {{"nodeSelectorTerms", Json::array({term})}}}}}});
    kubernetes.resources = {"500m", "2", "512Mi", "2Gi"};
    kubernetes.job_ttl_seconds = 600;
    kubernetes.active_deadline_seconds = 3600;
    kubernetes.image_pull_secrets = {"regcred"};
    kubernetes.pod_security = config::PodSecurity::kRestricted;
    kubernetes.termination_grace_period_seconds = 30;
    add_extras();
    config.snapshot =
        shared({{"connections", {{"falkordb", {{"url", "redis://falkordb:6379"}, {"graph_name", "g"}}}}}});
    config.gateway_url = "http://fracta-gateway.fracta.svc:8080";
    config.allowed_tools = {"Bash(*)", "Read(*)"};
    config.reaper_max_age = std::chrono::hours{4};
    config.hash = "0123";
    config.agent_runtimes["claude"].kubernetes_env = {{"LOG_LEVEL", "debug", {}},
                                                      {"API_KEY", "", config::SecretKeyRef{"provider", "api-key"}}};
  }
};

TEST_F(Golden, MinimalClaudeBatch) { compare("claude-minimal"); }

TEST_F(Golden, FullConfigRestricted) {
  use_everything();
  spec = spec_of("Review_42");
  spec.contract = "Review pull request 42.\n";
  spec.model = "claude-sonnet-4-6";
  spec.labels = {{"ticket", "ABC-1"}};
  spec.requested_by = "alice";
  auth_secret_data = {{"token", "not-a-real-token"}};
  credential_env = {{"LOG_LEVEL", "info", {}}};
  credential_files = {{".fracta/user-settings.json", "{\n  \"apiKeyHelper\": \"fetch-token-example\"\n}\n"}};
  compare("claude-full-restricted");
}

TEST_F(Golden, CodexStream) {
  spec = spec_of("chat", "codex");
  spec.mode = Mode::kStream;
  spec.active_deadline_seconds = 7200;
  config.gateway_url = "http://fracta-gateway.fracta.svc:8080";
  compare("codex-stream");
}

TEST_F(Golden, OpenCodeStream) {
  spec = spec_of("chat-2", "opencode");
  spec.mode = Mode::kStream;
  spec.contract = "Help whoever talks to you.";
  add_extras();
  compare("opencode-stream");
}

TEST_F(Golden, CommandBatch) {
  spec = spec_of("script", "tool");
  spec.command = {"sh", "-c", "cat \"$FRACTA_TASK_FILE\"; date +%s"};
  spec.contract = "Say the time.";
  compare("command-batch");
}

TEST_F(Golden, ClaudeWithStoredCredentials) {
  config.kubernetes.pod_security = config::PodSecurity::kRestricted;
  add_extras();
  bind_credentials();
  compare("claude-stored-credentials");
}

TEST_F(Golden, CodexStreamWithStoredCredentials) {
  spec = spec_of("chat", "codex");
  spec.mode = Mode::kStream;
  bind_credentials();
  compare("codex-stored-credentials");
}

}  // namespace
}  // namespace fracta::agent
