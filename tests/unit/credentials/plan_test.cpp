// Upstream's planning cases by name (shared/reference/fracta-upstream.md §8.4), and what is stricter here.
#include "unit/credentials/helpers.hpp"

namespace fracta::credentials {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string error_of(const config::AuthProfile& profile) {
  const auto plan = plan_of(profile);
  return plan ? "no error" : plan.error().message;
}

TEST(Phases, TheTableOfBothTopologies) {
  struct Row {
    const char* scope;
    const char* edge;
    const char* cluster;
  };
  for (const Row& row : {Row{"host_edge", "prepare_now", "unavailable"},
                         Row{"agent_runtime", "runtime_only", "runtime_only"}, Row{"any", "prepare_now", "prepare_now"},
                         Row{"moon", "unavailable", "unavailable"}, Row{"", "unavailable", "unavailable"}}) {
    EXPECT_EQ(to_string(phase_of(row.scope, Topology::kHostEdge)), row.edge) << row.scope;
    EXPECT_EQ(to_string(phase_of(row.scope, Topology::kInCluster)), row.cluster) << row.scope;
  }
}

TEST(BuildPlan, AllOriginsStayInThePlan) {
  auto profile = profile_with(helper_binding());
  profile.auth_origins = {{"a", command_origin("host_edge")},
                          {"b", command_origin("agent_runtime")},
                          {"c", command_origin("any")},
                          {"d", command_origin("moon")}};
  const auto plan = plan_of(profile, {}, Topology::kInCluster);
  ASSERT_TRUE(plan) << plan.error().message;
  std::vector<std::string> phases;
  for (const auto& planned : plan->origins)
    phases.push_back(planned.name + " " + std::string(to_string(planned.phase)));
  EXPECT_THAT(phases, ElementsAre("a unavailable", "b runtime_only", "c prepare_now", "d unavailable"));
}

TEST(BuildPlan, NilProfile) {
  const auto plan = build_plan({});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().message, "credential profile is nil");
}

TEST(BuildPlan, NoBinding) {
  config::AuthProfile profile;
  EXPECT_EQ(error_of(profile), "credential profile \"p\": no binding (neither host override nor default_binding)");
}

TEST(BuildPlan, UnknownResolver) {
  auto profile = profile_with({"claude_api_key_helper", "ghost", "", ""});
  EXPECT_EQ(error_of(profile), "credential profile \"p\": binding references unknown runtime_auth_resolver \"ghost\"");
}

TEST(BuildPlan, HelperBindingNeedsACommand) {
  auto profile = profile_with(helper_binding());
  profile.runtime_auth_resolvers["helper"].command.clear();
  EXPECT_EQ(error_of(profile), "claude_api_key_helper binding requires a resolver with a command");
}

TEST(BuildPlan, DeprecatedOrderStillBuilds) {
  auto profile = profile_with(bearer("", "helper"));
  profile.auth_origins["a"] = command_origin("any");
  profile.runtime_auth_resolvers["helper"].order = {"a"};
  const auto plan = plan_of(profile);
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->warnings, ElementsAre(HasSubstr("order is deprecated")));
}

TEST(BuildPlan, HostBindingOverridesAndItsResolverIsNilWhenItHasNone) {
  auto profile = profile_with(helper_binding());
  profile.auth_origins["o"] = command_origin("any");
  const auto plan = build_plan({.runtime = "shell",
                                .adapter = "command",
                                .profile_name = "p",
                                .profile = &profile,
                                .runtime_binding = bearer("o"),
                                .host_env = {},
                                .workspace_mount_path = "/workspace",
                                .topology = Topology::kHostEdge});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->binding.type, "bearer_env");
  EXPECT_TRUE(plan->binding_of_runtime);
  EXPECT_FALSE(plan->resolver);
}

TEST(BuildPlan, HostEnvOverridesProfileEnvAndSecretsStayOut) {
  auto profile = profile_with(helper_binding());
  profile.env = {{"REGION", "from-profile"}, {"KEEP", "k"}, {"HIDDEN", "plain"}};
  const auto plan =
      plan_of(profile,
              {{"REGION", "from-host", {}}, {"HIDDEN", "", config::SecretKeyRef{"s", "k", false}}, {"EXTRA", "e", {}}});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->env, (config::StringMap{{"EXTRA", "e"}, {"KEEP", "k"}, {"REGION", "from-host"}}));
  // What kubernetes.env takes from a Secret wins over a plain profile value of the same name.
  EXPECT_EQ(plan->profile_env, (config::StringMap{{"KEEP", "k"}}));
}

