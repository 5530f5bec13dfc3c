#include "kube/kubeconfig.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fracta/base/text.hpp"

namespace fracta::kube {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// What a test's files hold; nothing else exists.
Result<std::string> read_fake(const std::string& path) {
  if (path == "/home/u/.kube/pki/ca.crt" || path == "/abs/ca.crt") return std::string("CA of " + path);
  if (path == "/home/u/.kube/c.crt") return std::string("CERT");
  if (path == "/home/u/.kube/c.key") return std::string("KEY");
  if (path == "/home/u/.kube/empty") return std::string(" \n");
  return make_error(ErrorCode::kNotFound, path + ": no such file");
}

Result<ClientConfig> load(const std::string& text, const std::string& context = "") {
  static const FakeClock clock;
  Kubeconfig merged;
  FRACTA_TRY(merge_kubeconfig(merged, text, "/home/u/.kube/config"));
  return resolve_kubeconfig(merged, context, read_fake, clock);
}

// A kubeconfig with one cluster, user and context; the three maps are given.
std::string config(const std::string& cluster, const std::string& user,
                   const std::string& context = "{cluster: c, user: u}") {
  return "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: " + cluster +
         "}]\nusers: [{name: u, user: " + user + "}]\ncontexts: [{name: x, context: " + context +
         "}]\ncurrent-context: x\n";
}
const std::string kServer = "server: 'https://h:6443'";

std::string token_of(const ClientConfig& config) {
  if (!config.token) return "(none)";
  auto token = config.token->token({});
  return token ? *token : "error: " + token.error().message;
}

struct GoodCase {
  std::string name;
  std::string text;
  std::function<void(const ClientConfig&)> check;
};
class GoodKubeconfig : public ::testing::TestWithParam<GoodCase> {};
TEST_P(GoodKubeconfig, IsUnderstood) {
  auto loaded = load(GetParam().text);
  ASSERT_TRUE(loaded) << loaded.error().message;
  GetParam().check(*loaded);
}

INSTANTIATE_TEST_SUITE_P(
    Table, GoodKubeconfig,
    ::testing::Values(
        GoodCase{"Token", config("{" + kServer + "}", "{token: abc}"),
                 [](const ClientConfig& c) {
                   EXPECT_EQ(c.server.to_string(), "https://h:6443");
                   EXPECT_EQ(token_of(c), "abc");
                   EXPECT_EQ(c.default_namespace, "default");
                   EXPECT_EQ(c.description, "kubeconfig /home/u/.kube/config, context x");
                 }},
        GoodCase{"Namespace", config("{" + kServer + "}", "{}", "{cluster: c, user: u, namespace: agents}"),
                 [](const ClientConfig& c) { EXPECT_EQ(c.default_namespace, "agents"); }},
        GoodCase{"Anonymous", config("{" + kServer + "}", "{}", "{cluster: c}"),
                 [](const ClientConfig& c) { EXPECT_EQ(c.token, nullptr); }},
        GoodCase{"CaByData", config("{" + kServer + ", certificate-authority-data: Q0E=}", "{}"),
                 [](const ClientConfig& c) { EXPECT_EQ(c.tls.ca_pem, "CA"); }},
        GoodCase{"CaByDataWithLineEnds", config("{" + kServer + ", certificate-authority-data: \"Q0\\nE=\\n\"}", "{}"),
                 [](const ClientConfig& c) { EXPECT_EQ(c.tls.ca_pem, "CA"); }},
        GoodCase{"CaByRelativeFile", config("{" + kServer + ", certificate-authority: pki/ca.crt}", "{}"),
                 [](const ClientConfig& c) { EXPECT_EQ(c.tls.ca_pem, "CA of /home/u/.kube/pki/ca.crt"); }},
        GoodCase{"CaByAbsoluteFile", config("{" + kServer + ", certificate-authority: /abs/ca.crt}", "{}"),
                 [](const ClientConfig& c) { EXPECT_EQ(c.tls.ca_pem, "CA of /abs/ca.crt"); }},
        GoodCase{"ClientCertificateByFile",
                 config("{" + kServer + "}", "{client-certificate: c.crt, client-key: ./c.key}"),
                 [](const ClientConfig& c) {
                   EXPECT_EQ(c.tls.certificate_pem, "CERT");
                   EXPECT_EQ(c.tls.key_pem, "KEY");
                 }},
        GoodCase{"ClientCertificateMixed",
                 config("{" + kServer + "}", "{client-certificate: c.crt, client-key-data: S0VZ}"),
                 [](const ClientConfig& c) { EXPECT_EQ(c.tls.key_pem, "KEY"); }},
        GoodCase{"Insecure",
                 config("{" + kServer + ", insecure-skip-tls-verify: true, tls-server-name: api.internal}", "{}"),
                 [](const ClientConfig& c) {
                   EXPECT_TRUE(c.tls.insecure_skip_verify);
                   EXPECT_EQ(c.tls.server_name, "api.internal");
                 }},
        GoodCase{"BasePath", config("{server: 'https://h/k8s/clusters/c-1/'}", "{}"),
                 [](const ClientConfig& c) { EXPECT_EQ(c.server.path, "/k8s/clusters/c-1"); }},
        GoodCase{"Password", config("{" + kServer + "}", "{username: a, password: 'b:c'}"),
                 [](const ClientConfig& c) {
                   EXPECT_EQ(c.basic_authorization, "Basic " + base64_encode("a:b:c"));
                   EXPECT_EQ(c.token, nullptr);
                 }},
        GoodCase{"Impersonation",
                 config("{" + kServer + "}",
                        "{token: t, as: jane, as-uid: '7', as-groups: [g1, g2], as-user-extra: {a/b: [v]}}"),
                 [](const ClientConfig& c) {
                   const std::vector<std::pair<std::string, std::string>> want{{"Impersonate-User", "jane"},
                                                                               {"Impersonate-Uid", "7"},
                                                                               {"Impersonate-Group", "g1"},
                                                                               {"Impersonate-Group", "g2"},
                                                                               {"Impersonate-Extra-a%2Fb", "v"}};
                   EXPECT_EQ(c.impersonation.entries(), want);
                 }},
        GoodCase{"TokenWithLineEnd", config("{" + kServer + "}", "{token: \"abc\\n\"}"),
                 [](const ClientConfig& c) { EXPECT_EQ(token_of(c), "abc"); }},
        GoodCase{"TokenBesidesMissingTokenFile", config("{" + kServer + "}", "{token: abc, tokenFile: nowhere}"),
                 [](const ClientConfig& c) { EXPECT_EQ(token_of(c), "abc"); }},
        GoodCase{
            "TokenWinsOverExec",
            config("{" + kServer + "}",
                   "{token: abc, exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: /no/such/program}}"),
            [](const ClientConfig& c) { EXPECT_EQ(token_of(c), "abc"); }},
        GoodCase{"UnknownFieldsAndNulls",
                 config("{" + kServer + ", extensions: null, disable-compression: true}", "{token: null, foo: {}}"),
                 [](const ClientConfig& c) { EXPECT_EQ(c.token, nullptr); }},
        GoodCase{
            "Json",
            R"({"kind":"Config","clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:8001"}}],"contexts":[{"name":"x","context":{"cluster":"c"}}],"current-context":"x"})",
            [](const ClientConfig& c) { EXPECT_EQ(c.server.port, 8001); }}),
    [](const auto& row) { return row.param.name; });

struct BadCase {
  std::string name;
  std::string text;
  std::string message;  // after "kubeconfig /home/u/.kube/config: "
  std::string context;
};
class BadKubeconfig : public ::testing::TestWithParam<BadCase> {};
TEST_P(BadKubeconfig, NamesFileAndField) {
  auto loaded = load(GetParam().text, GetParam().context);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message, "kubeconfig /home/u/.kube/config: " + GetParam().message);
}

