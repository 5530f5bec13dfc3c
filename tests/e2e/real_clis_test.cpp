// The agent CLIs themselves, each with the credential its page of docs/credentials.md gives it, against a model that
// says "pong" and remembers with which key it was asked. Skipped where a CLI is not there.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>

#include "e2e/tools.hpp"
#include "e2e/world.hpp"
#include "fracta/net/http_server.hpp"

namespace fracta::e2e {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kMessages =
    "event: message_start\ndata: "
    "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":"
    "\"assistant\",\"model\":\"stub\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":"
    "{\"input_tokens\":1,\"output_tokens\":1}}}\n\n"
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
    "{\"type\":\"text\",\"text\":\"\"}}\n\n"
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
    "{\"type\":\"text_delta\",\"text\":\"pong\"}}\n\n"
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\","
    "\"stop_sequence\":null},\"usage\":{\"output_tokens\":1}}\n\n"
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

constexpr const char* kResponses =
    "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r1\"}}\n\n"
    "event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":"
    "{\"type\":\"message\",\"role\":\"assistant\",\"id\":\"m1\",\"status\":\"completed\",\"content\":"
    "[{\"type\":\"output_text\",\"text\":\"pong\",\"annotations\":[]}]}}\n\n"
    "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r1\",\"usage\":"
    "{\"input_tokens\":1,\"input_tokens_details\":null,\"output_tokens\":1,\"output_tokens_details\":null,"
    "\"total_tokens\":2}}}\n\n";

constexpr const char* kCompletions =
    "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":"
    "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"pong\"},\"finish_reason\":null}]}\n\n"
    "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":"
    "[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,"
    "\"completion_tokens\":1,\"total_tokens\":2}}\n\ndata: [DONE]\n\n";

// The three model APIs these CLIs speak.
class Model {
 public:
  Model() {
    auto created = net::HttpServer::create({}, [this](const net::ServerRequest& request) { return answer(request); });
    if (created) server_ = *std::move(created);
    if (server_) server_->start();
  }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
  // "METHOD: header: value"
  [[nodiscard]] std::vector<std::string> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  net::ServerResponse answer(const net::ServerRequest& request) {
    const std::lock_guard lock(mutex_);
    for (const auto& name : {"authorization", "x-api-key"})
      if (auto value = request.headers.get(name); value)
        seen_.push_back(request.method + ": " + name + ": " + std::string(*value));
    for (const auto& [path, body] : std::map<std::string, const char*>{
             {"/messages", kMessages}, {"/responses", kResponses}, {"/chat/completions", kCompletions}}) {
      if (request.method != "POST" || request.path.find(path) == std::string::npos) continue;
      net::ServerResponse answer;
      answer.headers.add("Content-Type", "text/event-stream");
      answer.body = body;
      return answer;
    }
    return net::ServerResponse::json(request.path.find("/responses") == std::string::npos ? 200 : 404, "{}");
  }

  std::mutex mutex_;
  std::vector<std::string> seen_;
  std::unique_ptr<net::HttpServer> server_;
};

class RealClis : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    write_program("deployment/auth-helpers/fetch-vertex-token", "#!/bin/sh\necho helper-token-1234\n");
    package_helpers();
  }
  // The program named by `variable`, else `name` on PATH; its directory becomes /tools.
  void find_cli(const char* variable, const char* name, const char* package) {
    const char* given = std::getenv(variable);
    const char* search = std::getenv("PATH");
    cli_ = given != nullptr && *given != '\0' ? given : find_on_path(name, search != nullptr ? search : "");
    if (!cli_.empty()) return;
    std::cerr << "\n*** SKIPPED: no " << name << " CLI. Set " << variable << " to the binary of npm's " << package
              << " to run this test. ***\n\n";
    GTEST_SKIP() << "no " << name << " CLI (" << variable << ", or on PATH)";
  }
  // A runtime of the CLI's name with `settings` and `variables`, and what else the configuration needs.
  void configure(const std::string& runtime, const std::string& settings, std::map<std::string, std::string> variables,
                 const std::string& rest, const std::string& extras = "") {
    variables.emplace("PATH", kToolsPath);
    variables.emplace("HOME", "/workspace/home");
    std::string env;
    for (const auto& [name, value] : variables) env += "          - {name: " + name + ", value: '" + value + "'}\n";
    std::string volumes = with_tools(std::filesystem::path(cli_).parent_path());
    volumes.insert(volumes.find("    extra_volume_mounts:\n"), extras.substr(0, extras.find('|')));
    if (!extras.empty()) volumes += extras.substr(extras.find('|') + 1);
    write_config(volumes, "    " + runtime + ":\n" + settings + "      kubernetes:\n        env:\n" + env + rest);
  }
  void run_agent(const std::string& runtime) {
    const auto spawned = fracta({"spawn", "real", "--runtime", runtime, "--contract", "Say pong."});
    ASSERT_EQ(spawned.exit_code, 0) << spawned.standard_error;
    const auto waited = fracta({"wait", "real", "--timeout", "90s"});
    log_ = fracta({"logs", "real"}).standard_output;
    ASSERT_EQ(waited.exit_code, 0) << waited.standard_error << log_;
  }

  Model model_;
  std::string cli_, log_;
};

// A key in a Secret of the namespace, as OPENAI_API_KEY.
constexpr const char* kStoredKey = R"(auth:
  credentials:
    profiles:
      openai:
        auth_origins:
          stored: {type: secret_env, scope: any, env_name: OPENAI_API_KEY, secret_ref: {name: openai, key: api-key}}
        default_binding: {type: bearer_env, auth_origin: stored, env_name: OPENAI_API_KEY}
)";

