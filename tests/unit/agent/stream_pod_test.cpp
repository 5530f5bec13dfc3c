#include "unit/agent/fixture.hpp"

#include "fracta/agent/adapter.hpp"
#include "fracta/base/text.hpp"

namespace fracta::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class StreamPod : public BuildTest {
 protected:
  StreamPod() {
    spec = spec_of("chat", "codex");
    spec.mode = Mode::kStream;
  }
};

TEST_F(StreamPod, Codex) {
  const AgentObjects objects = built();
  EXPECT_TRUE(objects.is_stream());
  const Json pod = *objects.owner;
  EXPECT_EQ(pod["kind"], "Pod");
  EXPECT_EQ(pod["metadata"]["name"], "fracta-stream-chat");
  EXPECT_EQ(pod["metadata"]["labels"]["fracta-stream-pod"], "true");
  EXPECT_EQ(pod["metadata"]["labels"]["fracta-agent-id"], "chat");
  EXPECT_EQ(pod["spec"]["restartPolicy"], "Never");
  const Json container = main_container();
  EXPECT_FALSE(container.contains("command"));
  // Today's Codex wants the token in a file (shared/reference/agent-clis.md).
  EXPECT_THAT(container["args"], ElementsAre("codex", "app-server", "--listen", "ws://0.0.0.0:8080", "--ws-auth",
                                             "capability-token", "--ws-token-file", "/var/run/fracta-auth/stream-token",
                                             "-c", R"(projects={"/workspace/agents/chat"={trust_level="trusted"}})"));
  EXPECT_EQ(container["ports"], Json::array({{{"name", "serve"}, {"containerPort", 8080}, {"protocol", "TCP"}}}));
  EXPECT_EQ(container["readinessProbe"],
            Json({{"tcpSocket", {{"port", 8080}}}, {"initialDelaySeconds", 5}, {"periodSeconds", 10}}));
  EXPECT_FALSE(container.contains("livenessProbe"));
  EXPECT_EQ(init_container()["name"], "workspace-init");
}

TEST_F(StreamPod, OpenCode) {
  spec.runtime = "opencode";
  const Json container = main_container();
  EXPECT_THAT(container["args"], ElementsAre("opencode", "serve", "--port", "4096", "--hostname", "0.0.0.0"));
  EXPECT_EQ(container["readinessProbe"],
            Json({{"tcpSocket", {{"port", 4096}}}, {"initialDelaySeconds", 3}, {"periodSeconds", 5}}));
  EXPECT_EQ(
      dump_json(container["env"]),
      R"([{"name":"OPENCODE_SERVER_PASSWORD","valueFrom":{"secretKeyRef":{"key":"stream-token","name":"fracta-auth-chat"}}}])");
}

TEST_F(StreamPod, TheTokenIsInTheSecretAndNowhereElse) {
  for (const char* runtime : {"codex", "opencode"}) {
    spec.runtime = runtime;
    const AgentObjects objects = built();
    ASSERT_NE(objects.secret, nullptr);
    EXPECT_EQ((*objects.secret)["data"][kStreamTokenKey], base64_encode("the-token"));
    EXPECT_THAT(dump_json(*objects.owner), Not(HasSubstr("the-token")));
    EXPECT_THAT(dump_json(*objects.config_map), Not(HasSubstr("the-token")));
    // Owner first: the pod must wait for it.
    EXPECT_EQ((*objects.owner)["spec"]["volumes"][2]["secret"]["optional"], false);
    set_owner(*objects.secret, *objects.owner, "u");
    EXPECT_EQ((*objects.secret)["metadata"]["ownerReferences"][0]["kind"], "Pod");
    EXPECT_EQ((*objects.secret)["metadata"]["ownerReferences"][0]["apiVersion"], "v1");
  }
}

TEST_F(StreamPod, AnOperatorsPasswordDoesNotLockTheSessionOut) {
  spec.runtime = "opencode";
  config.agent_runtimes["opencode"].kubernetes_env = {{"OPENCODE_SERVER_PASSWORD", "mine", {}}};
  EXPECT_TRUE(main_container()["env"][0].contains("valueFrom"));
}

TEST_F(StreamPod, CredentialsAndTokenShareTheSecret) {
  auth_secret_data = {{"kube.token", "t"}};
  EXPECT_EQ((*built().secret)["data"].size(), 2u);
}

TEST_F(StreamPod, ClaudeIsRefused) {
  spec.runtime = "claude";
  EXPECT_EQ(error(), "unsupported runtime \"claude\" for K8s stream mode");
}

TEST_F(StreamPod, CommandNeedsAnArgv) {
  spec.runtime = "tool";
  EXPECT_EQ(error(), "unsupported runtime \"tool\" for K8s stream mode");
  config.agent_runtimes["tool"].command = {"my-server"};
  const Json container = main_container();
  EXPECT_THAT(container["args"], ElementsAre("my-server"));
  EXPECT_EQ(container["ports"][0]["containerPort"], 8080);
}

TEST_F(StreamPod, NeedsAToken) {
  const auto objects = build({.spec = spec,
                              .config = config,
                              .spawned_at = {},
                              .stream_token = {},
                              .auth_secret_data = {},
                              .auth_mount_path = {},
                              .credential_env = {},
                              .credential_files = {}});
  EXPECT_FALSE(objects.ok());
}

TEST_F(StreamPod, SpawnStreamPodWithExtraVolumes) {
  add_extras();
  const Json pod = pod_spec();
  EXPECT_EQ(pod["volumes"].back()["name"], "auth-helpers");
  EXPECT_EQ(pod["containers"][0]["volumeMounts"].back()["name"], "auth-helpers");
  EXPECT_THAT(names_of(pod["initContainers"][0]["volumeMounts"]), ElementsAre("workspace", "agent-config"));
}

TEST_F(StreamPod, ActiveDeadlineIsThePodsAndAnAnnotation) {
  spec.active_deadline_seconds = 600;
  config.reaper_max_age = std::chrono::hours{1};
  const Json pod = *built().owner;
  EXPECT_EQ(pod["spec"]["activeDeadlineSeconds"], 600);
  EXPECT_EQ(pod["metadata"]["annotations"]["fracta.io/deadline"], "2026-11-21T20:10:00Z");
}

}  // namespace
}  // namespace fracta::agent