const std::string kExec = "apiVersion: client.authentication.k8s.io/v1, command: p, interactiveMode: Never";
const std::string kGood = config("{" + kServer + "}", "{token: t}");

INSTANTIATE_TEST_SUITE_P(
    Table, BadKubeconfig,
    ::testing::Values(
        BadCase{"Empty", "", "current-context: is missing; name a context (there is none)"},
        BadCase{"AList", "[]", "must be a map, is a list"}, BadCase{"AScalar", "hello", "must be a map, is a string"},
        BadCase{"OtherKind", "kind: Pod", "kind: must be \"Config\", is \"Pod\""},
        BadCase{"OtherVersion", "apiVersion: v2", "apiVersion: must be \"v1\", is \"v2\""},
        BadCase{"ClustersNoList", "clusters: {}", "clusters: must be a list, is a map"},
        BadCase{"ClusterNoMap", "clusters: [x]", "clusters[0]: must be a map, is a string"},
        BadCase{"NameMissing", "users: [{user: {}}]", "users[0].name: is missing"},
        BadCase{"NameNumber", "users: [{name: 7}]", "users[0].name: must be a string, is a number"},
        BadCase{"NameTwice", "contexts: [{name: a}, {name: b}, {name: a}]", "contexts[2].name: \"a\" is there twice"},
        BadCase{"UserNoMap", "users: [{name: a, user: 3}]", "users[0].user: must be a map, is a number"},
        BadCase{"CurrentContextNumber", "current-context: 7", "current-context: must be a string, is a number"},
        BadCase{"NoSuchCurrentContext", "current-context: z\ncontexts: [{name: x}]",
                "current-context: no context \"z\" (there is: x)"},
        BadCase{"NoSuchContext", kGood, "no context \"y\" (there is: x)", "y"},
        BadCase{"NoCluster", config("{}", "{}", "{user: u}"), "contexts[\"x\"].context.cluster: is missing"},
        BadCase{"NoSuchCluster", config("{}", "{}", "{cluster: z, user: u}"),
                "contexts[\"x\"].context.cluster: no cluster \"z\" (there is: c)"},
        BadCase{"NoSuchUser", config("{" + kServer + "}", "{}", "{cluster: c, user: z}"),
                "contexts[\"x\"].context.user: no user \"z\" (there is: u)"},
        BadCase{"NoServer", config("{}", "{}"), "clusters[\"c\"].cluster.server: is missing"},
        BadCase{"ProxyUrl", config("{" + kServer + ", proxy-url: 'http://p'}", "{}"),
                "clusters[\"c\"].cluster.proxy-url: proxies are not supported; name an address that is reachable "
                "without one in `server`"},
        BadCase{
            "CaTwice", config("{" + kServer + ", certificate-authority: a, certificate-authority-data: Q0E=}", "{}"),
            "clusters[\"c\"].cluster.certificate-authority: and certificate-authority-data are both there; keep one"},
        BadCase{"CaNoBase64", config("{" + kServer + ", certificate-authority-data: '***'}", "{}"),
                "clusters[\"c\"].cluster.certificate-authority-data: is no base64"},
        BadCase{"CaFileMissing", config("{" + kServer + ", certificate-authority: no.crt}", "{}"),
                "clusters[\"c\"].cluster.certificate-authority: /home/u/.kube/no.crt: no such file"},
        BadCase{"CaFileEmpty", config("{" + kServer + ", certificate-authority: empty}", "{}"),
                "clusters[\"c\"].cluster.certificate-authority: file /home/u/.kube/empty is empty"},
        BadCase{
            "CaAndInsecure",
            config("{" + kServer + ", insecure-skip-tls-verify: true, certificate-authority-data: Q0E=}", "{}"),
            "clusters[\"c\"].cluster.insecure-skip-tls-verify: and a certificate authority are both there; keep one"},
        BadCase{"InsecureText", config("{" + kServer + ", insecure-skip-tls-verify: 'true'}", "{}"),
                "clusters[\"c\"].cluster.insecure-skip-tls-verify: must be a boolean, is a string"},
        BadCase{"CertificateWithoutKey", config("{" + kServer + "}", "{client-certificate: c.crt}"),
                "users[\"u\"].user.client-key: is missing: a client certificate needs both"},
        BadCase{"KeyWithoutCertificate", config("{" + kServer + "}", "{client-key: c.key}"),
                "users[\"u\"].user.client-certificate: is missing: a client certificate needs both"},
        BadCase{"TokenNumber", config("{" + kServer + "}", "{token: 5}"),
                "users[\"u\"].user.token: must be a string, is a number"},
        BadCase{"TokenInjection", config("{" + kServer + "}", "{token: \"hunter2\\r\\nX: y\"}"),
                "users[\"u\"].user.token: holds a space or control character, which no token does"},
        BadCase{"TwoMethods", config("{" + kServer + "}", "{token: t, username: a}"),
                "users[\"u\"].user: has both a token and a username/password; keep one"},
        BadCase{"UsernameColon", config("{" + kServer + "}", "{username: 'a:b'}"),
                "users[\"u\"].user.username: holds a ':', which basic authentication cannot carry"},
        BadCase{"AuthProvider", config("{" + kServer + "}", "{auth-provider: {name: gcp}}"),
                "users[\"u\"].user.auth-provider: is not supported (client-go removed it in 1.26); use `exec` with the "
                "provider's plug-in"},
        BadCase{"GroupsWithoutUser", config("{" + kServer + "}", "{as-groups: [g]}"),
                "users[\"u\"].user.as: is missing: uid, groups and extra values need a user to act as"},
        BadCase{"ImpersonationInjection", config("{" + kServer + "}", "{as: \"a\\nb\"}"),
                "users[\"u\"].user.as: holds a control character"},
        BadCase{"NamespaceNoLabel", config("{" + kServer + "}", "{}", "{cluster: c, namespace: A_b}"),
                "contexts[\"x\"].context.namespace: \"A_b\" is no name of a namespace (RFC 1123 label)"},
        BadCase{"ExecVersion",
                config("{" + kServer + "}", "{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: p}}"),
                "users[\"u\"].user.exec.apiVersion: must be \"client.authentication.k8s.io/v1\" or \".../v1beta1\", is "
                "\"client.authentication.k8s.io/v1alpha1\"; update the plug-in"},
        BadCase{"ExecNoCommand", config("{" + kServer + "}", "{exec: {apiVersion: client.authentication.k8s.io/v1}}"),
                "users[\"u\"].user.exec.command: is missing"},
        BadCase{"ExecArgs", config("{" + kServer + "}", "{exec: {" + kExec + ", args: [a, 1]}}"),
                "users[\"u\"].user.exec.args[1]: must be a string, is a number"},
        BadCase{"ExecEnv", config("{" + kServer + "}", "{exec: {" + kExec + ", env: [{value: x}]}}"),
                "users[\"u\"].user.exec.env[0].name: is missing"},
        BadCase{"ExecModeMissing",
                config("{" + kServer + "}", "{exec: {apiVersion: client.authentication.k8s.io/v1, command: p}}"),
                "users[\"u\"].user.exec.interactiveMode: is missing (v1 asks for Never, IfAvailable or Always)"},
        BadCase{"ExecModeAlways",
                config("{" + kServer + "}",
                       "{exec: {apiVersion: client.authentication.k8s.io/v1, command: p, interactiveMode: Always}}"),
                "users[\"u\"].user.exec.interactiveMode: Always needs a terminal, which is not available here; use a "
                "user with a token or a certificate"},
        BadCase{"ExecModeOther",
                config("{" + kServer + "}",
                       "{exec: {apiVersion: client.authentication.k8s.io/v1, command: p, interactiveMode: maybe}}"),
                "users[\"u\"].user.exec.interactiveMode: must be Never, IfAvailable or Always, is \"maybe\""}),
    [](const auto& row) { return row.param.name; });

