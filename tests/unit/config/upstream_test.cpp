// Upstream's own config tests by name (shared/reference/fracta-upstream.md §8.2).
#include "unit/config/helpers.hpp"

namespace fracta::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kSeed = R"(runtime:
  backend: kubernetes
  kubernetes:
    namespace: fracta
    image: ghcr.io/darkquasar/fracta:latest
    extra_volumes:
      - name: auth-helpers
        configMap:
          name: fracta-auth-helpers
          defaultMode: 0755
    extra_volume_mounts:
      - name: auth-helpers
        mountPath: /opt/fracta/auth-helpers
        readOnly: true
)";

TEST(UpstreamConfig, ExtraVolumesParse) {
  const Config config = clean(kSeed);
  const Json& volume = (*config.kubernetes.extra_volumes)[0];
  EXPECT_EQ(volume["name"], "auth-helpers");
  EXPECT_EQ(volume["configMap"]["defaultMode"], 493);
  EXPECT_EQ((*config.kubernetes.extra_volume_mounts)[0]["readOnly"], true);
}

TEST(UpstreamConfig, ExtraVolumesEmpty) {
  for (const char* text :
       {"runtime: {backend: kubernetes, kubernetes: {}}",
        "runtime: {backend: kubernetes, kubernetes: {extra_volumes: [], extra_volume_mounts: []}}",
        "runtime: {backend: kubernetes, kubernetes: {extra_volumes: , extra_volume_mounts: null}}"}) {
    const Config config = clean(text);
    EXPECT_EQ(*config.kubernetes.extra_volumes, Json::array());
    EXPECT_EQ(*config.kubernetes.extra_volume_mounts, Json::array());
  }
}

TEST(UpstreamConfig, ExtraVolumesInvalid) {
  EXPECT_THAT(all_text(load("runtime: {kubernetes: {extra_volumes: auth}}")), HasSubstr("kubernetes config"));
  EXPECT_THAT(all_text(load("runtime: {kubernetes: {extra_volume_mounts: {}}}")), HasSubstr("kubernetes config"));
}

TEST(UpstreamConfig, ExtraVolumesMountMismatch) {
  std::string text = kSeed;
  text.replace(text.find("- name: auth-helpers\n        mountPath"), 20, "- name: nonexistent");
  const LoadResult result = load(text);
  EXPECT_FALSE(result.config.has_value());
  EXPECT_THAT(
      lines(result),
      ElementsAre("12:9: runtime.kubernetes.extra_volume_mounts[0].name: "
                  "kubernetes.extra_volume_mounts[].name=\"nonexistent\" references no defined volume; valid names: "
                  "[agent-config, auth-helpers, auth-secret, workspace]"));
}

TEST(UpstreamConfig, ExtraVolumesMountMatchesBuiltin) {
  clean("runtime: {kubernetes: {extra_volume_mounts: [{name: workspace, mountPath: /cache, subPath: cache}]}}");
}

TEST(UpstreamConfig, Connections) {
  const Config config = clean("connections: {falkordb: {type: falkordb, url: '${URL}', graph_name: g, extra: {a: b}}}",
                              {{"URL", "redis://h:6379"}});
  EXPECT_EQ((*config.snapshot)["connections"]["falkordb"]["url"], "redis://h:6379");
  EXPECT_EQ((*config.snapshot)["connections"]["falkordb"]["extra"]["a"], "b");
}

TEST(UpstreamConfig, VariablesResolve) {
  EXPECT_EQ(clean("gateway: {url: 'http://${HOST}:${PORT}'}", {{"HOST", "h"}, {"PORT", "80"}}).gateway_url,
            "http://h:80");
}

TEST(UpstreamConfig, UnsetVariableIsEmpty) {
  const LoadResult result = load("gateway: {url: \"a${NOPE}b\"}");
  ASSERT_TRUE(result.config.has_value());
  EXPECT_EQ(result.config->gateway_url, "ab");
  EXPECT_THAT(
      lines(result),
      ElementsAre("1:16: warning: gateway.url: environment variable NOPE is not set; ${NOPE} becomes an empty text"));
}

TEST(UpstreamConfig, EmptyMapsAndOmittedSections) {
  const Config config = clean("connections: {}\nagents: {agent_runtimes: {}}\nproject:\n");
  EXPECT_THAT(config.agent_runtimes, IsEmpty());
  EXPECT_THAT(config.allowed_tools, IsEmpty());
  EXPECT_EQ(config.default_runtime, "claude");
  EXPECT_EQ(clean("").kubernetes.ns, "fracta");
}

