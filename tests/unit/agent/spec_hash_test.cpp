// The AlreadyExists rule compares this hash: equal means "the same agent was asked for twice".
#include "unit/agent/fixture.hpp"

namespace fracta::agent {
namespace {

class SpecHash : public BuildTest {
 protected:
  std::string hash() { return (*built().owner)["metadata"]["annotations"].value(annotations::kSpecHash, ""); }
};

TEST_F(SpecHash, SameRequestAtAnotherTimeUnderAnotherConfigHash) {
  config.reaper_max_age = std::chrono::hours{1};
  config.hash = "one";
  const std::string before = hash();
  spawned_at = "2026-11-22T07:00:00Z";
  config.hash = "two";
  EXPECT_EQ(hash(), before);
  EXPECT_EQ(before.size(), 64u);
}

TEST_F(SpecHash, SecretBytesDoNotCountTheirPresenceDoes) {
  const std::string without = hash();
  auth_secret_data = {{"token", "a"}};
  const std::string with = hash();
  auth_secret_data = {{"token", "b"}};
  EXPECT_EQ(hash(), with);
  EXPECT_NE(with, without);
}

TEST_F(SpecHash, EverythingTheAgentIsCounts) {
  std::set<std::string> seen = {hash()};
  spec.contract = "Do it.";
  EXPECT_TRUE(seen.insert(hash()).second);
  spec.contract = "Do something else.";
  EXPECT_TRUE(seen.insert(hash()).second);
  spec.model = "opus";
  EXPECT_TRUE(seen.insert(hash()).second);
  spec.image = "other:1";
  EXPECT_TRUE(seen.insert(hash()).second);
  spec.requested_by = "somebody else";
  EXPECT_TRUE(seen.insert(hash()).second);
  spec.name = "agent2";
  EXPECT_TRUE(seen.insert(hash()).second);
}

TEST_F(SpecHash, StreamTokensDoNotCount) {
  spec = spec_of("s", "codex");
  spec.mode = Mode::kStream;
  const auto with = [this](std::string token) {
    const auto objects = build({.spec = spec,
                                .config = config,
                                .spawned_at = spawned_at,
                                .stream_token = std::move(token),
                                .auth_secret_data = {},
                                .auth_mount_path = {},
                                .credential_env = {},
                                .credential_files = {}});
    return (*objects->owner)["metadata"]["annotations"][annotations::kSpecHash];
  };
  EXPECT_EQ(with("one"), with("two"));
}

}  // namespace
}  // namespace fracta::agent