TEST(Kubeconfig, YamlErrorsNameFileAndPlace) {
  for (std::string text : {"a: [", "a: b: c", "\"x", "clusters: []\nclusters: []", "---\na: 1\n---\nb: 2"}) {
    auto loaded = load(text);
    ASSERT_FALSE(loaded) << text;
    EXPECT_EQ(loaded.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(loaded.error().message, HasSubstr("kubeconfig /home/u/.kube/config: "));
  }
}

TEST(Kubeconfig, ServersThatAreNoUrl) {
  for (std::string server :
       {"h:6443", "ftp://h", "https://", "https://u:hunter2@h", "https://h/#f", "https://h:99999", "https://h/?a=b"}) {
    auto loaded = load(config("{server: '" + server + "'}", "{}"));
    ASSERT_FALSE(loaded) << server;
    EXPECT_THAT(loaded.error().message, HasSubstr("clusters[\"c\"].cluster.server: "));
    EXPECT_THAT(loaded.error().message, Not(HasSubstr("hunter2")));
  }
}

TEST(Kubeconfig, MergeTakesEachEntryWholeFromTheFirstFileThatHasIt) {
  const FakeClock clock;
  Kubeconfig merged;
  ASSERT_TRUE(merge_kubeconfig(
      merged, "users: [{name: u, user: {token: first}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]",
      "/a/config"));
  ASSERT_TRUE(
      merge_kubeconfig(merged,
                       "current-context: x\nusers: [{name: u, user: {token: second, as: jane}}]\n"
                       "clusters: [{name: c, cluster: {server: 'https://h', certificate-authority: pki/ca.crt}}]",
                       "/home/u/.kube/config"));
  ASSERT_TRUE(merge_kubeconfig(merged, "current-context: z", "/c/config"));
  auto loaded = resolve_kubeconfig(merged, "", read_fake, clock);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(token_of(*loaded), "first");
  EXPECT_TRUE(loaded->impersonation.entries().empty());
  EXPECT_EQ(loaded->tls.ca_pem, "CA of /home/u/.kube/pki/ca.crt") << "relative to the file that names it";
}

}  // namespace
}  // namespace fracta::kube
