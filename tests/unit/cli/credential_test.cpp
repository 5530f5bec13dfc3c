// fracta credential against a fake daemon. Names of ambient's own tests (shared/reference/ambient-upstream.md §8.2) are
// kept where the behaviour is the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/credential_input.hpp"
#include "fake_daemon.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

const std::string kId = "2abcDEF0123456789abcdefghij";
const std::string kPath = "/api/v1/credentials";

Json credential(const std::string& name, const Json& more = Json::object()) {
  Json out{{"id", kId},
           {"kind", "Credential"},
           {"href", "/api/ambient/v1/credentials/" + kId},
           {"name", name},
           {"provider", "github"},
           {"created_at", "2026-01-01T00:00:00Z"},
           {"updated_at", "2026-01-01T00:00:00Z"}};
  out.update(more);
  return out;
}
Json envelope(const Json& items) {
  return {{"kind", "CredentialList"}, {"page", 1}, {"size", items.size()}, {"total", items.size()}, {"items", items}};
}
// Answers look-ups of any name with one credential.
void knows(FakeDaemon& daemon, const std::string& name) {
  daemon.answer("GET", kPath, 200, envelope(Json::array({credential(name)})));
}

TEST(CreateCredential, Success) {
  FakeDaemon daemon;
  daemon.answer("POST", kPath, 201, credential("github-main"));
  daemon.start();
  const auto outcome =
      run_cli({"credential", "create", "--name", "github-main", "--provider", "github", "--token", "-"}, daemon.url(),
              "ghp_x\n");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "credential/github-main created\n");
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(daemon.body(0), Json({{"name", "github-main"}, {"provider", "github"}, {"token", "ghp_x"}}));
}

TEST(CreateCredential, MissingName) {
  EXPECT_THAT(run_cli({"credential", "create", "--provider", "github"}).err, HasSubstr("--name is required"));
}

TEST(CreateCredential, MissingProvider) {
  EXPECT_THAT(run_cli({"credential", "create", "--name", "x"}).err, HasSubstr("--provider is required"));
}

TEST(CreateCredential, UnknownProviderIsToldBeforeAnythingIsSent) {
  FakeDaemon daemon;
  daemon.start();
  const auto outcome =
      run_cli({"credential", "create", "--name", "x", "--provider", "aws", "--token", "t"}, daemon.url());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("one of github, gitlab, jira, google, vertex, kubeconfig"));
  EXPECT_THAT(daemon.requests(), IsEmpty());
}

TEST(CreateCredential, MissingTokenWithoutTerminal) {
  FakeDaemon daemon;
  daemon.start();
  const auto outcome = run_cli({"credential", "create", "--name", "x", "--provider", "kubeconfig"}, daemon.url());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("--token is required"));
}

TEST(CreateCredential, Json) {
  FakeDaemon daemon;
  daemon.answer("POST", kPath, 201, credential("x"));
  daemon.start();
  const auto outcome = run_cli(
      {"credential", "create", "--name", "x", "--provider", "github", "--token", "-", "-o", "json"}, daemon.url(), "t");
  EXPECT_EQ(parse_json(outcome.out).value_or(nullptr), credential("x"));
  EXPECT_THAT(outcome.out, StartsWith("{\n  \""));
}

TEST(CreateCredential, AllFlags) {
  FakeDaemon daemon;
  daemon.answer("POST", kPath, 201, credential("x"));
  daemon.start();
  const auto outcome =
      run_cli({"credential", "create", "--name", "x", "--provider", "jira", "--token", "tok", "--description", "d",
               "--url", "https://x.example", "--email", "a@b.c", "--labels", "{\"a\":1}", "--annotations", "{\"b\":2}"},
              daemon.url());
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(daemon.body(0), ::fracta::Json({{"name", "x"},
                                            {"provider", "jira"},
                                            {"token", "tok"},
                                            {"description", "d"},
                                            {"url", "https://x.example"},
                                            {"email", "a@b.c"},
                                            {"labels", "{\"a\":1}"},
                                            {"annotations", "{\"b\":2}"}}));
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("Warning: a token in the command line"), Not(HasSubstr("tok\""))));
}

TEST(CreateCredential, TokenFromFile) {
  auto directory = std::move(*TemporaryDirectory::create());
  ASSERT_TRUE(write_file_atomic(directory / "token", "line one\nline two\n").ok());
  FakeDaemon daemon;
  daemon.answer("POST", kPath, 201, credential("x"));
  daemon.start();
  const auto outcome = run_cli(
      {"credential", "create", "--name", "x", "--provider", "kubeconfig", "--token", "@" + (directory / "token")},
      daemon.url());
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(daemon.body(0)["token"], "line one\nline two\n");
  EXPECT_THAT(
      run_cli({"credential", "create", "--name", "x", "--provider", "kubeconfig", "--token", "@/no/file"}, daemon.url())
          .err,
      HasSubstr("/no/file"));
}

