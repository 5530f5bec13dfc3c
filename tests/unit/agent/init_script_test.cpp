#include "agent/build/init_script.hpp"

#include <sys/wait.h>
#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/adapters/adapters.hpp"
#include "fracta/base/file.hpp"

namespace fracta::agent {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const std::string kDir = "/workspace/agents/a";

TEST(BuildInitScript, Claude) {
  const std::string script =
      init_script(kDir, {workspace_file(".claude/settings.json", ""), workspace_file(".mcp.json", ""),
                         workspace_file(".fracta/user-settings.json", ""), workspace_file("CLAUDE.md", "")});
  EXPECT_THAT(script,
              StartsWith("mkdir -p /workspace/agents/a /workspace/agents/a/.claude /workspace/agents/a/.fracta && "));
  EXPECT_THAT(script, HasSubstr("cp /etc/fracta/dot-claude--settings.json /workspace/agents/a/.claude/settings.json"));
  EXPECT_THAT(script, HasSubstr("cp /etc/fracta/dot-mcp.json /workspace/agents/a/.mcp.json"));
  EXPECT_THAT(
      script,
      HasSubstr("cp /etc/fracta/dot-fracta--user-settings.json /workspace/agents/a/.fracta/user-settings.json"));
  EXPECT_THAT(script, HasSubstr("cp /etc/fracta/CLAUDE.md /workspace/agents/a/CLAUDE.md"));
}

TEST(BuildInitScript, Codex) {
  const std::string script =
      init_script(kDir, {workspace_file("AGENTS.md", ""), workspace_file(".codex/config.toml", "")});
  EXPECT_THAT(script, StartsWith("mkdir -p /workspace/agents/a /workspace/agents/a/.codex && "));
  EXPECT_THAT(script, HasSubstr("cp /etc/fracta/dot-codex--config.toml /workspace/agents/a/.codex/config.toml"));
}

TEST(BuildInitScript, OpenCode) {
  const std::string script = init_script(kDir, {workspace_file("opencode.json", "")});
  EXPECT_EQ(script, "mkdir -p /workspace/agents/a && cp /etc/fracta/opencode.json /workspace/agents/a/opencode.json");
}

TEST(BuildInitScript, FlatAndNested) {
  const std::string script =
      init_script("/w", {workspace_file("a/b/c.txt", ""), workspace_file("a/d.txt", ""), workspace_file("e.txt", "")});
  EXPECT_THAT(script, StartsWith("mkdir -p /w /w/a /w/a/b && "));
  EXPECT_THAT(script, HasSubstr("cp /etc/fracta/a--b--c.txt /w/a/b/c.txt"));
}

TEST(BuildInitScript, Empty) { EXPECT_EQ(init_script(kDir, {}), ""); }

// Upstream hides copy failures and starts an agent without its task.
TEST(BuildInitScript, AFailingStepFailsTheScript) {
  auto directory = TemporaryDirectory::create();
  ASSERT_TRUE(directory.ok());
  const std::string script = init_script(directory->path(), {workspace_file("no-such-file", "")});
  const int status = std::system(("sh -c " + shell_quote(script) + " 2>/dev/null").c_str());
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) != 0);
}

TEST(BuildInitScript, PathsAreWordsAndNeverCode) {
  auto directory = TemporaryDirectory::create();
  ASSERT_TRUE(directory.ok());
  const std::string odd = *directory / "it's $(touch owned); `x` \"y\" && z";
  const int status = std::system(("sh -c " + shell_quote(init_script(odd, {}, {odd + "/.home"}))).c_str());
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(std::filesystem::is_directory(odd + "/.home"));
}

TEST(ConfigMapKey, IsUpstreamsMapping) {
  EXPECT_EQ(config_map_key(".claude/settings.json"), "dot-claude--settings.json");
  EXPECT_EQ(config_map_key(".mcp.json"), "dot-mcp.json");
  EXPECT_EQ(config_map_key(".fracta/user-settings.json"), "dot-fracta--user-settings.json");
  EXPECT_EQ(config_map_key(".codex/config.toml"), "dot-codex--config.toml");
  EXPECT_EQ(config_map_key("AGENTS.md"), "AGENTS.md");
}

}  // namespace
}  // namespace fracta::agent