TEST(UpstreamConfig, ProjectAndAgentSections) {
  const Config config = clean(R"yaml(
project: {default_base_branch: main, allowed_tools: ["Bash(*)", Read]}
agents:
  default_runtime: codex
  default_mode: stream
  agent_runtimes:
    codex: {
model:
  gpt - 5, model_tiers : {heavy : h, medium : m, light : l}, kubernetes : {
  image:
    "x:1"
  }
}
    mine: {adapter: command, command: [sh, -c, "echo hi"], credentials: [kube]}
)yaml");
  EXPECT_EQ(config.default_base_branch, "main");
  EXPECT_THAT(config.allowed_tools, ElementsAre("Bash(*)", "Read"));
  EXPECT_EQ(config.default_mode, "stream");
  EXPECT_EQ(config.agent_runtimes.at("codex").adapter, "codex");
  EXPECT_EQ(config.agent_runtimes.at("codex").image, "x:1");
  EXPECT_EQ(config.agent_runtimes.at("codex").model_tiers.at("heavy"), "h");
  EXPECT_THAT(config.agent_runtimes.at("mine").command, ElementsAre("sh", "-c", "echo hi"));
  EXPECT_THAT(config.agent_runtimes.at("mine").credentials, ElementsAre("kube"));
}

TEST(UpstreamConfig, RuntimePrecedenceAndDeprecations) {
  const char* kRuntimes = "runtimes: {b: {}}\n";
  const char* kHosts = "hosts: {c: {}}\n";
  const std::string kCurrent = "agents: {agent_runtimes: {a: {}}}\n";
  const LoadResult all = load(kCurrent + kRuntimes + kHosts);
  EXPECT_EQ(all.config->agent_runtimes.count("a"), 1u);
  EXPECT_EQ(all.config->agent_runtimes.size(), 1u);
  EXPECT_THAT(lines(all),
              ElementsAre("2:1: warning: runtimes: 'runtimes:' config key is deprecated and ignored because "
                          "'agents.agent_runtimes' is set",
                          "3:1: warning: hosts: 'hosts:' config key is deprecated — move entries to "
                          "'agents.agent_runtimes'"));
  const LoadResult old = load(std::string(kRuntimes) + kHosts);
  EXPECT_EQ(old.config->agent_runtimes.count("b"), 1u);
  EXPECT_THAT(all_text(old),
              HasSubstr("'runtimes:' config key is deprecated — move entries to 'agents.agent_runtimes'"));
  EXPECT_EQ(load(kHosts).config->agent_runtimes.count("c"), 1u);
}

TEST(UpstreamConfig, DefaultHostTypeIsDeprecated) {
  const LoadResult result = load("agents: {default_host_type: codex}");
  EXPECT_EQ(result.config->default_runtime, "codex");
  EXPECT_THAT(all_text(result), HasSubstr("'agents.default_host_type' is deprecated — use 'agents.default_runtime'"));
}

TEST(UpstreamConfig, HostEnvForKubernetes) {
  const Config config = clean(R"(
agents: {agent_runtimes: {claude: {kubernetes: {env: [{name: A, value: "1"}, {name: B, secret_ref: {name: s, key: k}}]}}}}
)");
  const auto& env = config.agent_runtimes.at("claude").kubernetes_env;
  ASSERT_EQ(env.size(), 2u);
  EXPECT_EQ(env[0].value, "1");
  EXPECT_EQ(env[1].secret_ref->name, "s");
  EXPECT_EQ(env[1].secret_ref->key, "k");
}

// Upstream demands the key; its own scaffold and the documented example leave it out, so here it has a default.
TEST(UpstreamConfig, StagingDirHasADefault) {
  EXPECT_EQ(clean("profile: kubernetes").staging_dir, "/tmp/fracta-staging");
  EXPECT_EQ(clean("runtime: {backend: kubernetes, staging_dir: /w/s}").staging_dir, "/w/s");
}

TEST(UpstreamConfig, BlocksOfOtherProcessesAreAccepted) {
  clean(R"(
gateway: {url: http://g, listen: ":8080", anything: {a: 1}}
mcp_servers: {servers: {x: {remote: {url: http://x, auth: {type: bearer, token: t}}}}}
registry: {driver: postgres, reconcile_interval: 60s}
authz: {default_role: r}
ontology: {schemas: [{uri: "file:///x"}]}
strategy: {dir: /s, pool_size: 2}
token_store: {driver: memory, password: p}
observability: {heartbeat_interval: 20s, ring_size: 50, exporters: [x]}
)");
}

}  // namespace
}  // namespace fracta::config