TEST(CreateCredential, VerifyRunsNoProgramThatTheTextNames) {
  auto directory = std::move(*TemporaryDirectory::create());
  const std::string ran = directory / "ran";
  const std::string text = R"(apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: touch,
  args: [")" + ran + R"("]}}}]
)";
  FakeDaemon daemon;
  daemon.start();
  const auto outcome =
      run_cli({"credential", "create", "--name", "x", "--provider", "kubeconfig", "--token", "-", "--verify"},
              daemon.url(), text, {{"PATH", "/usr/bin:/bin"}});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("verify: "), HasSubstr("exec")));
  EXPECT_NE(::access(ran.c_str(), F_OK), 0) << "the program was run";
  EXPECT_THAT(daemon.requests(), IsEmpty());
}

TEST(CreateCredential, InvalidOutputCreatesNothing) {
  FakeDaemon daemon;
  daemon.start();
  EXPECT_EQ(run_cli({"credential", "create", "--name", "x", "--provider", "github", "--token", "t", "-o", "xml"},
                    daemon.url())
                .code,
            2);
  EXPECT_THAT(daemon.requests(), IsEmpty());
}

TEST(CreateCredential, ServerErrorsAreWrapped) {
  FakeDaemon daemon;
  daemon.answer("POST", kPath, 400,
                {{"kind", "Error"}, {"id", "8"}, {"code", "ambient-api-server-8"}, {"reason", "token: is no map"}});
  daemon.start();
  const auto outcome =
      run_cli({"credential", "create", "--name", "x", "--provider", "kubeconfig", "--token", "-"}, daemon.url(), "t");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "Error from server (BadRequest): create credential: token: is no map\n");
}

TEST(CreateCredential, WarningsOfTheServerAreShown) {
  FakeDaemon daemon;
  daemon.answer("POST", kPath, 201, credential("x", {{"warnings", {"the token of user \"bot\" expired on 2026"}}}));
  daemon.start();
  EXPECT_EQ(
      run_cli({"credential", "create", "--name", "x", "--provider", "kubeconfig", "--token", "-"}, daemon.url(), "t")
          .err,
      "Warning: the token of user \"bot\" expired on 2026\n");
}

TEST(ListCredentials, Success) {
  FakeDaemon daemon;
  daemon.answer("GET", kPath, 200, envelope(Json::array({credential("one"), credential("two")})));
  daemon.start();
  const auto outcome = run_cli({"credential", "list"}, daemon.url());
  EXPECT_THAT(outcome.out, AllOf(StartsWith("ID "), HasSubstr("NAME"), HasSubstr("PROVIDER"), HasSubstr("DESCRIPTION"),
                                 HasSubstr("AGE\n"), HasSubstr("one"), HasSubstr("two"), HasSubstr(kId)));
  EXPECT_EQ(daemon.requests()[0].query_parameter("size"), "100");
}

TEST(ListCredentials, JsonIsTheEnvelope) {
  FakeDaemon daemon;
  daemon.answer("GET", kPath, 200, envelope(Json::array({credential("one")})));
  daemon.start();
  EXPECT_EQ(parse_json(run_cli({"credential", "list", "-o", "json"}, daemon.url()).out).value_or(nullptr),
            envelope(Json::array({credential("one")})));
  EXPECT_EQ(run_cli({"credential", "list", "-o", "name"}, daemon.url()).out, "credential/one\n");
  EXPECT_THAT(run_cli({"credential", "list", "-o", "wide"}, daemon.url()).out, HasSubstr("EXPIRES"));
}

TEST(ListCredentials, Empty) {
  FakeDaemon daemon;
  daemon.answer("GET", kPath, 200, envelope(Json::array()));
  daemon.start();
  const auto outcome = run_cli({"credential", "list"}, daemon.url());
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, StartsWith("ID"));
}

TEST(ListCredentials, ProviderFilter) {
  FakeDaemon daemon;
  daemon.answer("GET", kPath, 200, envelope(Json::array()));
  daemon.start();
  run_cli({"credential", "list", "--provider", "github", "--limit", "7"}, daemon.url());
  EXPECT_EQ(daemon.requests()[0].query_parameter("search"), "provider='github'");
  EXPECT_EQ(daemon.requests()[0].query_parameter("size"), "7");
  run_cli({"credential", "list", "--provider", "x' or name='y"}, daemon.url());
  EXPECT_EQ(daemon.requests()[1].query_parameter("search"), "provider='x'' or name=''y'");
}