TEST_F(RealClis, ClaudeCodeAuthenticatesWithTheHelpersToken) {
  find_cli("FRACTA_CLAUDE_CLI", "claude", "@anthropic-ai/claude-code");
  if (IsSkipped()) return;
  configure("claude", "      auth_profile: direct\n",
            {{"ANTHROPIC_BASE_URL", model_.url()},
             {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"},
             {"DISABLE_AUTOUPDATER", "1"},
             {"DISABLE_TELEMETRY", "1"},
             {"DISABLE_ERROR_REPORTING", "1"}},
            R"(auth:
  credentials:
    profiles:
      direct:
        runtime_auth_resolvers:
          helper: {type: command, command: fetch-vertex-token, ttl_ms: 60000}
        default_binding: {type: claude_api_key_helper, runtime_auth_resolver: helper}
)");
  start_controlplane();
  run_agent("claude");
  EXPECT_THAT(log_, AllOf(HasSubstr("user-settings.json present=true"), HasSubstr("\"result\":\"pong\"")));
  EXPECT_THAT(model_.seen(), Contains("POST: authorization: Bearer helper-token-1234"));
  EXPECT_THAT(model_.seen(), Contains("POST: x-api-key: helper-token-1234"));
}

TEST_F(RealClis, CodexAuthenticatesWithTheStoredKey) {
  find_cli("FRACTA_CODEX_CLI", "codex", "@openai/codex-linux-x64");
  if (IsSkipped()) return;
  ASSERT_EQ(kubectl_n({"create", "secret", "generic", "openai", "--from-literal=api-key=sk-stored-1"}).exit_code, 0);
  // Its address of the model is a setting of its own: a ConfigMap beside what Fracta mounts.
  ASSERT_EQ(kubectl_n({"create", "configmap", "codex-home",
                       "--from-literal=config.toml=openai_base_url = \"" + model_.url() + "/v1\""})
                .exit_code,
            0);
  configure("codex", "      auth_profile: openai\n", {{"HOME", "/home/agent"}}, kStoredKey,
            "      - {name: codex-home, configMap: {name: codex-home}}\n|"
            "      - {name: codex-home, mountPath: /home/agent/.codex/config.toml, subPath: config.toml}\n");
  start_controlplane();
  run_agent("codex");
  EXPECT_THAT(log_, HasSubstr("\"type\":\"agent_message\",\"text\":\"pong\""));
  EXPECT_THAT(model_.seen(), Contains("POST: authorization: Bearer sk-stored-1"));
}

// A conversation: the key has to be where `codex app-server` looks for it before somebody connects.
TEST_F(RealClis, CodexServesConversationsWithTheStoredKey) {
  find_cli("FRACTA_CODEX_CLI", "codex", "@openai/codex-linux-x64");
  if (IsSkipped()) return;
  ASSERT_EQ(kubectl_n({"create", "secret", "generic", "openai", "--from-literal=api-key=sk-stored-1"}).exit_code, 0);
  configure("codex", "      auth_profile: openai\n", {}, kStoredKey);
  start_controlplane();
  const auto spawned = fracta({"spawn", "chat", "--runtime", "codex", "--mode", "stream"});
  ASSERT_EQ(spawned.exit_code, 0) << spawned.standard_error;
  EXPECT_TRUE(eventually([&] {
    const auto pod =
        kubectl_n({"get", "pod", "fracta-stream-chat", "-o", "jsonpath={.status.containerStatuses[0].ready}"});
    return pod.standard_output == "true";
  })) << kubectl_n({"describe", "pod", "fracta-stream-chat"}).standard_output
      << kubectl_n({"logs", "fracta-stream-chat"}).standard_output;
  const auto key =
      kubectl_n({"exec", "fracta-stream-chat", "--", "sh", "-c",
                 "stat -c %a ${CODEX_HOME:-$HOME/.codex}/auth.json; cat ${CODEX_HOME:-$HOME/.codex}/auth.json"});
  EXPECT_THAT(key.standard_output, AllOf(StartsWith("600\n"), HasSubstr("sk-stored-1"))) << key.standard_error;
}

TEST_F(RealClis, OpenCodeAuthenticatesWithTheStoredKey) {
  find_cli("FRACTA_OPENCODE_CLI", "opencode", "opencode-linux-x64");
  if (IsSkipped()) return;
  ASSERT_EQ(kubectl_n({"create", "secret", "generic", "openai", "--from-literal=api-key=sk-stored-1"}).exit_code, 0);
  configure(
      "opencode", "      model: stub/m\n      auth_profile: openai\n",
      {{"OPENCODE_DISABLE_AUTOUPDATE", "1"},
       {"OPENCODE_CONFIG_CONTENT", R"({"provider":{"stub":{"npm":"@ai-sdk/openai-compatible","options":{"baseURL":")" +
                                       model_.url() + R"(/v1","apiKey":"{env:OPENAI_API_KEY}"},"models":{"m":{}}}}})"}},
      kStoredKey);
  start_controlplane();
  run_agent("opencode");
  EXPECT_THAT(log_, HasSubstr("\"text\":\"pong\""));
  EXPECT_THAT(model_.seen(), Contains("POST: authorization: Bearer sk-stored-1"));
}

}  // namespace
}  // namespace fracta::e2e
