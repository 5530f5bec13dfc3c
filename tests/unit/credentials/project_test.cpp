// From plan to objects' pieces: upstream's "execute" cases (§8.4) and the deliveries that upstream got wrong.
#include "fracta/base/json.hpp"
#include "fracta/credentials/schedule.hpp"
#include "unit/credentials/helpers.hpp"

#include <nlohmann/json.hpp>

namespace fracta::credentials {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr SystemTime kNow{std::chrono::seconds{1'767'225'600}};

struct Made {
  Result<Materialized> values = make_error(ErrorCode::kInternal, "not made");
  Projection projection;
};

class Project : public ::testing::Test {
 protected:
  Made make(const config::AuthProfile& profile, std::vector<config::EnvVar> host_env = {},
            std::optional<std::chrono::nanoseconds> max_run = {}) {
    auto plan = plan_of(profile, std::move(host_env));
    EXPECT_TRUE(plan) << plan.error().message;
    Made made;
    if (!plan) return made;
    made.values = materialize(*plan, source_, now_, {});
    if (made.values) made.projection = project(*plan, *made.values, "fracta-auth-a1", max_run);
    return made;
  }
  static const config::EnvVar* variable(const Projection& projection, const std::string& name) {
    for (const auto& entry : projection.env)
      if (entry.name == name) return &entry;
    return nullptr;
  }
  FakeSource source_;
  SystemTime now_ = kNow;
};

TEST_F(Project, HelperBindingWritesUserSettings) {
  auto profile = profile_with(helper_binding());
  profile.runtime_auth_resolvers["helper"] = resolver({"fetch-vertex-token"}, 300'000);
  profile.env = {{"CLAUDE_CODE_USE_VERTEX", "1"}};
  const auto made = make(profile);
  ASSERT_TRUE(made.values);
  EXPECT_EQ(made.projection.workspace_files.at(".fracta/user-settings.json"),
            "{\n  \"apiKeyHelper\": \"fetch-vertex-token\",\n  \"env\": {\n"
            "    \"CLAUDE_CODE_API_KEY_HELPER_TTL_MS\": \"300000\",\n    \"CLAUDE_CODE_USE_VERTEX\": \"1\"\n  }\n}\n");
  EXPECT_EQ(variable(made.projection, "CLAUDE_CODE_USE_VERTEX")->value, "1");
  EXPECT_THAT(made.projection.secret_data, IsEmpty());
}

TEST_F(Project, TtlDefaultsToAMinute) {
  const auto plan = plan_of(profile_with(helper_binding()));
  EXPECT_THAT(user_settings(*plan), HasSubstr("\"CLAUDE_CODE_API_KEY_HELPER_TTL_MS\": \"60000\""));
}

// Claude Code sets what its settings name: a PATH there would hide the helpers' directories (seen with 2.1.330).
TEST_F(Project, UserSettingsLeavePathToTheEntrypoint) {
  const auto plan = plan_of(profile_with(helper_binding()), {{"PATH", "/usr/bin", {}}, {"REGION", "eu", {}}});
  EXPECT_THAT(user_settings(*plan), AllOf(HasSubstr("REGION"), ::testing::Not(HasSubstr("PATH"))));
}

TEST_F(Project, SecretsOfTheProfilesEnvTravelInTheSecretOnly) {
  auto profile = profile_with(helper_binding());
  profile.env = {{"PROXY_TOKEN", "s3cret"}, {"PLAIN", "p"}};
  profile.secret_env = {"PROXY_TOKEN"};
  const auto made = make(profile);
  EXPECT_THAT(made.projection.workspace_files.at(".fracta/user-settings.json"), ::testing::Not(HasSubstr("s3cret")));
  const auto* entry = variable(made.projection, "PROXY_TOKEN");
  ASSERT_TRUE(entry != nullptr && entry->secret_ref);
  EXPECT_EQ(entry->value, "");
  EXPECT_EQ(made.projection.secret_data.at(entry->secret_ref->key), "s3cret");
}

TEST_F(Project, BearerEnvIsNeverPlain) {
  auto profile = profile_with(bearer("o"));
  profile.auth_origins["o"] = command_origin("any");
  source_.give("o", "  tok-1\n");
  const auto made = make(profile);
  ASSERT_TRUE(made.values) << made.values.error().message;
  const auto* entry = variable(made.projection, "BEARER");
  ASSERT_TRUE(entry != nullptr && entry->secret_ref);
  EXPECT_EQ(entry->secret_ref->name, "fracta-auth-a1");
  EXPECT_EQ(made.projection.secret_data.at(entry->secret_ref->key), "tok-1");  // trimmed
}

TEST_F(Project, BearerEnvFromASecret) {
  auto profile = profile_with(bearer("s"));
  profile.auth_origins["s"] = secret_origin("agent_runtime");
  profile.auth_origins["s"].required = false;
  const auto made = make(profile);
  const auto* entry = variable(made.projection, "BEARER");
  ASSERT_TRUE(entry != nullptr && entry->secret_ref);
  EXPECT_EQ(entry->secret_ref->name + "/" + entry->secret_ref->key, "provider/api-key");
  EXPECT_TRUE(entry->secret_ref->optional);
  EXPECT_THAT(source_.asked, IsEmpty());
}

TEST_F(Project, BearerEnvPassthrough) {
  auto profile = profile_with(bearer(""));
  profile.env = {{"BEARER", "there"}};
  EXPECT_THAT(make(profile).projection.warnings, IsEmpty());
  profile.env.clear();
  EXPECT_THAT(make(profile, {{"BEARER", "", config::SecretKeyRef{"s", "k", false}}}).projection.warnings, IsEmpty());
  EXPECT_THAT(make(profile).projection.warnings, ElementsAre(HasSubstr("BEARER is passed through, but")));
}

TEST_F(Project, BearerEnvByResolverTakesTheSingleSource) {
  auto profile = profile_with(bearer("", "helper"));
  profile.auth_origins = {{"one", command_origin("any")}, {"later", command_origin("agent_runtime")}};
  source_.give("one", "tok");
  const auto made = make(profile);
  ASSERT_NE(variable(made.projection, "BEARER"), nullptr);
  EXPECT_THAT(source_.asked, ElementsAre("one"));
}

TEST_F(Project, BearerEnvByResolverWithOrder) {
  auto profile = profile_with(bearer("", "helper"));
  profile.auth_origins = {{"a", command_origin("any")}, {"b", command_origin("any")}};
  profile.runtime_auth_resolvers["helper"].order = {"b", "a"};
  source_.give("a", "tok-a");
  source_.give("b", "tok-b");
  EXPECT_EQ(make(profile).projection.secret_data.at("env.BEARER"), "tok-b");
}

TEST_F(Project, BearerEnvByResolverAmbiguousIsUnsetWithAWarning) {
  auto profile = profile_with(bearer("", "helper"));
  profile.auth_origins = {{"a", command_origin("any")}, {"b", command_origin("any")}};
  source_.give("a", "tok-a");
  source_.give("b", "tok-b");
  const auto made = make(profile);
  EXPECT_EQ(variable(made.projection, "BEARER"), nullptr);
  EXPECT_THAT(made.projection.warnings, ElementsAre(HasSubstr("several auth_origins give a token")));
}

TEST_F(Project, TokenFilesKeepTheirBytesAndGoWhereTheyBelong) {
  auto profile = profile_with(file("a"));
  profile.auth_origins = {{"a", command_origin("any", "/creds/one/token")},
                          {"b", command_origin("any", "/creds/two/token")},
                          {"c", command_origin("any", "plain")},
                          {"s", secret_origin()}};
  profile.auth_origins["s"].delivery = "file_mount";
  profile.auth_origins["s"].path = "/creds/two/key";
  source_.give("a", "one\n");
  source_.give("b", "two");
  source_.give("c", "three");
  const auto made = make(profile);
  ASSERT_TRUE(made.values) << made.values.error().message;
  std::map<std::string, std::string> content;
  for (const auto& delivered : made.projection.files)
    content[delivered.path] = delivered.secret.empty() ? made.projection.secret_data.at(delivered.key)
                                                       : delivered.secret + "/" + delivered.key;
  EXPECT_EQ(content,
            (std::map<std::string, std::string>{
                {"/creds/one/token", "one\n"}, {"/creds/two/token", "two"}, {"/creds/two/key", "provider/api-key"}}));
  EXPECT_EQ(made.projection.secret_data.at("plain"), "three");  // /var/run/fracta-auth shows the Secret itself
}

TEST_F(Project, RuntimeOnlyAndUnavailableGiveDiagnosticsAndNoData) {
  auto profile = profile_with(helper_binding());
  profile.auth_origins = {{"later", command_origin("agent_runtime", "/c/t")},
                          {"never", command_origin("moon", "/c/u")}};
  const auto plan = plan_of(profile);
  EXPECT_THAT(plan->diagnostics, UnorderedElementsAre(HasSubstr("\"later\" is resolved inside the agent"),
                                                      HasSubstr("\"never\" is unavailable")));
  const auto made = make(profile);
  ASSERT_TRUE(made.values);
  EXPECT_THAT(made.projection.secret_data, IsEmpty());
  EXPECT_THAT(source_.asked, IsEmpty());
}

TEST_F(Project, ABoundOriginThatCannotBeResolvedHereIsRefused) {
  auto profile = profile_with(bearer("later"));
  profile.auth_origins["later"] = command_origin("agent_runtime");
  const auto made = make(profile);
  ASSERT_FALSE(made.values);
  EXPECT_THAT(made.values.error().message, HasSubstr("required source \"later\" failed: scope \"agent_runtime\""));
}

TEST_F(Project, DryRunNeverExecutesAndYieldsNoSecrets) {
  auto profile = profile_with(bearer("o"));
  profile.auth_origins["o"] = command_origin("any");
  const auto plan = plan_of(profile);
  const auto values = materialize_dry(*plan);
  ASSERT_TRUE(values);
  EXPECT_THAT(values->tokens, IsEmpty());
  const auto projection = project(*plan, *values, "fracta-auth-a1", {});
  EXPECT_EQ(projection.secret_data.at("env.BEARER"), "<dry-run>");  // the objects have their real shape
}

TEST_F(Project, RequiredFailureIsAnErrorOptionalAWarning) {
  auto profile = profile_with(bearer("o"));
  profile.auth_origins["o"] = command_origin("any");
  source_.fail("o", "command \"fetch\" ended with exit code 3");
  const auto refused = make(profile);
  ASSERT_FALSE(refused.values);
  EXPECT_EQ(refused.values.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(refused.values.error().message, "required source \"o\" failed: command \"fetch\" ended with exit code 3");
  profile.auth_origins["o"].required = false;
  const auto warned = make(profile);
  ASSERT_TRUE(warned.values);
  EXPECT_THAT(warned.projection.warnings, ElementsAre(HasSubstr("optional source \"o\" failed")));
  EXPECT_EQ(variable(warned.projection, "BEARER"), nullptr);
}

TEST_F(Project, AssertionsFailTogether) {
  auto profile = profile_with(helper_binding());
  profile.env = {{"FORBIDDEN", ""}, {"EMPTY", ""}, {"OK", "1"}};
  profile.auth_origins["o"] = command_origin("moon");
  profile.assertions = {{"OK", "EMPTY", "MISSING"}, {"FORBIDDEN"}, {"o"}, {"WISH"}};
  const auto made = make(profile);
  ASSERT_FALSE(made.values);
  EXPECT_EQ(made.values.error().message,
            "credential assertions failed: require_env EMPTY is not set or empty; require_env MISSING is not set or "
            "empty; forbid_env FORBIDDEN is set; require_source o is unavailable");
  profile.assertions = {{"BEARER_FROM_SECRET"}, {}, {}, {"WISH"}};
  const auto passed = make(profile, {{"BEARER_FROM_SECRET", "", config::SecretKeyRef{"s", "k", false}}});
  ASSERT_TRUE(passed.values) << passed.values.error().message;
  EXPECT_THAT(passed.projection.warnings, ElementsAre("warn_if_missing_env WISH is not set or empty"));
}

TEST_F(Project, FilesWithAnExpiryCarryTheirSchedule) {
  auto profile = profile_with(file("o"));
  profile.auth_origins["o"] = command_origin("any", "/creds/token");
  Token token;
  token.value = "t";
  token.obtained_at = kNow;
  token.expires_at = kNow + 1h;
  source_.answers.insert_or_assign("o", token);
  const auto made = make(profile);
  const auto schedule = read_schedule(made.projection.secret_annotations);
  ASSERT_TRUE(schedule);
  EXPECT_EQ(schedule->expires_at, kNow + 1h);
  EXPECT_EQ(schedule->refresh_at, kNow + 48min);
  EXPECT_EQ(made.projection.secret_annotations.at("fracta.io/auth-profile"), "p");
  EXPECT_THAT(made.projection.warnings, IsEmpty());
}

TEST_F(Project, ACredentialThatCannotBeRenewedIsWarnedAbout) {
  auto profile = profile_with(bearer("o"));
  profile.auth_origins["o"] = command_origin("any");
  Token token;
  token.value = "t";
  token.obtained_at = kNow;
  token.expires_at = kNow + 1h;
  source_.answers.insert_or_assign("o", token);
  EXPECT_THAT(make(profile, {}, 30min).projection.warnings, IsEmpty());
  EXPECT_THAT(make(profile, {}, 2h).projection.warnings, ElementsAre(HasSubstr("expires at 2026-01-01T01:00:00Z")));
  EXPECT_THAT(make(profile).projection.warnings, ElementsAre(HasSubstr("it has no deadline")));
}

// A token that several agents share has lived for a while when the last of them gets it.
TEST_F(Project, OfATokenThatIsUsedAgainTheRestOfItsLifeCounts) {
  auto profile = profile_with(bearer("o"));
  profile.auth_origins["o"] = command_origin("any");
  Token token;
  token.value = "t";
  token.obtained_at = kNow;
  token.expires_at = kNow + 1h;
  source_.answers.insert_or_assign("o", token);
  now_ = kNow + 45min;
  EXPECT_THAT(make(profile, {}, 14min).projection.warnings, IsEmpty());
  EXPECT_THAT(make(profile, {}, 30min).projection.warnings, ElementsAre(HasSubstr("expires at 2026-01-01T01:00:00Z")));
}

TEST_F(Project, WhatNoVariableCanHoldIsRefusedThereAndFineInAFile) {
  for (const std::string binary : {"\xff\xfe token", "to\x01ken"}) {
    source_.give("o", binary);
    auto variable = profile_with(bearer("o"));
    variable.auth_origins["o"] = command_origin("any");
    const auto refused = make(variable);
    ASSERT_FALSE(refused.values);
    EXPECT_THAT(refused.values.error().message, HasSubstr("required source \"o\" failed: what it printed"));
    auto as_file = profile_with(file("o"));
    as_file.auth_origins["o"] = command_origin("any", "/creds/token");
    EXPECT_TRUE(make(as_file).values);
  }
}

// kubernetes.env with a value in plain text, or from a ${VARIABLE} of the controlplane.
TEST(HostEnv, SecretsInPlainTextTravelInTheSecretOnly) {
  config::AgentRuntime runtime;
  runtime.kubernetes_env = {{"API_TOKEN", "old", {}},
                            {"REGION", "eu", {}},
                            {"API_TOKEN", "abc", {}},
                            {"OTHER_TOKEN", "plain", {}},
                            {"OTHER_TOKEN", "", config::SecretKeyRef{"s", "k", false}}};
  runtime.secret_env = {"API_TOKEN", "OTHER_TOKEN"};
  Projection projection;
  project_secret_host_env(runtime, "fracta-auth-a1", false, projection);
  EXPECT_EQ(projection.secret_data, (std::map<std::string, std::string>{{"env.API_TOKEN", "abc"}}));
  ASSERT_EQ(projection.env.size(), 1U);
  EXPECT_EQ(projection.env[0].secret_ref->name, "fracta-auth-a1");
  EXPECT_EQ(projection.env[0].value, "");
  Projection bound;
  bound.env = {{"API_TOKEN", "", config::SecretKeyRef{"fracta-auth-a1", "env.API_TOKEN", false}}};
  project_secret_host_env(runtime, "fracta-auth-a1", true, bound);
  EXPECT_THAT(bound.secret_data, IsEmpty()) << "the binding's";
}

TEST_F(Project, UserSettingsHoldNoSecretOfTheRuntime) {
  auto profile = profile_with(helper_binding());
  PlanInput input{.runtime = "shell",
                  .adapter = "command",
                  .profile_name = "p",
                  .profile = &profile,
                  .runtime_binding = {},
                  .host_env = {{"FROM_VARIABLE", "abc", {}}, {"REGION", "eu", {}}},
                  .host_secret_env = {"FROM_VARIABLE"}};
  const auto text = user_settings(*build_plan(input));
  EXPECT_THAT(text, HasSubstr("REGION"));
  EXPECT_THAT(text, Not(HasSubstr("FROM_VARIABLE")));
}

TEST_F(Project, ALifeShorterThanTheWayIntoThePodIsWarnedAbout) {
  auto profile = profile_with(file("o"));
  profile.auth_origins["o"] = command_origin("any", "/creds/token");
  Token token;
  token.value = "t";
  token.obtained_at = kNow;
  token.expires_at = kNow + 60s;
  source_.answers.insert_or_assign("o", token);
  EXPECT_THAT(make(profile).projection.warnings, ElementsAre(HasSubstr("its token lives 1m0s")));
}

}  // namespace
}  // namespace fracta::credentials
