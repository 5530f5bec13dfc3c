#include "unit/config/helpers.hpp"

namespace fracta::config {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Expand, AValueCannotChangeTheStructure) {
  const std::string evil = "x\nruntime: {backend: local}\n- a: [b, &c {d: *c}] # \" '";
  const Config config =
      clean("gateway: {url: '${EVIL}', listen: \"${EVIL}\"}\ncontrol_plane_api: {url: ${EVIL}}", {{"EVIL", evil}});
  EXPECT_EQ(config.gateway_url, evil);
  EXPECT_EQ(config.gateway_listen, evil);
  EXPECT_EQ(config.control_plane_url, evil);
  EXPECT_EQ(config.backend, "kubernetes");
}

TEST(Expand, HappensOnceOnly) {
  EXPECT_EQ(clean("gateway: {url: '${A}'}", {{"A", "${B}"}, {"B", "no"}}).gateway_url, "${B}");
}

TEST(Expand, APlainValueGetsItsTypeFromTheNewText) {
  EXPECT_EQ(clean("runtime: {queue: {workers: ${N}}}", {{"N", "8"}}).queue_workers, 8);
  EXPECT_THAT(all_text(load("runtime: {queue: {workers: '${N}'}}", {{"N", "8"}})), HasSubstr("not a text"));
  EXPECT_TRUE(clean("runtime: {kubernetes: {automount_service_account_token: ${B}}}", {{"B", "yes"}})
                  .kubernetes.automount_service_account_token);
}

TEST(Expand, CommentsAndOtherDollarsAreLeftAlone) {
  const Config config = clean("# ${NOT_SET}\ngateway: {url: 'a$B${}${1}$${X}${x-y}${'} # ${NEITHER}\n", {{"X", "1"}});
  EXPECT_EQ(config.gateway_url, "a$B${}${1}$1${x-y}${");
}

TEST(Expand, KeysAreExpandedToo) {
  EXPECT_EQ(clean("agents: {agent_runtimes: {'${R}': {}}}", {{"R", "codex"}}).agent_runtimes.count("codex"), 1u);
}

TEST(Expand, AMergeKeyIsNotMadeByAVariable) {
  const LoadResult result = load("runtime: {'${M}': {backend: local}}", {{"M", "<<"}});
  EXPECT_EQ(result.config->backend, "kubernetes");
}

TEST(Expand, ManyVariablesInOneValueDoNotExhaustMemory) {
  std::string text = "gateway: {url: '";
  for (int i = 0; i < 50'000; ++i) text += "${BIG}";
  EXPECT_FALSE(load(text + "'}", {{"BIG", std::string(100'000, 'x')}}).config.has_value());
}

TEST(Expand, InvalidUtf8OfAVariableIsRefused) {
  EXPECT_THAT(all_text(load("gateway: {url: '${A}'}", {{"A", "\xFF"}})), HasSubstr("A is not valid UTF-8"));
}

TEST(Secrets, AreNotInDiagnostics) {
  const Variables variables = {{"MY_TOKEN", "hunter2"}, {"PLAIN", "s3cretvalue"}};
  const LoadResult result = load(R"(
runtime:
  backend: "${PLAIN}"
  state: {driver: "x${MY_TOKEN}", postgres: {max_conn_lifetime: "${MY_TOKEN}"}}
  kubernetes: {namespace: "${MY_TOKEN}", labels: {a: "${MY_TOKEN}!"}, extra_volumes: [{name: "${MY_TOKEN}_"}]}
agents: {default_mode: "${MY_TOKEN}"}
)",
                                 variables);
  EXPECT_GE(result.diagnostics.size(), 6u);
  EXPECT_THAT(all_text(result), Not(HasSubstr("hunter2")));
  EXPECT_THAT(all_text(result), Not(HasSubstr("s3cretvalue")));
  EXPECT_THAT(all_text(result), HasSubstr("${MY_TOKEN}"));
}

TEST(Secrets, AreNotInTheEffectiveConfigurationOrTheSnapshot) {
  const Config config = clean(R"(
runtime: {state: {driver: postgres, postgres: {dsn: "postgres://u:dsnpw@h/db"}}}
connections:
  a: {url: "redis://u:urlpw@h:1/0", api_key: keypw, graph_name: g, extra: {client-secret: extrapw, plain: "${A_PASSWORD}"}}
token_store: {password: tokenpw}
mcp_servers: {servers: {x: {remote: {headers: {Authorization: headerpw}}}}}
agents: {agent_runtimes: {claude: {kubernetes: {env: [{name: API_TOKEN, value: envpw}, {name: OK, value: fine}]}}}}
)",
                              {{"A_PASSWORD", "varpw"}});
  for (const std::string& text : {config.effective->dump(), config.snapshot->dump()}) {
    EXPECT_THAT(text, Not(HasSubstr("pw")));
    EXPECT_THAT(text, HasSubstr("\"graph_name\":\"g\""));
  }
  EXPECT_THAT(config.effective->dump(), HasSubstr("\"value\":\"fine\""));
  EXPECT_EQ((*config.effective)["runtime"]["state"]["postgres"]["dsn"], "<redacted>");
  EXPECT_FALSE((*config.snapshot)["connections"]["a"].contains("api_key"));
  EXPECT_EQ(config.postgres.dsn, "postgres://u:dsnpw@h/db");
}

TEST(Secrets, AliasesDoNotCarryThemElsewhere) {
  const Config config =
      clean("token_store: {password: &p '${A_PASSWORD}'}\nconnections: {a: {url: *p}}\n", {{"A_PASSWORD", "hunter2"}});
  EXPECT_THAT(config.effective->dump() + config.snapshot->dump(), Not(HasSubstr("hunter2")));
}

TEST(Secrets, SecretNamesOfKubernetesStayVisible) {
  const Config config = clean(
      "runtime: {kubernetes: {extra_volumes: [{name: a, secret: {secretName: s, items: [{key: token, path: p}]}}]}}");
  EXPECT_EQ((*config.effective)["runtime"]["kubernetes"]["extra_volumes"][0]["secret"]["secretName"], "s");
}

TEST(Hostile, ConfigTextsAreRefusedInReasonableTime) {
  const auto repeat = [](const std::string& piece, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += piece;
    return text;
  };
  EXPECT_FALSE(load("a: " + repeat("[", 300) + repeat("]", 300)).config.has_value());
  EXPECT_FALSE(load(std::string("a: \0", 4)).config.has_value());
  EXPECT_FALSE(load("a: &a [*a]").config.has_value());
  EXPECT_FALSE(load(std::string(5u << 20, '#')).config.has_value());
  std::string unknown;
  for (int i = 0; i < 10'000; ++i) unknown += "key" + std::to_string(i) + ": 1\n";
  const LoadResult many = load(unknown);
  EXPECT_LE(many.diagnostics.size(), 501u);
  EXPECT_THAT(many.diagnostics.back().message, HasSubstr("more problems"));
}

}  // namespace
}  // namespace fracta::config
