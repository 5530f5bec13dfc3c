// `fracta agent check`: what it finds in a container, and that no credential is in its answer.
#include "fracta/runner/check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"

namespace fracta::runner {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class Check : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TemporaryDirectory::create();
    ASSERT_TRUE(made);
    directory_.emplace(std::move(*made));
    options_.workspace = *directory_ / "workspace";
    options_.home = *directory_ / "home";
    options_.auth_helpers_directory = *directory_ / "mounted";
    fs::create_directories(options_.workspace + "/.fracta/auth-helpers");
    fs::create_directories(options_.home + "/.claude");
    fs::create_directories(options_.auth_helpers_directory);
  }
  void project(const std::string& command, bool install = true) const {
    const std::string text = R"({"apiKeyHelper": ")" + command +
                             R"(", "env": {"CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "300000", "WHO": "agent"}})";
    std::ofstream(options_.workspace + "/.fracta/user-settings.json") << text;
    if (install) std::ofstream(options_.home + "/.claude/settings.json") << text;
  }
  static void script(const std::string& path, const std::string& text, mode_t mode = 0755) {
    std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
    chmod(path.c_str(), mode);
  }
  [[nodiscard]] std::string mounted(const std::string& name) const {
    return options_.auth_helpers_directory + "/" + name;
  }
  std::optional<TemporaryDirectory> directory_;
  CheckOptions options_;
};

TEST_F(Check, AnEmptyContainerIsDescribedAsOne) {
  const Json found = check_container(options_);
  EXPECT_EQ(found["settings"], Json({{"projected", false}, {"installed", false}, {"current", false}}));
  EXPECT_EQ(found["helpers"], Json::array());
  EXPECT_FALSE(found.contains("run"));
}

TEST_F(Check, TheHelperOfTheSettingsIsLookedUpAsTheAgentWould) {
  project("fetch-token --quiet");
  script(mounted("fetch-token"), "echo t");
  script(options_.workspace + "/.fracta/auth-helpers/fetch-token", "echo own");
  script(mounted("forgotten"), "echo t", 0644);
  const Json found = check_container(options_);
  EXPECT_EQ(found["settings"]["current"], true);
  EXPECT_EQ(found["settings"]["helper"], "fetch-token");
  EXPECT_EQ(found["settings"]["helper_path"], options_.workspace + "/.fracta/auth-helpers/fetch-token");
  EXPECT_EQ(found["settings"]["helper_shadows"], Json::array({mounted("fetch-token")}));
  EXPECT_EQ(found["helpers"], Json::array({"fetch-token"}));
  EXPECT_EQ(found["not_executable"], Json::array({"forgotten"}));
}

// The image has the directory on its PATH, and the entrypoint puts it in front once more.
TEST_F(Check, ADirectoryThatIsTwiceOnThePathShadowsNothing) {
  project("fetch-token");
  script(mounted("fetch-token"), "echo t");
  const char* path = std::getenv("PATH");
  const std::string before = path == nullptr ? "" : path;
  ::setenv("PATH", (options_.auth_helpers_directory + ":" + before).c_str(), 1);
  const Json found = check_container(options_);
  ::setenv("PATH", before.c_str(), 1);
  EXPECT_EQ(found["settings"]["helper_path"], mounted("fetch-token"));
  EXPECT_FALSE(found["settings"].contains("helper_shadows"));
}

TEST_F(Check, SettingsThatTheAgentChangedAreNotCurrent) {
  project("fetch-token", false);
  std::ofstream(options_.home + "/.claude/settings.json") << "{}";
  const Json found = check_container(options_);
  EXPECT_EQ(found["settings"]["installed"], true);
  EXPECT_EQ(found["settings"]["current"], false);
  EXPECT_EQ(found["settings"]["helper_path"], "");
}

TEST_F(Check, RunReportsTheLifeAndNeverTheToken) {
  project("fetch-token");
  script(mounted("fetch-token"), "echo \"very-secret-$WHO\"");
  options_.run = true;
  Json found = check_container(options_);
  EXPECT_EQ(found["run"]["ok"], true) << dump_json(found);
  EXPECT_THAT(found["run"]["expires_at"].get<std::string>(), HasSubstr("T"));
  EXPECT_THAT(dump_json(found), Not(HasSubstr("very-secret")));
  script(mounted("fetch-token"), "echo tok-4711-abc; echo 'refused: tok-4711-abc' >&2; exit 3");
  found = check_container(options_);
  EXPECT_EQ(found["run"]["ok"], false);
  EXPECT_THAT(found["run"]["error"].get<std::string>(), HasSubstr("exit code 3: refused: <redacted>"));
}

TEST_F(Check, AHelperThatPrintsForEverIsStopped) {
  project("fetch-token");
  script(mounted("fetch-token"), "exec yes token");
  options_.run = true;
  EXPECT_THAT(check_container(options_)["run"]["error"].get<std::string>(), HasSubstr("it printed more than 65536"));
}

TEST_F(Check, TokenFilesAreMeasuredNotRead) {
  std::ofstream(*directory_ / "token") << "12345";
  options_.files = {*directory_ / "token", *directory_ / "gone"};
  const Json found = check_container(options_);
  EXPECT_EQ(found["files"][0]["size"], 5);
  EXPECT_GE(found["files"][0]["age_seconds"].get<int>(), 0);
  EXPECT_EQ(found["files"][1]["error"], "No such file or directory");
}

}  // namespace
}  // namespace fracta::runner