TEST(GetCredential, ByIdAndByName) {
  FakeDaemon daemon;
  knows(daemon, "main");
  daemon.answer("GET", kPath + "/{id}", 200, credential("main", {{"expires_at", "2027-01-01T00:00:00Z"}}));
  daemon.start();
  EXPECT_THAT(run_cli({"credential", "get", kId}, daemon.url()).out,
              AllOf(HasSubstr("main"), HasSubstr("EXPIRES"), HasSubstr("2027-01-01T00:00:00Z")));
  EXPECT_THAT(daemon.requests(), SizeIs(1));
  EXPECT_EQ(run_cli({"credential", "get", "main"}, daemon.url()).code, 0);
  EXPECT_EQ(daemon.requests()[1].query_parameter("search"), "name = 'main'");
  EXPECT_EQ(daemon.requests()[2].path, kPath + "/" + kId);
}

TEST(GetCredential, NamesMayBeWordsOfTheCommandLine) {
  for (const std::string name : {"list", "get", "agent"}) {
    FakeDaemon daemon;
    knows(daemon, name);
    daemon.answer("GET", kPath + "/{id}", 200, credential(name));
    daemon.start();
    EXPECT_EQ(run_cli({"credential", "get", name, "-o", "name"}, daemon.url()).out, "credential/" + name + "\n");
  }
}

TEST(GetCredential, MissingId) { EXPECT_EQ(run_cli({"credential", "get"}).code, 2); }

TEST(UpdateCredential, SendsOnlyWhatIsGiven) {
  FakeDaemon daemon;
  daemon.answer("PATCH", kPath + "/{id}", 200, credential("updated-cred"));
  daemon.start();
  const auto outcome = run_cli({"credential", "update", kId, "--description", "new", "--url", ""}, daemon.url());
  EXPECT_EQ(outcome.out, "credential/updated-cred updated\n") << outcome.err;
  EXPECT_EQ(daemon.body(0), Json({{"description", "new"}, {"url", ""}}));
}

TEST(UpdateCredential, MissingId) { EXPECT_EQ(run_cli({"credential", "update"}).code, 2); }

TEST(DeleteCredential, Success) {
  FakeDaemon daemon;
  daemon.on("DELETE", kPath + "/{id}", [](const net::ServerRequest&) { return net::ServerResponse{.status = 204}; });
  daemon.start();
  EXPECT_EQ(run_cli({"credential", "delete", kId, "--confirm"}, daemon.url()).out, "credential/" + kId + " deleted\n");
  EXPECT_EQ(run_cli({"credential", "delete", kId, "--force"}, daemon.url()).code, 0);
  EXPECT_EQ(daemon.requests()[0].query_parameter("force"), std::nullopt);
  EXPECT_EQ(daemon.requests()[1].query_parameter("force"), "true");
}

TEST(DeleteCredential, MissingConfirm) {
  const auto outcome = run_cli({"credential", "delete", "main"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("add --confirm to delete credential/main"));
}

TEST(DeleteCredential, MissingId) { EXPECT_EQ(run_cli({"credential", "delete", "--confirm"}).code, 2); }

TEST(TokenCredential, RawAndJson) {
  FakeDaemon daemon;
  const Json token{{"credential_id", kId}, {"provider", "github"}, {"token", "ghp_x"}};
  daemon.answer("GET", kPath + "/{id}/token", 200, token);
  daemon.start();
  EXPECT_EQ(run_cli({"credential", "token", kId}, daemon.url()).out, "ghp_x\n");
  EXPECT_EQ(parse_json(run_cli({"credential", "token", kId, "-o", "json"}, daemon.url()).out).value_or(nullptr), token);
  EXPECT_EQ(run_cli({"credential", "token"}).code, 2);
}

TEST(BindCredential, Success) {
  FakeDaemon daemon;
  knows(daemon, "main");
  daemon.answer("POST", kPath + "/{id}/bindings", 201, {{"kind", "CredentialBinding"}});
  daemon.start();
  const auto outcome = run_cli({"credential", "bind", "main", "--project", "fracta"}, daemon.url());
  EXPECT_EQ(outcome.out, "credential/main bound to project/fracta\n") << outcome.err;
  EXPECT_EQ(daemon.body(1), Json({{"target", "project/fracta"}}));
  EXPECT_EQ(run_cli({"credential", "bind", "main", "--runtime", "claude"}, daemon.url()).out,
            "credential/main bound to runtime/claude\n");
}

TEST(BindCredential, MissingProject) {
  EXPECT_THAT(run_cli({"credential", "bind", "main"}).err, HasSubstr("--project is required"));
  EXPECT_THAT(run_cli({"credential", "bind", "main", "--project", "a", "--agent", "b"}).err, HasSubstr("exclude"));
}

TEST(BindCredential, MissingName) { EXPECT_EQ(run_cli({"credential", "bind", "--project", "x"}).code, 2); }

TEST(BindCredential, NotFound) {
  FakeDaemon daemon;
  daemon.answer("GET", kPath, 200, envelope(Json::array()));
  daemon.start();
  const auto outcome = run_cli({"credential", "bind", "nope", "--project", "p"}, daemon.url());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("credential \"nope\" not found"));
}

