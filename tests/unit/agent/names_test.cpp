#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fracta/agent/spec.hpp"
#include "fracta/base/text.hpp"

namespace fracta::agent {
namespace {

TEST(ValidateName, AcceptsUpstreamsNames) {
  for (const char* name : {"a", "Agent_1", "0", "review-42", "a_-"}) EXPECT_TRUE(validate_name(name).ok()) << name;
  EXPECT_TRUE(validate_name(std::string(64, 'a')).ok());
}

TEST(ValidateName, RefusesOthersInUpstreamsWords) {
  for (const std::string& name :
       {std::string(), std::string("-a"), std::string("_a"), std::string("a b"), std::string("a/b"), std::string("a.b"),
        std::string("ä"), std::string(65, 'a'), std::string("a\n")}) {
    EXPECT_FALSE(validate_name(name).ok()) << name;
  }
  EXPECT_EQ(validate_name("a b").error().message,
            "invalid task name \"a b\": must match ^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$");
}

TEST(AgentId, KeepsAFittingDnsLabel) {
  for (const char* name : {"agent1", "review-42", "0", "a-b-c", "deadbeef"}) EXPECT_EQ(agent_id(name), name);
  EXPECT_EQ(agent_id(std::string(40, 'a')), std::string(40, 'a'));
}

TEST(AgentId, HashesEverythingElse) {
  EXPECT_THAT(agent_id("Review_42"), testing::MatchesRegex("review-42-[0-9a-f]+"));
  EXPECT_NE(agent_id("Review_42"), agent_id("review_42"));
  EXPECT_NE(agent_id("a_b"), agent_id("a-b"));
  EXPECT_NE(agent_id(std::string(41, 'a')), agent_id(std::string(42, 'a')));
  EXPECT_THAT(agent_id("a-"), testing::MatchesRegex("a-[0-9a-f]+"));
}

// The attack that CVE-2020-15110 was: take the object name of somebody else.
TEST(AgentId, ANameThatLooksHashedIsHashedAgain) {
  const std::string victim = agent_id("Review_42");
  EXPECT_TRUE(validate_name(victim).ok());
  EXPECT_NE(agent_id(victim), victim);
}

TEST(AgentId, IsInjectiveAndAlwaysALabel) {
  std::mt19937 random(42);
  const std::string letters = "abcAB01_-";  // few letters, so that names are near one another
  std::set<std::string> names;
  while (names.size() < 20'000) {
    std::string name(1 + random() % 64, 'a');
    for (std::size_t i = 0; i < name.size(); ++i) name[i] = letters[random() % (i == 0 ? 7 : letters.size())];
    names.insert(name);
    names.insert(agent_id(name));  // what an attacker would try
  }
  std::set<std::string> ids;
  for (const std::string& name : names) {
    const std::string id = agent_id(name);
    EXPECT_LE(id.size(), kMaxIdLength);
    EXPECT_TRUE(is_dns1123_label(id)) << id;
    EXPECT_TRUE(ids.insert(id).second) << name;
    EXPECT_LE(job_name(id).size() + 6, 63u);  // the pods' label job-name, and their names
  }
}

TEST(ObjectNames, AreTheDesigns) {
  EXPECT_EQ(job_name("x"), "fracta-agent-x");
  EXPECT_EQ(stream_pod_name("x"), "fracta-stream-x");
  EXPECT_EQ(config_map_name("x"), "fracta-config-x");
  EXPECT_EQ(auth_secret_name("x"), "fracta-auth-x");
}

TEST(ResolveModel, ExplicitThenTierThenRuntimeThenNone) {
  config::AgentRuntime runtime;
  EXPECT_EQ(*resolve_model(runtime, "", ""), "");
  runtime.model = "base";
  runtime.model_tiers["heavy"] = "big";
  EXPECT_EQ(*resolve_model(runtime, "", ""), "base");
  EXPECT_EQ(*resolve_model(runtime, "", "heavy"), "big");
  EXPECT_EQ(*resolve_model(runtime, "mine", "heavy"), "mine");
}

TEST(ResolveModel, RefusesInUpstreamsWords) {
  const config::AgentRuntime runtime;
  EXPECT_EQ(resolve_model(runtime, "", "huge").error().message,
            "invalid tier \"huge\": must be one of [heavy medium light]");
  EXPECT_EQ(resolve_model(runtime, "", "light").error().message, "tier \"light\" not configured in model_tiers");
}

TEST(ResolveModel, AModelIsNeverAFlag) {
  const config::AgentRuntime runtime;
  EXPECT_FALSE(resolve_model(runtime, "--dangerously-skip-permissions", "").ok());
  EXPECT_FALSE(resolve_model(runtime, "a b", "").ok());
  EXPECT_TRUE(resolve_model(runtime, "anthropic/claude-sonnet-4-6[1m]", "").ok());
}

}  // namespace
}  // namespace fracta::agent
