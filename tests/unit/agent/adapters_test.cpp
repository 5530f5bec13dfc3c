#include "agent/adapters/adapters.hpp"

#include "unit/agent/fixture.hpp"

namespace fracta::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Adapters : public BuildTest {
 protected:
  Json data() { return (*built().config_map)["data"]; }
  Json args() { return main_container()["args"]; }
};

TEST_F(Adapters, Registry) {
  EXPECT_THAT(adapter_names(), ElementsAre("claude", "codex", "command", "opencode"));
  for (const std::string& name : adapter_names()) {
    ASSERT_NE(find_adapter(name), nullptr);
    EXPECT_EQ(find_adapter(name)->name(), name);
  }
  EXPECT_EQ(find_adapter("gemini"), nullptr);
}

TEST_F(Adapters, ClaudeCommand) {
  spec.contract = "Do it.";
  EXPECT_THAT(args(), ElementsAre("claude", "-p", "Read CLAUDE.md and carry out the task it describes.",
                                  "--output-format", "json", "--permission-mode", "dontAsk"));
  spec.model = "opus";
  EXPECT_EQ(args()[7], "--model");
  EXPECT_EQ(args()[8], "opus");
}

TEST_F(Adapters, ClaudeFiles) {
  config.allowed_tools = {"Bash(git *)", "Read"};
  config.gateway_url = "http://gateway:8080/";
  EXPECT_EQ(Json::parse(data()["dot-claude--settings.json"].get<std::string>()),
            Json({{"permissions", {{"allow", Json::array({"Bash(git *)", "Read"})}}}}));
  const Json mcp = {{"mcpServers", {{"fracta", {{"type", "http"}, {"url", "http://gateway:8080/agents/agent1/mcp"}}}}}};
  EXPECT_EQ(Json::parse(data()["dot-mcp.json"].get<std::string>()), mcp);
}

TEST_F(Adapters, ClaudeWithoutGatewayAndTools) {
  EXPECT_EQ(data()["dot-mcp.json"], "{}\n");
  EXPECT_EQ(Json::parse(data()["dot-claude--settings.json"].get<std::string>()),
            Json({{"permissions", {{"allow", Json::array()}}}}));
}

TEST_F(Adapters, EmptyContractIsThePromptOfTheName) {
  EXPECT_FALSE(data().contains("CLAUDE.md"));
  EXPECT_EQ(args()[2], "agent1");
  spec.runtime = "codex";
  EXPECT_EQ(args().back(), "agent1");
  EXPECT_FALSE(data().contains("AGENTS.md"));
  spec.runtime = "opencode";
  EXPECT_EQ(args().back(), "agent1");
}

TEST_F(Adapters, CodexCommand) {
  spec.runtime = "codex";
  spec.contract = "Do it.";
  spec.model = "gpt-5";
  EXPECT_THAT(args(),
              ElementsAre("codex", "exec", "--json", "--sandbox", "workspace-write", "--skip-git-repo-check", "-c",
                          R"(projects={"/workspace/agents/agent1"={trust_level="trusted"}})", "--model", "gpt-5",
                          "You are the agent \"agent1\". Read AGENTS.md and carry out the task it describes."));
}

// Seen with 0.169.0: `exec` reads CODEX_API_KEY, `app-server` only what `codex login` wrote.
TEST_F(Adapters, CodexGetsTheKeyThatOthersCallByItsUsualName) {
  spec.runtime = "codex";
  const config::EnvVar key{"OPENAI_API_KEY", "", config::SecretKeyRef{"openai", "api-key", false}};
  credential_env = {key};
  Json env = main_container()["env"];
  const Json from = {{"secretKeyRef", {{"name", "openai"}, {"key", "api-key"}}}};
  EXPECT_THAT(env, testing::Contains(Json({{"name", "CODEX_API_KEY"}, {"valueFrom", from}})));
  EXPECT_THAT(env, testing::Contains(Json({{"name", "OPENAI_API_KEY"}, {"valueFrom", from}})));

  credential_env.push_back({"CODEX_API_KEY", "", config::SecretKeyRef{"other", "api-key", false}});
  env = main_container()["env"];
  EXPECT_EQ(env[0]["valueFrom"]["secretKeyRef"]["name"], "other") << "what is given itself stays";

  spec.mode = Mode::kStream;
  credential_env = {key};
  EXPECT_THAT(main_container()["args"].dump(),
              AllOf(HasSubstr(R"(["sh","-c","printenv OPENAI_API_KEY | codex login --with-api-key)"),
                    HasSubstr(R"("codex","app-server")")));
}

