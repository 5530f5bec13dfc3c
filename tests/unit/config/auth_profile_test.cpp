#include "unit/config/helpers.hpp"

namespace fracta::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

std::string with_profile(const std::string& body) { return "auth: {credentials: {profiles: {p: {" + body + "}}}}\n"; }

TEST(AuthProfiles, AFullProfileParses) {
  const Config config = clean(R"(
auth:
  credentials:
    profiles:
      bedrock:
        auth_origins:
          sts: {type: command_output, scope: host_edge, command: [aws, sts], delivery: file_mount, path: /c/t, required: false}
          web: {type: http_header_token, scope: any, request: {method: GET, url: http://x, headers: {A: b}}, extract: {header: T}}
          env: {type: secret_env, scope: agent_runtime, env_name: X, secret_ref: {name: s, key: k}}
        runtime_auth_resolvers:
          helper: {type: command, command: fetch-bedrock-token, ttl_ms: 60000}
        env: {CLAUDE_CODE_USE_BEDROCK: 1, AWS_REGION: us-east-1, FLAG: true}
        default_binding: {type: claude_api_key_helper, runtime_auth_resolver: helper}
        assertions: {require_env: [AWS_REGION], forbid_env: [AWS_SECRET_ACCESS_KEY], require_source: [sts], warn_if_missing_env: [Q]}
agents:
  agent_runtimes:
    claude: {auth_profile: bedrock}
    codex: {auth_profile: bedrock, auth_binding: {type: token_file, auth_origin: sts}}
)");
  const AuthProfile& profile = config.auth_profiles.at("bedrock");
  EXPECT_THAT(profile.auth_origins.at("sts").command, ElementsAre("aws", "sts"));
  EXPECT_FALSE(profile.auth_origins.at("sts").required);
  EXPECT_TRUE(profile.auth_origins.at("web").required);
  EXPECT_EQ(profile.auth_origins.at("web").extract_header, "T");
  EXPECT_EQ(profile.auth_origins.at("env").secret_ref->key, "k");
  EXPECT_THAT(profile.runtime_auth_resolvers.at("helper").command, ElementsAre("fetch-bedrock-token"));
  EXPECT_EQ(profile.runtime_auth_resolvers.at("helper").ttl_ms, 60000);
  EXPECT_EQ(profile.env.at("CLAUDE_CODE_USE_BEDROCK"), "1");
  EXPECT_EQ(profile.env.at("FLAG"), "true");
  EXPECT_EQ(profile.default_binding->runtime_auth_resolver, "helper");
  EXPECT_EQ(config.agent_runtimes.at("codex").auth_binding->auth_origin, "sts");
}

TEST(AuthProfiles, BearerEnvWithoutAnySourceIsAPassthrough) {
  clean(with_profile("default_binding: {type: bearer_env, env_name: TOKEN}"));
}

struct Rejection {
  const char* body;
  const char* message;  // behind "auth.credentials.profiles.p"
};

TEST(AuthProfiles, RejectionsHaveUpstreamsWords) {
  const std::string ok =
      "auth_origins: {o: {type: command_output, scope: any, command: c}}, "
      "runtime_auth_resolvers: {r: {type: command, command: c}}, ";
  const std::vector<Rejection> cases = {
      {"auth_origins: {o: {type: http_header_token, scope: any, extract: {header: h}}}",
       ".auth_origins.o: http_header_token requires request"},
      {"auth_origins: {o: {type: http_header_token, scope: any, request: {url: u}}}",
       ".auth_origins.o: http_header_token requires extract"},
      {"auth_origins: {o: {type: command_output, scope: any}}", ".auth_origins.o: command_output requires command"},
      {"auth_origins: {o: {type: secret_env, scope: any, secret_ref: {name: s, key: k}}}",
       ".auth_origins.o: secret_env requires env_name"},
      {"auth_origins: {o: {type: secret_env, scope: any, env_name: E}}",
       ".auth_origins.o: secret_env requires secret_ref"},
      {"auth_origins: {o: {scope: any}}", ".auth_origins.o: type must not be empty"},
      {"auth_origins: {o: {type: magic, scope: any}}",
       ".auth_origins.o: unknown source type \"magic\"; valid: http_header_token, command_output, secret_env"},
      {"auth_origins: {o: {type: command_output, command: c}}", ".auth_origins.o: scope must not be empty"},
      {"auth_origins: {o: {type: command_output, command: c, scope: moon}}",
       ".auth_origins.o: unknown scope \"moon\"; valid: agent_runtime, host_edge, any"},
      {"runtime_auth_resolvers: {r: {type: command}}", ".runtime_auth_resolvers.r: command must not be empty"},
      {"runtime_auth_resolvers: {r: {command: c, order: [x]}}",
       ".runtime_auth_resolvers.r: order references auth_origin \"x\" which is not defined"},
      {"default_binding: {type: claude_api_key_helper}",
       ": claude_api_key_helper binding requires runtime_auth_resolver"},
      {"default_binding: {type: claude_api_key_helper, runtime_auth_resolver: x}",
       ": binding references runtime_auth_resolver \"x\" which is not defined"},
      {"OKdefault_binding: {type: bearer_env, env_name: E, auth_origin: o, runtime_auth_resolver: r}",
       ": bearer_env binding must have exactly one of auth_origin or runtime_auth_resolver"},
      {"OKdefault_binding: {type: bearer_env, auth_origin: o}", ": bearer_env binding requires env_name"},
      {"default_binding: {type: bearer_env, env_name: E, auth_origin: x}",
       ": binding references auth_origin \"x\" which is not defined"},
      {"default_binding: {type: bearer_env, env_name: E, runtime_auth_resolver: x}",
       ": binding references runtime_auth_resolver \"x\" which is not defined"},
      {"default_binding: {type: token_file}", ": token_file binding requires auth_origin"},
      {"default_binding: {env_name: E}", ": binding type must not be empty"},
      {"default_binding: {type: psychic}", ": unknown binding type \"psychic\""},
      {"assertions: {require_source: [x]}",
       ".assertions: require_source references auth_origin \"x\" which is not defined"},
  };
  for (const Rejection& item : cases) {
    std::string body = item.body;
    if (body.rfind("OK", 0) == 0) body = ok + body.substr(2);
    SCOPED_TRACE(body);
    const LoadResult result = load(with_profile(body));
    EXPECT_FALSE(result.config.has_value());
    EXPECT_THAT(lines(result), Contains(EndsWith(" auth.credentials.profiles.p" + std::string(item.message))));
  }
}

TEST(AuthProfiles, ACommandIsATextOrAListOfTexts) {
  EXPECT_THAT(all_text(load(with_profile("auth_origins: {o: {type: command_output, scope: any, command: {a: b}}}"))),
              HasSubstr("command must be a string or list of strings"));
}

TEST(AuthProfiles, AllErrorsOfAllProfilesAreReported) {
  const LoadResult result =
      load("auth: {credentials: {profiles: {a: {default_binding: {type: x}}, b: {default_binding: {type: y}}}}}");
  EXPECT_THAT(all_text(result), HasSubstr("profiles.a: unknown binding type \"x\""));
  EXPECT_THAT(all_text(result), HasSubstr("profiles.b: unknown binding type \"y\""));
}

TEST(AuthProfiles, ARuntimeMustNameADefinedProfile) {
  EXPECT_THAT(lines(load("agents: {agent_runtimes: {claude: {auth_profile: nope}}}")),
              ElementsAre("1:36: agents.agent_runtimes.claude.auth_profile: runtime \"claude\" references auth_profile "
                          "\"nope\" which is not defined in auth.credentials.profiles"));
}

TEST(AuthProfiles, ABindingOfARuntimeIsCheckedAtLoad) {
  const std::string text = with_profile("auth_origins: {}") +
                           "agents: {agent_runtimes: {claude: {auth_profile: p, auth_binding: {type: token_file}}}}";
  EXPECT_THAT(all_text(load(text)), HasSubstr("agents.agent_runtimes.claude: token_file binding requires auth_origin"));
}

TEST(AuthProfiles, ValuesTheApiServerWouldRefuseAreToldAtLoad) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"auth_origins: {o: {type: command_output, scope: any, command: c, path: /etc/token}}",
       "profiles.p.auth_origins.o.path: \"/etc/token\": the credential's directory is mounted as a whole"},
      {"auth_origins: {o: {type: command_output, scope: any, command: c, path: ../x}}", "without empty steps or"},
      {"auth_origins: {o: {type: command_output, scope: any, command: c, path: a/b}}",
       "must be absolute, or the bare name"},
      {"auth_origins: {o: {type: command_output, scope: any, command: c, ttl_ms: -1}}", "ttl_ms: must not be negative"},
      {"auth_origins: {o: {type: command_output, scope: any, command: c, pass_env: ['A B']}}",
       "Invalid value: \"A B\""},
      {"auth_origins: {o: {type: secret_env, scope: any, env_name: 1=x, secret_ref: {name: s, key: k}}}",
       "o.env_name: Invalid value"},
      {"auth_origins: {o: {type: secret_env, scope: any, env_name: E, secret_ref: {name: S_, key: 'a/b'}}}",
       "o.secret_ref.key: Invalid value: \"a/b\""},
      {"auth_origins: {o: {type: http_header_token, scope: any, request: {url: 'ftp://x'}, extract: {header: h}}}",
       "o.request.url: must begin with http:// or https://"},
      {"auth_origins: {o: {type: http_header_token, scope: any, request: {url: 'http://x'}, extract: {}}}",
       "names no header of the answer"},
      {"env: {'A B': x}", "Invalid value: \"A B\""},
      {"default_binding: {type: bearer_env, env_name: 'A=B'}", "default_binding.env_name: Invalid value"}};
  for (const auto& [body, message] : cases) {
    const LoadResult result = load(with_profile(body));
    EXPECT_FALSE(result.config.has_value()) << body;
    EXPECT_THAT(all_text(result), HasSubstr(message)) << body;
  }
}

