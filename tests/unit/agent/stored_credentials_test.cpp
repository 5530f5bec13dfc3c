// What stored credentials add to an agent's objects: names and a way to prove who asks, never a value.
#include "unit/agent/fixture.hpp"

namespace fracta::agent {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class StoredCredentials : public BuildTest {
 protected:
  Json data() { return (*built().config_map)["data"]; }
  Json file(const std::string& key) { return Json::parse(data()[key].get<std::string>()); }
};

TEST_F(StoredCredentials, AnAgentWithoutAnyIsWhatItWasBefore) {
  const AgentObjects plain = built();
  EXPECT_THAT(dump_json(*plain.owner), Not(HasSubstr("credential")));
  EXPECT_FALSE((*plain.config_map)["data"].contains(kCredentialManifestKey));
}

TEST_F(StoredCredentials, TheMainContainerAloneGetsAnIdentity) {
  bind_credentials();
  add_extras();
  const Json spec_json = pod_spec();
  EXPECT_THAT(names_of(spec_json["volumes"]),
              ElementsAre("workspace", "agent-config", "auth-secret", "credential-identity", "auth-helpers"));
  EXPECT_EQ(spec_json["volumes"][3]["projected"],
            Json({{"defaultMode", 0444},
                  {"sources",
                   {{{"serviceAccountToken",
                      {{"audience", "fracta-controlplane"}, {"expirationSeconds", 3600}, {"path", "token"}}}}}}}));
  EXPECT_EQ(main_container()["volumeMounts"][3],
            Json({{"name", "credential-identity"}, {"mountPath", "/var/run/fracta-identity"}, {"readOnly", true}}));
  EXPECT_THAT(names_of(init_container()["volumeMounts"]), Not(Contains("credential-identity")));
  EXPECT_EQ(spec_json["automountServiceAccountToken"], false) << "no right in the cluster comes with it";
}

TEST_F(StoredCredentials, ARestrictedPodCanReadItsToken) {
  config.kubernetes.pod_security = config::PodSecurity::kRestricted;
  bind_credentials();
  EXPECT_EQ(pod_spec()["volumes"][3]["projected"]["defaultMode"], 0440) << "with fsGroup, as the other Secrets";
}

TEST_F(StoredCredentials, OwnerAndPodSayWhatIsBound) {
  bind_credentials();
  const Json owner = *built().owner;
  EXPECT_EQ(owner["metadata"]["annotations"]["fracta.io/credentials"], stored_credentials.bound);
  EXPECT_EQ(owner["spec"]["template"]["metadata"]["annotations"]["fracta.io/credentials"], stored_credentials.bound);
  EXPECT_EQ(data()["credentials.json"], stored_credentials.manifest);
  EXPECT_THAT(main_container()["env"], Contains(Json({{"name", "CREDENTIAL_IDS"}, {"value", stored_credentials.ids}})));
}

TEST_F(StoredCredentials, TheManifestIsNoPartOfTheSpecHash) {
  bind_credentials();
  const auto hash = [&] { return (*built().owner)["metadata"]["annotations"]["fracta.io/spec-hash"]; };
  const Json before = hash();
  stored_credentials.manifest = "{\"version\": 1, \"controlplane\": {\"ca\": \"another\"}}\n";
  EXPECT_EQ(hash(), before) << "a repeated request would meet its own agent as a stranger's";
  stored_credentials.bound = R"([{"id":"2abd","name":"prod","provider":"kubeconfig"}])";
  EXPECT_NE(hash(), before);
}

TEST_F(StoredCredentials, NobodyElsesVolumeTakesTheIdentitysPlace) {
  bind_credentials();
  config.kubernetes.extra_volumes = shared({{{"name", kIdentityVolume}, {"emptyDir", Json::object()}}});
  EXPECT_THAT(error(), HasSubstr("volume name \"credential-identity\" is used twice"));
  stored_credentials = {};
  mcp_servers.clear();
  EXPECT_THAT(error(), HasSubstr("volume \"credential-identity\" is Fracta's own"));
}

TEST_F(StoredCredentials, ClaudeStartsTheServersAndMayUseThem) {
  config.allowed_tools = {"Read"};
  bind_credentials();
  const Json servers = file("dot-mcp.json")["mcpServers"];
  EXPECT_EQ(servers["openshift"], Json({{"type", "stdio"},
                                        {"command", "npx"},
                                        {"args",
                                         {"-y", "kubernetes-mcp-server@0.0.67", "--kubeconfig",
                                          "/tmp/.ambient_kubeconfig", "--disable-multi-cluster"}}}));
  EXPECT_EQ(servers["mcp-atlassian"]["env"], Json({{"JIRA_URL", "${JIRA_URL:-}"},
                                                   {"JIRA_USERNAME", "${JIRA_EMAIL:-}"},
                                                   {"READ_ONLY_MODE", "${JIRA_READ_ONLY_MODE:-true}"}}));
  EXPECT_THAT(file("dot-claude--settings.json")["permissions"]["allow"],
              ElementsAre("Read", "mcp__openshift", "mcp__mcp-atlassian"));
  EXPECT_THAT(main_container()["args"], Contains("--settings"));
}

TEST_F(StoredCredentials, CodexGetsTablesAndTheVariablesByName) {
  spec = spec_of("a", "codex");
  bind_credentials();
  const std::string toml = data()["dot-codex--config.toml"];
  EXPECT_THAT(toml, HasSubstr("\n[mcp_servers.openshift]\ncommand = \"npx\"\nargs = [\"-y\", "
                              "\"kubernetes-mcp-server@0.0.67\", \"--kubeconfig\", \"/tmp/.ambient_kubeconfig\", "
                              "\"--disable-multi-cluster\"]\ndefault_tools_approval_mode = \"approve\"\n"));
  EXPECT_THAT(toml, HasSubstr("command = \"sh\"\nargs = [\"-c\", \"JIRA_USERNAME=\\\"$JIRA_EMAIL\\\" "
                              "READ_ONLY_MODE=\\\"${JIRA_READ_ONLY_MODE:-true}\\\" exec \\\"$0\\\" \\\"$@\\\"\", "
                              "\"uvx\", \"mcp-atlassian@0.11.0\"]"));
  EXPECT_THAT(toml, HasSubstr("env_vars = [\"JIRA_URL\", \"JIRA_EMAIL\", \"JIRA_READ_ONLY_MODE\"]\n"));
}

TEST_F(StoredCredentials, OpenCodeGetsLocalServers) {
  spec = spec_of("a", "opencode");
  bind_credentials();
  const Json mcp = file("opencode.json")["mcp"];
  EXPECT_EQ(mcp["mcp-atlassian"]["command"],
            Json({"sh", "-c", "READ_ONLY_MODE=\"${JIRA_READ_ONLY_MODE:-true}\" exec \"$0\" \"$@\"", "uvx",
                  "mcp-atlassian@0.11.0"}));
  EXPECT_EQ(mcp["mcp-atlassian"]["environment"],
            Json({{"JIRA_URL", "{env:JIRA_URL}"}, {"JIRA_USERNAME", "{env:JIRA_EMAIL}"}}));
  EXPECT_EQ(mcp["openshift"]["command"][0], "npx");
}

TEST_F(StoredCredentials, ACommandFindsThemInTheUsualFile) {
  spec = spec_of("a", "tool");
  spec.command = {"true"};
  config.gateway_url = "";
  bind_credentials();
  EXPECT_TRUE(file("dot-mcp.json")["mcpServers"].contains("openshift"));
}

TEST_F(StoredCredentials, AServerNameThatWouldBreakAFileIsRefused) {
  bind_credentials();
  mcp_servers[0].name = "a]\n[x";
  EXPECT_THAT(error(), HasSubstr("has no usable name or command"));
  mcp_servers[0].name = "fracta";
  EXPECT_THAT(error(), HasSubstr("two MCP servers are named \"fracta\""));
}

}  // namespace
}  // namespace fracta::agent