TEST_F(Adapters, CodexWorkspaceArtifacts) {
  spec.runtime = "codex";
  spec.contract = "Do it.";
  config.gateway_url = "http://gw";
  const Json files = data();
  EXPECT_THAT(files["dot-codex--config.toml"].get<std::string>(),
              HasSubstr("[mcp_servers.fracta]\nurl = \"http://gw/agents/agent1/mcp\"\n"));
  EXPECT_THAT(files["AGENTS.md"].get<std::string>(), HasSubstr("Do it."));
  const std::string script = init_container()["command"][2];
  EXPECT_THAT(script, HasSubstr("mkdir -p /workspace/agents/agent1 /workspace/agents/agent1/.codex"));
  EXPECT_THAT(script, HasSubstr("cp /etc/fracta/dot-codex--config.toml /workspace/agents/agent1/.codex/config.toml"));
}

TEST_F(Adapters, OpenCodeCommandAndFiles) {
  spec.runtime = "opencode";
  spec.contract = "Do it.";
  spec.model = "anthropic/claude";
  config.gateway_url = "http://gw";
  EXPECT_THAT(args(), ElementsAre("opencode", "run", "--format", "json", "--model", "anthropic/claude",
                                  "You are the agent \"agent1\". Read AGENTS.md and carry out the task it describes."));
  const Json settings = Json::parse(data()["opencode.json"].get<std::string>());
  EXPECT_EQ(settings["mcp"]["fracta"]["url"], "http://gw/agents/agent1/mcp");
  EXPECT_EQ(settings["mcp"]["fracta"]["type"], "remote");
}

TEST_F(Adapters, CommandTakesAnyArgv) {
  spec = spec_of("agent1", "tool");
  EXPECT_THAT(error(), HasSubstr("runtime \"tool\" has no command"));
  config.agent_runtimes["tool"].command = {"my-agent", "--go"};
  EXPECT_THAT(args(), ElementsAre("my-agent", "--go"));
  spec.command = {"/bin/other"};
  EXPECT_THAT(args(), ElementsAre("/bin/other"));
}

TEST_F(Adapters, CommandFindsItsTask) {
  spec = spec_of("Agent_1", "tool");
  spec.command = {"x"};
  spec.contract = "Do it.";
  const std::string id = agent_id("Agent_1");
  const Json env = main_container()["env"];
  EXPECT_EQ(env[0], Json({{"name", "FRACTA_AGENT_NAME"}, {"value", "Agent_1"}}));
  EXPECT_EQ(env[1], Json({{"name", "FRACTA_AGENT_ID"}, {"value", id}}));
  EXPECT_EQ(env[2], Json({{"name", "FRACTA_TASK_FILE"}, {"value", "/workspace/agents/" + id + "/TASK.md"}}));
  EXPECT_THAT(data()["TASK.md"].get<std::string>(), HasSubstr("Do it."));
}

// As upstream: batch agents of the known CLIs get no variables of Fracta's own.
TEST_F(Adapters, NoVariablesOfOurOwnForTheKnownClis) {
  for (const char* runtime : {"claude", "codex", "opencode"}) {
    spec.runtime = runtime;
    EXPECT_FALSE(main_container().contains("env")) << runtime;
  }
}

TEST_F(Adapters, UserSettingsOfACredentialBindingReplaceNothingElse) {
  credential_files[".fracta/user-settings.json"] = "{\"apiKeyHelper\": \"x\"}\n";
  EXPECT_EQ(data()["dot-fracta--user-settings.json"], "{\"apiKeyHelper\": \"x\"}\n");
  EXPECT_TRUE(data().contains("dot-claude--settings.json"));
  credential_files[".mcp.json"] = "{\"own\": 1}";
  EXPECT_EQ(data()["dot-mcp.json"], "{\"own\": 1}");
}

}  // namespace
}  // namespace fracta::agent