TEST(AuthProfiles, SecretsInARuntimesEnvAreKnownTheSameWay) {
  const Config config = *load(
                             "agents: {agent_runtimes: {claude: {kubernetes: {env: [{name: API_TOKEN, value: x}, "
                             "{name: PLAIN, value: '${MY_TOKEN}'}, {name: REGION, value: eu}, "
                             "{name: K_TOKEN, secret_ref: {name: s, key: k}}]}}}}\n",
                             {{"MY_TOKEN", "t"}})
                             .config;
  EXPECT_THAT(config.agent_runtimes.at("claude").secret_env, ElementsAre("API_TOKEN", "PLAIN"));
}

TEST(AuthProfiles, AnUnknownDeliveryIsAWarningThatNamesTheOthers) {
  const LoadResult result =
      load(with_profile("auth_origins: {o: {type: command_output, scope: any, command: c, delivery: file}}"));
  EXPECT_TRUE(result.config);
  EXPECT_THAT(all_text(result), HasSubstr("unknown delivery \"file\"; valid: file_mount, env, staged_secret"));
}

TEST(AuthProfiles, SecretsInTheEnvAreKnownByTheirNameOrTheirVariable) {
  const Config config =
      *load(with_profile("env: {API_TOKEN: x, PLAIN: ${MY_TOKEN}, REGION: eu}"), {{"MY_TOKEN", "t"}}).config;
  EXPECT_THAT(config.auth_profiles.at("p").secret_env, ElementsAre("API_TOKEN", "PLAIN"));
}

}  // namespace
}  // namespace fracta::config