TEST(UnbindCredential, Success) {
  FakeDaemon daemon;
  daemon.on("DELETE", kPath + "/{id}/bindings",
            [](const net::ServerRequest&) { return net::ServerResponse{.status = 204}; });
  daemon.start();
  EXPECT_EQ(run_cli({"credential", "unbind", kId, "--agent", "nightly"}, daemon.url()).out,
            "credential/" + kId + " unbound from agent/nightly\n");
  EXPECT_EQ(daemon.body(0), Json({{"target", "agent/nightly"}}));
}

TEST(CredentialUsage, Table) {
  FakeDaemon daemon;
  daemon.answer("GET", kPath + "/{id}/usage", 200,
                {{"name", "main"},
                 {"bindings", {{{"target", "runtime/claude"}, {"source", "configuration"}}}},
                 {"agents", {{{"name", "a1"}, {"status", "Running"}}}}});
  daemon.start();
  EXPECT_EQ(run_cli({"credential", "usage", kId}, daemon.url()).out,
            "USED BY          HOW\nruntime/claude   fracta.yaml\nagent/a1         running (Running)\n");
}

TEST(RotateKeys, SaysWhatWasDoneAndFailsWithNames) {
  FakeDaemon daemon;
  daemon.answer("POST", kPath + ":rotate-keys", 200,
                {{"sealed", 2}, {"resealed", 1}, {"current", 3}, {"failed", {"old: no key of version 1"}}});
  daemon.start();
  const auto outcome = run_cli({"credential", "rotate-keys", "--dry-run"}, daemon.url());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "would seal: 2 plain, 1 under an older key; already current: 3\n");
  EXPECT_EQ(outcome.err, "error: old: no key of version 1\n");
  EXPECT_EQ(daemon.body(0), Json({{"dry_run", true}}));
}

TEST(SpawnWithCredentials, FlagRepeats) {
  FakeDaemon daemon;
  daemon.answer("POST", "/api/v1/agents", 201, {{"agent", "x"}, {"status", "running"}});
  daemon.start();
  run_cli({"spawn", "x", "--contract", "do", "--credential", "a", "--credential", "b"}, daemon.url());
  EXPECT_EQ(daemon.body(0)["credentials"], Json({"a", "b"}));
}

TEST(MinifyKubeconfig, KeepsOneContextAndWhatItNames) {
  const std::string text =
      "current-context: a\ncontexts:\n- {name: a, context: {cluster: c1, user: u1}}\n"
      "- {name: b, context: {cluster: c2, user: u2, namespace: apps}}\n- {name: x, context: {cluster: gone, user: "
      "u1}}\n"
      "clusters: [{name: c1, cluster: {server: 'https://one'}}, {name: c2, cluster: {server: 'https://two'}}]\n"
      "users: [{name: u1, user: {token: t1}}, {name: u2, user: {token: t2}}]\n";
  const auto small = minify_kubeconfig(text, "b");
  ASSERT_TRUE(small.ok()) << small.error().message;
  EXPECT_EQ(
      *parse_yaml(*small),
      Json({{"apiVersion", "v1"},
            {"kind", "Config"},
            {"current-context", "b"},
            {"contexts", {{{"name", "b"}, {"context", {{"cluster", "c2"}, {"user", "u2"}, {"namespace", "apps"}}}}}},
            {"clusters", {{{"name", "c2"}, {"cluster", {{"server", "https://two"}}}}}},
            {"users", {{{"name", "u2"}, {"user", {{"token", "t2"}}}}}}}));
  EXPECT_THAT(minify_kubeconfig(text, "z").error().message, HasSubstr("there is: a, b, x"));
  EXPECT_THAT(minify_kubeconfig(text, "x").error().message, HasSubstr("not among the clusters"));
  EXPECT_THAT(minify_kubeconfig("secret text", "x").error().message, Not(HasSubstr("secret text")));
}

}  // namespace
}  // namespace fracta::cli
