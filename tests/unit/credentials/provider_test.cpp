#include "fracta/credentials/provider.hpp"

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"
#include "unit/credentials/kubeconfig_samples.hpp"

namespace fracta::credentials {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Kubeconfig;
using testing::kUserToken;
using ::testing::Not;

StoredCredential credential(const std::string& provider, const std::string& token, const std::string& url = "",
                            const std::string& email = "") {
  StoredCredential out;
  out.name = "x";
  out.provider = provider;
  out.token = token;
  out.url = url;
  out.email = email;
  return out;
}

ValidationOptions options() {
  ValidationOptions out;
  out.now = std::chrono::system_clock::now();
  return out;
}

std::string refusal(const StoredCredential& what, const ValidationOptions& with = options()) {
  const auto inspected = inspect(what, with);
  return inspected ? "accepted" : inspected.error().message;
}
std::string refusal(const Kubeconfig& config, const ValidationOptions& with = options()) {
  return refusal(credential("kubeconfig", config.text()), with);
}

Delivery delivered(const StoredCredential& what) {
  auto out = find_provider(what.provider)->deliver(what, {});
  EXPECT_TRUE(out.ok()) << (out ? "" : out.error().message);
  return *out;
}

const std::string kServiceAccount = dump_json(
    {{"type", "service_account"},
     {"project_id", "my-project"},
     {"client_email", "bot@my-project.iam.gserviceaccount.com"},
     {"private_key", "-----BEGIN PRIVATE KEY-----\n" + std::string(64, 'M') + "\n-----END PRIVATE KEY-----\n"}});

TEST(Providers, AreTheSixKnownOnes) { EXPECT_EQ(provider_names(" "), "github gitlab jira google vertex kubeconfig"); }

TEST(Providers, UnknownOneIsRefusedWithTheList) {
  EXPECT_THAT(refusal(credential("anthropic", "t")),
              HasSubstr("one of github, gitlab, jira, google, vertex, kubeconfig"));
}

TEST(Providers, DeliverOnlyTheVariablesTheyName) {
  const StoredCredential samples[] = {credential("github", "ghp_123456", "https://ghe.example.com", "a@b.c"),
                                      credential("gitlab", "glpat-123456", "https://gl.example.com"),
                                      credential("jira", "ATATT123456", "https://x.atlassian.net", "a@b.c"),
                                      credential("google", kServiceAccount, "", "a@b.c"),
                                      credential("vertex", kServiceAccount),
                                      credential("kubeconfig", testing::sample_kubeconfig())};
  for (const auto& sample : samples) {
    EXPECT_EQ(refusal(sample), "accepted") << sample.provider;
    const auto* provider = find_provider(sample.provider);
    const auto delivery = delivered(sample);
    EXPECT_FALSE(delivery.env.empty());
    for (const auto& [name, value] : delivery.env)
      EXPECT_THAT(provider->environment, Contains(std::string_view(name))) << sample.provider;
    EXPECT_THAT(delivery.secrets, Not(IsEmpty())) << sample.provider;
  }
}

TEST(Providers, NothingStartsTheLatestServer) {
  for (const auto& provider : providers()) {
    if (provider.mcp_server == nullptr) continue;
    const auto server = provider.mcp_server({});
    ASSERT_TRUE(server.has_value());
    for (const auto& argument : server->args) EXPECT_THAT(argument, Not(HasSubstr("latest")));
    if (server->command == "uvx") {
      EXPECT_THAT(server->args.front(), ::testing::MatchesRegex(".+@[0-9.]+"));
    }
  }
}

TEST(Github, WritesTheTokenFileAndVariables) {
  const auto out = delivered(credential("github", "ghp_123456\n"));
  ASSERT_EQ(out.files.size(), 1u);
  EXPECT_EQ(out.files[0].path, "/tmp/.ambient_github_token");
  EXPECT_EQ(out.files[0].content, "ghp_123456");
  EXPECT_EQ(out.env.at("GITHUB_TOKEN"), "ghp_123456");
  EXPECT_EQ(out.env.count("GH_HOST"), 0u);
}

TEST(Github, RefusesTokensThatAreNone) {
  EXPECT_THAT(refusal(credential("github", "two words")), HasSubstr("one line"));
  EXPECT_THAT(refusal(credential("github", "a\nb")), HasSubstr("one line"));
  EXPECT_THAT(refusal(credential("github", "ghp_1", "http://ghe.example.com")), HasSubstr("https://"));
  EXPECT_THAT(refusal(credential("github", "ghp_1", "https://u:secret@ghe.example.com")), Not(HasSubstr("secret")));
}

TEST(Gitlab, WritesTheTokenFile) {
  const auto out = delivered(credential("gitlab", "glpat-123456"));
  EXPECT_EQ(out.files.at(0).path, "/tmp/.ambient_gitlab_token");
  EXPECT_EQ(out.env.at("GITLAB_TOKEN"), "glpat-123456");
}

TEST(Jira, NeedsUrlAndEmail) {
  EXPECT_THAT(refusal(credential("jira", "t")), HasSubstr("url: is required"));
  EXPECT_THAT(refusal(credential("jira", "t", "https://x.atlassian.net")), HasSubstr("email: is required"));
  EXPECT_THAT(refusal(credential("jira", "t", "https://x.atlassian.net", "nobody")), HasSubstr("email"));
  const auto out = delivered(credential("jira", "ATATT1", "https://x.atlassian.net", "a@b.c"));
  EXPECT_THAT(out.env, ElementsAre(::testing::Pair("JIRA_API_TOKEN", "ATATT1"), ::testing::Pair("JIRA_EMAIL", "a@b.c"),
                                   ::testing::Pair("JIRA_URL", "https://x.atlassian.net")));
}

TEST(Google, WritesTheKeyFileWhereWorkspaceToolsLook) {
  const auto out = delivered(credential("google", kServiceAccount, "", "me@corp.example"));
  EXPECT_EQ(out.files.at(0).path, "/workspace/.google_workspace_mcp/credentials/credentials.json");
  EXPECT_EQ(out.files.at(0).content, kServiceAccount);
  EXPECT_EQ(out.env.at("USER_GOOGLE_EMAIL"), "me@corp.example");
  EXPECT_EQ(delivered(credential("google", kServiceAccount, "", "user@example.com")).env.count("USER_GOOGLE_EMAIL"),
            0u);
}

TEST(Google, RefusesWhatIsNoKeyFile) {
  EXPECT_THAT(refusal(credential("google", "ya29.token")), HasSubstr("JSON text"));
  EXPECT_THAT(refusal(credential("google", "{\"type\":\"external_account\"}")), HasSubstr("external_account"));
  EXPECT_THAT(refusal(credential("google", "{\"type\":\"service_account\"}")), HasSubstr("private_key"));
}

TEST(Vertex, TakesTheProjectFromTheKey) {
  const auto out = delivered(credential("vertex", kServiceAccount));
  EXPECT_EQ(out.env.at("GOOGLE_CLOUD_PROJECT"), "my-project");
  EXPECT_EQ(out.env.at("ANTHROPIC_VERTEX_PROJECT_ID"), "my-project");
  EXPECT_EQ(out.env.at("GOOGLE_APPLICATION_CREDENTIALS"), out.files.at(0).path);
}

TEST(Kubeconfig, DeliversTheTextAndPointsAtIt) {
  const auto out = delivered(credential("kubeconfig", testing::sample_kubeconfig()));
  EXPECT_EQ(out.files.at(0).path, "/tmp/.ambient_kubeconfig");
  EXPECT_EQ(out.files.at(0).content, testing::sample_kubeconfig());
  EXPECT_EQ(out.env.at("KUBECONFIG"), "/tmp/.ambient_kubeconfig");
}

TEST(Kubeconfig, McpServerIsPinnedAndReadsTheFile) {
  DeliveryPaths paths;
  paths.kubeconfig = "/run/k";
  const auto server = find_provider("kubeconfig")->mcp_server(paths);
  EXPECT_EQ(server->name, "openshift");
  EXPECT_EQ(server->command, "kubernetes-mcp-server");
  EXPECT_THAT(server->args, ElementsAre("--kubeconfig", "/run/k", "--disable-multi-cluster"));
}

TEST(Kubeconfig, SecretsAreKnownPlainAndEncoded) {
  Kubeconfig config;
  const auto& pair = testing::client_pair();
  config.user = "    token: " + kUserToken + "\n    client-certificate-data: " + base64_encode(pair.certificate_pem) +
                "\n    client-key-data: " + base64_encode(pair.key_pem) + "\n    password: hunter22\n";
  const auto secrets = secrets_in(credential("kubeconfig", config.text()));
  EXPECT_THAT(secrets, Contains(kUserToken));
  EXPECT_THAT(secrets, Contains(base64_encode(kUserToken)));
  EXPECT_THAT(secrets, Contains("hunter22"));
  EXPECT_THAT(secrets, Contains(base64_encode(pair.key_pem)));
  EXPECT_THAT(secrets, Contains(std::string(trim(pair.key_pem))));
  EXPECT_THAT(secrets, Not(Contains("bot")));
}

TEST(Kubeconfig, AcceptsTokensAndClientCertificates) {
  EXPECT_EQ(refusal(Kubeconfig{}), "accepted");
  Kubeconfig config;
  const auto& pair = testing::client_pair();
  config.user = "    client-certificate-data: " + base64_encode(pair.certificate_pem) +
                "\n    client-key-data: " + base64_encode(pair.key_pem) + "\n";
  EXPECT_EQ(refusal(config), "accepted");
}

TEST(Kubeconfig, SeveralContextsAreKept) {
  const auto text = testing::sample_kubeconfig() + "- name: second\n  context: {cluster: remote, user: bot}\n";
  EXPECT_EQ(refusal(credential("kubeconfig", text)), "accepted");
  const auto dangling = testing::sample_kubeconfig() + "- name: second\n  context: {cluster: gone, user: bot}\n";
  const auto inspected = inspect(credential("kubeconfig", dangling), options());
  ASSERT_TRUE(inspected.ok());
  EXPECT_THAT(inspected->warnings, ElementsAre(HasSubstr("context \"second\" names cluster \"gone\"")));
}

TEST(Kubeconfig, RefusesTextThatIsNoKubeconfig) {
  const std::pair<std::string, std::string> cases[] = {
      {"key: [", "no valid YAML"},
      {"just words", "is no map"},
      {base64_encode(testing::sample_kubeconfig()), "looks like base64"},
      {"apiVersion: v1\nkind: Pod\n", "is a Pod"},
      {"apiVersion: v1\nkind: Config\n", "no current-context"},
      {"clusters: 7\ncurrent-context: x\n", "clusters: must be a list"},
      {"clusters: [{cluster: {}}]\n", "has no name"},
      {"clusters: [{name: a, cluster: {}}, {name: a, cluster: {}}]\n", "is there twice"},
      {"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
       "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
       "too many values"},
  };
  for (const auto& [text, why] : cases) EXPECT_THAT(refusal(credential("kubeconfig", text)), HasSubstr(why)) << text;
  EXPECT_NE(refusal(credential("kubeconfig", std::string(2'000'000, 'x'))), "accepted");
}

TEST(Kubeconfig, CurrentContextMustResolve) {
  Kubeconfig config;
  config.context = "other";
  EXPECT_THAT(refusal(config), HasSubstr("current-context is \"other\", but there is: remote"));
}

TEST(Kubeconfig, ServerMustBeHttps) {
  for (const char* server : {"http://api.example.com", "ftp://x", "api.example.com", "https://", "https://h/?q=1"}) {
    Kubeconfig config;
    config.server = server;
    EXPECT_THAT(refusal(config), HasSubstr("clusters[\"remote\"].cluster.server")) << server;
  }
  Kubeconfig config;
  config.server = "https://user:hunter22@api.example.com";
  EXPECT_THAT(refusal(config), Not(HasSubstr("hunter22")));
  EXPECT_NE(refusal(config), "accepted");
}

TEST(Kubeconfig, RefusesPlugins) {
  Kubeconfig config;
  config.user = "    exec: {command: aws, apiVersion: client.authentication.k8s.io/v1}\n";
  EXPECT_THAT(refusal(config), HasSubstr("users[\"bot\"].user.exec runs a program"));
  config.user = "    auth-provider: {name: gcp}\n";
  EXPECT_THAT(refusal(config), HasSubstr("auth-provider"));
}

TEST(Kubeconfig, PluginsOfOtherContextsAreRefusedToo) {
  auto text = testing::sample_kubeconfig();
  text.insert(text.find("contexts:"), "- name: evil\n  user:\n    exec: {command: sh}\n");
  EXPECT_THAT(refusal(credential("kubeconfig", text)), HasSubstr("users[\"evil\"].user.exec"));
}

TEST(Kubeconfig, FilesAreRefusedWithTheRemedy) {
  for (const char* field : {"client-certificate", "client-key", "tokenFile"}) {
    Kubeconfig config;
    config.user = "    token: abc\n    " + std::string(field) + ": /home/me/x\n";
    EXPECT_THAT(refusal(config), HasSubstr(field));
    EXPECT_THAT(refusal(config), HasSubstr("kubectl config view --flatten --minify --raw"));
  }
  Kubeconfig config;
  config.cluster_extra = "    certificate-authority: ca.crt\n";
  EXPECT_THAT(refusal(config), HasSubstr("--flatten"));
}

TEST(Kubeconfig, InsecureAndProxyOnlyWhenAllowed) {
  Kubeconfig config;
  config.cluster_extra = "    proxy-url: http://proxy:3128\n";
  EXPECT_THAT(refusal(config), HasSubstr("stored_credentials.allow_proxy_url"));
  auto relaxed = options();
  relaxed.allow_proxy_url = true;
  EXPECT_EQ(refusal(config, relaxed), "accepted");

  auto text = Kubeconfig{}.text();
  const auto at = text.find("    certificate-authority-data");
  text.replace(at, text.find('\n', at) - at, "    insecure-skip-tls-verify: true");
  EXPECT_THAT(refusal(credential("kubeconfig", text)), HasSubstr("allow_insecure_skip_tls_verify"));
  relaxed.allow_insecure_skip_tls_verify = true;
  EXPECT_EQ(refusal(credential("kubeconfig", text), relaxed), "accepted");
}

TEST(Kubeconfig, DataMustBeCertificates) {
  Kubeconfig config;
  const auto& pair = testing::client_pair();
  config.user = "    client-certificate-data: '***'\n    client-key-data: '***'\n";
  EXPECT_THAT(refusal(config), HasSubstr("no valid base64"));
  config.user = "    client-certificate-data: " + base64_encode("hello") +
                "\n    client-key-data: " + base64_encode(pair.key_pem) + "\n";
  EXPECT_THAT(refusal(config), HasSubstr("client-certificate-data: certificate"));
  config.user = "    client-certificate-data: " + base64_encode(pair.certificate_pem) + "\n";
  EXPECT_THAT(refusal(config), HasSubstr("belong together"));
  config.user = "    client-certificate-data: " + base64_encode(pair.certificate_pem) +
                "\n    client-key-data: " + base64_encode(testing::authority().key_pem) + "\n";
  EXPECT_THAT(refusal(config), HasSubstr("does not belong"));
}

TEST(Kubeconfig, UserWithoutAnythingIsRefused) {
  Kubeconfig config;
  config.user = "    username: me\n";
  EXPECT_THAT(refusal(config), HasSubstr("neither token nor"));
}

TEST(Kubeconfig, ExpiryOfTheTokenIsShownAndWarnedOf) {
  const auto now = SystemTime{std::chrono::seconds{1'767'225'600}};
  const auto jwt = [](std::int64_t exp) {
    return "eyJhbGciOiJub25lIn0." + base64url_encode("{\"exp\":" + std::to_string(exp) + "}") + ".c2ln";
  };
  ValidationOptions at;
  at.now = now;
  Kubeconfig config;
  config.user = "    token: " + jwt(1'767'225'600 + 3 * 86'400) + "\n";
  const auto soon = inspect(credential("kubeconfig", config.text()), at);
  ASSERT_TRUE(soon.ok());
  EXPECT_EQ(soon->expires_at, "2026-01-04T00:00:00Z");
  EXPECT_THAT(soon->warnings, Contains(HasSubstr("the token of user \"bot\" expires on 2026-01-04T00:00:00Z")));
  config.user = "    token: " + jwt(1'767'225'600 - 1) + "\n";
  EXPECT_THAT(inspect(credential("kubeconfig", config.text()), at)->warnings, Contains(HasSubstr("expired on")));
  config.user = "    token: " + jwt(1'767'225'600 + 400LL * 86'400) + "\n";
  const auto far = inspect(credential("kubeconfig", config.text()), at);
  EXPECT_EQ(far->expires_at, "2027-02-05T00:00:00Z");
  EXPECT_THAT(far->warnings, Not(Contains(HasSubstr("token of user"))));
}

TEST(Kubeconfig, ExpiryOfTheClientCertificateIsShown) {
  Kubeconfig config;
  const auto& pair = testing::client_pair();
  config.user = "    client-certificate-data: " + base64_encode(pair.certificate_pem) +
                "\n    client-key-data: " + base64_encode(pair.key_pem) + "\n";
  auto near = options();
  near.now += std::chrono::hours{24 * 360};
  const auto inspected = inspect(credential("kubeconfig", config.text()), near);
  ASSERT_TRUE(inspected.ok());
  EXPECT_TRUE(parse_rfc3339(inspected->expires_at).has_value());
  EXPECT_THAT(inspected->warnings, Contains(HasSubstr("the client certificate of user \"bot\" expires on")));
}

TEST(Kubeconfig, RefusalsNeverRepeatASecret) {
  Kubeconfig config;
  config.user = "    token: [" + kUserToken + "]\n";
  EXPECT_NE(refusal(config), "accepted");
  EXPECT_THAT(refusal(config), Not(HasSubstr(kUserToken)));
  EXPECT_THAT(refusal(credential("kubeconfig", kUserToken)), Not(HasSubstr(kUserToken)));
  EXPECT_THAT(refusal(credential("kubeconfig", "token: \"" + kUserToken)), Not(HasSubstr(kUserToken)));
}

}  // namespace
}  // namespace fracta::credentials