// kubernetes.env describes the container; a command of the controlplane would not find its programs or files with it.
TEST(BuildPlan, CommandsSeeTheProfilesEnvAndNothingOfTheContainer) {
  auto profile = profile_with(helper_binding());
  profile.env = {{"REGION", "eu"}, {"PATH", "/agent"}};
  const auto plan = plan_of(profile, {{"HOME", "/workspace", {}}, {"REGION", "us", {}}});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->command_env, (config::StringMap{{"REGION", "eu"}}));
}

TEST(BuildPlan, CodexDoesNotReadApiKeyHelper) {
  auto profile = profile_with(helper_binding());
  PlanInput input;
  input.runtime = input.adapter = "codex";
  input.profile_name = "p";
  input.profile = &profile;
  const auto plan = build_plan(input);
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->warnings, ElementsAre(HasSubstr("codex does not read apiKeyHelper")));
}

TEST(Deliveries, EveryDirectoryGetsItsFilesAndEqualNamesDifferentKeys) {
  auto profile = profile_with(file("a"));
  profile.auth_origins = {{"a", command_origin("any", "/creds/one/token")},
                          {"b", command_origin("any", "/creds/two/token")},
                          {"c", command_origin("any", "/var/run/fracta-auth/token")},
                          {"d", command_origin("any", "bare")}};
  const auto plan = plan_of(profile);
  ASSERT_TRUE(plan) << plan.error().message;
  std::map<std::string, std::string> keys;
  for (const auto& planned : plan->origins) keys[planned.file] = planned.file_key;
  EXPECT_EQ(keys.at("/var/run/fracta-auth/token"), "token");  // the Secret is mounted there as it is
  EXPECT_EQ(keys.at("/var/run/fracta-auth/bare"), "bare");
  EXPECT_NE(keys.at("/creds/one/token"), keys.at("/creds/two/token"));
  EXPECT_NE(keys.at("/creds/one/token"), "token");
}

TEST(Deliveries, ATokenFileWithoutPathIsNamedAfterItsOrigin) {
  auto profile = profile_with(file("gcp"));
  profile.auth_origins["gcp"] = command_origin("any");
  const auto plan = plan_of(profile);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->origins[0].file, "/var/run/fracta-auth/gcp");
}

TEST(Deliveries, PathsThatWouldHideTheImageAreRefused) {
  for (const char* path : {"/etc/token", "/token", "/usr/token", "/opt/fracta/auth-helpers/token", "/workspace/token",
                           "/proc/self/token", "/etc/fracta/token", "../token", "/creds/../etc/token", "/creds//token",
                           "/creds/", "a/b", "/var/run/fracta-auth/sub/token", "/creds/..data"}) {
    auto profile = profile_with(file("o"));
    profile.auth_origins["o"] = command_origin("any", path);
    EXPECT_THAT(error_of(profile), HasSubstr("auth_origin \"o\": path")) << path;
  }
}

TEST(Deliveries, TwoOriginsForOneFileAreRefused) {
  auto profile = profile_with(file("a"));
  profile.auth_origins = {{"a", command_origin("any", "/creds/token")}, {"b", command_origin("any", "/creds/token")}};
  EXPECT_THAT(error_of(profile), HasSubstr("auth_origin \"a\" is delivered to the same file"));
}

TEST(Deliveries, AnOriginNobodyReadsIsNotRun) {
  auto profile = profile_with(helper_binding());
  profile.auth_origins["idle"] = command_origin("any");
  const auto plan = plan_of(profile);
  ASSERT_TRUE(plan);
  EXPECT_FALSE(plan->origins[0].is_run());
}

TEST(PlanFor, RuntimeWithoutProfileHasNoCredentials) {
  config::Config config;
  config.agent_runtimes["shell"].adapter = "command";
  const auto plan = plan_for(config, "shell");
  ASSERT_TRUE(plan);
  EXPECT_FALSE(plan->has_value());
}

TEST(PlanFor, MissingProfileHasUpstreamsWords) {
  config::Config config;
  config.agent_runtimes["shell"].auth_profile = "ghost";
  const auto plan = plan_for(config, "shell");
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().message,
            "runtime \"shell\" references auth_profile \"ghost\" which is not defined in auth.credentials.profiles");
}

TEST(ShellCommand, ASingleTextStaysAListIsQuoted) {
  EXPECT_EQ(shell_command({"fetch --now | tr a b"}), "fetch --now | tr a b");
  EXPECT_EQ(shell_command({"fetch", "--audience", "a b", "it's", ""}), "fetch --audience 'a b' 'it'\\''s' ''");
}

}  // namespace
}  // namespace fracta::credentials
