// Who one is: login, contexts, which token goes where, can-i.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "cli/api_client.hpp"
#include "cli/connection.hpp"
#include "fake_daemon.hpp"
#include "fracta/base/file.hpp"
#include "fracta/net/certificates.hpp"

namespace fracta::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kToken = "token-0123456789";

class Login : public ::testing::Test {
 protected:
  void SetUp() override {
    auto directory = TemporaryDirectory::create("fracta-login-");
    ASSERT_TRUE(directory);
    directory_ = std::make_unique<TemporaryDirectory>(*std::move(directory));
    guard(daemon_);
    daemon_.start();
  }
  // Knows one token.
  static void guard(FakeDaemon& daemon) {
    const auto guarded = [](const Json& body) {
      return [body](const net::ServerRequest& request) {
        if (request.headers.get("Authorization") != std::string("Bearer ") + kToken)
          return net::ServerResponse::json(401, R"({"error":"who are you","reason":"Unauthorized"})");
        return net::ServerResponse::json(200, dump_json(body));
      };
    };
    daemon.on("GET", "/api/v1/auth/whoami", guarded({{"user", "alice"}, {"groups", {"team"}}}));
    daemon.on("GET", "/api/v1/agents", guarded({{"agents", Json::array()}}));
  }
  Outcome fracta(const std::vector<std::string>& arguments, const std::string& input = "",
                 std::map<std::string, std::string> more = {}) {
    more["XDG_CONFIG_HOME"] = directory_->path();
    return run_cli(arguments, "", input, more);
  }
  [[nodiscard]] std::string file() const { return *directory_ / "fracta/config.yaml"; }
  [[nodiscard]] static unsigned mode(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info.st_mode & 0777u;
  }
  std::unique_ptr<TemporaryDirectory> directory_;
  FakeDaemon daemon_;
};

TEST_F(Login, KeepsATokenThatWorksForItsOwnerOnly) {
  const auto done = fracta({"login", daemon_.url(), "--name", "here", "--token-file", "-"}, std::string(kToken) + "\n");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.out, "Logged in to " + daemon_.url() + " as \"alice\"; context \"here\" is the current one.\n");
  EXPECT_EQ(mode(file()), 0600u);
  EXPECT_EQ(mode(*directory_ / "fracta"), 0700u);
  EXPECT_EQ(fracta({"list"}).code, 0) << "the current context is where verbs go";
  EXPECT_EQ(fracta({"auth", "whoami"}).out, "alice\n  group team\n");
  EXPECT_EQ(fracta({"context", "current"}).out, "here\n");
  const auto view = fracta({"context", "view"});
  EXPECT_THAT(view.out, HasSubstr("<redacted>"));
  EXPECT_THAT(view.out + fracta({"context", "list"}).out, Not(HasSubstr(kToken)));
}

TEST_F(Login, AWrongTokenLeavesNothingBehind) {
  const auto refused = fracta({"login", daemon_.url(), "--token-file", "-"}, "wrong-token");
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(refused.err, "Error from server (Unauthorized): who are you\n");
  EXPECT_NE(::access(file().c_str(), F_OK), 0);
}

TEST_F(Login, TokensAreNeverArguments) {
  const auto refused = fracta({"login", daemon_.url(), "--token", kToken});
  EXPECT_EQ(refused.code, kExitUsage);
  EXPECT_THAT(refused.err, Not(HasSubstr(kToken)));
  EXPECT_THAT(fracta({"login", "--help"}).out, Not(HasSubstr("--token ")));
}

TEST_F(Login, FromAFileOrTheEnvironment) {
  const std::string path = *directory_ / "token";
  ASSERT_TRUE(write_file_atomic(path, std::string(kToken) + "\n"));
  ASSERT_EQ(fracta({"login", daemon_.url(), "--token-file", path}).code, 0);
  EXPECT_THAT(read_file(file()).value_or(""), Not(HasSubstr(kToken))) << "renewed by somebody else: only its path";
  EXPECT_EQ(fracta({"list"}).code, 0);
  ASSERT_TRUE(write_file_atomic(path, "renewed-and-refused"));
  EXPECT_THAT(fracta({"list"}).err, HasSubstr("Unauthorized"));
  EXPECT_EQ(fracta({"list"}, "", {{"FRACTA_TOKEN", kToken}}).code, 0);
  ASSERT_TRUE(write_file_atomic(path, kToken));
  EXPECT_EQ(run_cli({"list"}, daemon_.url(), "", {{"FRACTA_TOKEN_FILE", path}}).code, 0) << "without any context";
}

TEST_F(Login, ATokenGoesToItsOwnControlplaneOnly) {
  ASSERT_EQ(fracta({"login", daemon_.url(), "--token-file", "-"}, kToken).code, 0);
  FakeDaemon other;
  other.answer("GET", "/api/v1/agents", 200, {{"agents", Json::array()}});
  other.start();
  EXPECT_EQ(fracta({"list", "--server", other.url()}).code, 0);
  EXPECT_FALSE(other.requests().back().headers.has("Authorization"));
  // The same place named by hand is the same place.
  EXPECT_EQ(fracta({"list", "--server", daemon_.url() + "/"}).code, 0);
}

TEST_F(Login, RedirectsAreNotFollowed) {
  FakeDaemon thief;
  thief.answer("GET", "/api/v1/agents", 200, {{"agents", Json::array()}});
  thief.start();
  FakeDaemon mover;
  mover.answer("GET", "/api/v1/auth/whoami", 200, {{"user", "alice"}});
  mover.on("GET", "/api/v1/agents", [&](const net::ServerRequest&) {
    auto answer = net::ServerResponse::text(307, "");
    answer.headers.set("Location", thief.url() + "/api/v1/agents");
    return answer;
  });
  mover.start();
  ASSERT_EQ(fracta({"login", mover.url(), "--token-file", "-"}, kToken).code, 0);
  EXPECT_EQ(fracta({"list"}).code, 1);
  EXPECT_TRUE(thief.requests().empty());
}

TEST_F(Login, PlainHttpElsewhereGetsNoToken) {
  for (const char* url : {"http://fracta.example.com:9090", "http://10.0.0.1:9090", "http://127.0.0.1.example.com"}) {
    const auto refused = fracta({"login", url, "--token-file", "-"}, kToken);
    EXPECT_EQ(refused.code, 1) << url;
    EXPECT_THAT(refused.err, HasSubstr("use https")) << url;
    const auto list = run_cli({"list"}, url, "", {{"FRACTA_TOKEN", kToken}});
    EXPECT_EQ(list.code, 1);
    EXPECT_THAT(list.err, HasSubstr("is not sent to")) << url;
    EXPECT_THAT(list.err, Not(HasSubstr(kToken)));
  }
}

TEST_F(Login, ATokenInAFileIsReadForEachRequest) {
  const std::string path = *directory_ / "token";
  ASSERT_TRUE(write_file_atomic(path, kToken));
  std::ostringstream ignored;
  std::istringstream in;
  Context context{.out = ignored,
                  .err = ignored,
                  .in = in,
                  .environment = [](const std::string&) { return std::nullopt; },
                  .stop = {}};
  Connection connection;
  connection.url = daemon_.url();
  connection.token = kToken;
  connection.token_file = path;
  auto client = ApiClient::connect(connection, {}, context);
  ASSERT_TRUE(client);
  EXPECT_TRUE(client->call("GET", "/api/v1/agents"));
  ASSERT_TRUE(write_file_atomic(path, "renewed-and-refused\n"));
  EXPECT_EQ(client->call("GET", "/api/v1/agents").error().code, ErrorCode::kUnauthenticated);
  ASSERT_TRUE(write_file_atomic(path, ""));  // being written
  EXPECT_TRUE(client->call("GET", "/api/v1/agents"));
}

TEST_F(Login, AProjectsFileNamesNoPlaceForATokenOfTheEnvironment) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(directory_->path());
  const std::string common = "runtime: {backend: kubernetes, kubernetes: {namespace: fracta, image: x}}\n";
  ASSERT_TRUE(write_file_atomic("fracta.yaml", common + "control_plane_api: {url: \"https://thief.invalid\"}\n"));
  const auto refused = fracta({"list"}, "", {{"FRACTA_TOKEN", kToken}});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("is not sent to https://thief.invalid"), HasSubstr("FRACTA_SERVER")));
  const auto meant = fracta({"list", "--config", "./fracta.yaml"}, "", {{"FRACTA_TOKEN", kToken}});
  EXPECT_THAT(meant.err, HasSubstr("The address is that of control_plane_api.url of ./fracta.yaml. "));
  // On this machine it is the project's own controlplane.
  ASSERT_TRUE(write_file_atomic("fracta.yaml", common + "control_plane_api: {url: \"" + daemon_.url() + "\"}\n"));
  EXPECT_EQ(fracta({"list"}, "", {{"FRACTA_TOKEN", kToken}}).code, 0);
  // What comes before the context one has just logged in to is named when it does not answer.
  ASSERT_EQ(fracta({"login", daemon_.url(), "--name", "here", "--token-file", "-"}, kToken).code, 0);
  ASSERT_TRUE(write_file_atomic("fracta.yaml", common + "control_plane_api: {url: \"http://127.0.0.1:1\"}\n"));
  EXPECT_THAT(fracta({"list"}).err, HasSubstr("of ./fracta.yaml, which comes before the current context \"here\". "));
  std::filesystem::current_path(before);
}

TEST_F(Login, SeveralContexts) {
  FakeDaemon second;
  guard(second);
  second.start();
  ASSERT_EQ(fracta({"login", daemon_.url(), "--name", "a", "--token-file", "-"}, kToken).code, 0);
  ASSERT_EQ(fracta({"login", second.url(), "--name", "b", "--token-file", "-"}, kToken).code, 0);
  EXPECT_EQ(fracta({"context", "list", "-o", "name"}).out, "a\nb\n");
  EXPECT_EQ(fracta({"context", "use", "a"}).code, 0);
  EXPECT_EQ(fracta({"context", "current"}).out, "a\n");
  const auto before = second.requests().size();
  EXPECT_EQ(fracta({"--context", "b", "list"}).code, 0);
  EXPECT_EQ(second.requests().size(), before + 1);
  EXPECT_THAT(fracta({"--context", "c", "list"}).err, HasSubstr("no context \"c\""));
  EXPECT_THAT(fracta({"logout", "b"}).out, HasSubstr("forgotten here"));
  EXPECT_THAT(fracta({"--context", "b", "list"}).err, HasSubstr("Unauthorized"));
  EXPECT_EQ(fracta({"list"}).code, 0) << "a is still logged in";
  EXPECT_EQ(fracta({"context", "delete", "a"}).code, 0);
  EXPECT_EQ(fracta({"context", "current"}).code, 1);
  EXPECT_EQ(fracta({"context", "delete", "a"}).code, 1);
}

TEST_F(Login, AFileThatOthersCouldReadOrRedirectIsRefused) {
  ASSERT_EQ(fracta({"login", daemon_.url(), "--token-file", "-"}, kToken).code, 0);
  ASSERT_EQ(::chmod(file().c_str(), 0644), 0);
  auto refused = fracta({"list"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("chmod 0600"));
  ASSERT_EQ(::unlink(file().c_str()), 0);
  const std::string elsewhere = *directory_ / "elsewhere";
  ASSERT_TRUE(write_file_atomic(elsewhere, "precious"));
  ASSERT_EQ(::symlink(elsewhere.c_str(), file().c_str()), 0);
  refused = fracta({"login", daemon_.url(), "--token-file", "-"}, kToken);
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("symlink"));
  EXPECT_EQ(read_file(elsewhere).value_or(""), "precious");
}

TEST_F(Login, TlsIsVerifiedWithTheGivenAuthority) {
  auto authority = net::make_certificate_authority("test");
  ASSERT_TRUE(authority);
  auto pair = net::issue_certificate(*authority,
                                     {.common_name = "x", .dns_names = {"localhost"}, .ip_addresses = {"127.0.0.1"}});
  ASSERT_TRUE(pair);
  net::ServerOptions options;
  options.tls.certificate_pem = pair->certificate_pem;
  options.tls.key_pem = pair->key_pem;
  auto server = net::HttpServer::create(options, [](const net::ServerRequest& request) {
    const bool known = request.headers.get("Authorization") == std::string("Bearer ") + kToken;
    return net::ServerResponse::json(known ? 200 : 401, known ? R"({"user":"alice","agents":[]})" : "{}");
  });
  ASSERT_TRUE(server);
  (*server)->start();
  const std::string url = "https://" + (*server)->address();
  const auto untrusted = fracta({"login", url, "--token-file", "-"}, kToken);
  EXPECT_EQ(untrusted.code, 1);
  EXPECT_THAT(untrusted.err, HasSubstr("is not trusted"));
  EXPECT_THAT(untrusted.err, HasSubstr("--ca-file"));
  const std::string ca = *directory_ / "ca.crt";
  ASSERT_TRUE(write_file_atomic(ca, authority->certificate_pem));
  EXPECT_EQ(fracta({"login", url, "--ca-file", ca, "--token-file", "-"}, kToken).code, 0);
  EXPECT_EQ(fracta({"list"}).code, 0) << "the authority is part of the context";
  EXPECT_EQ(run_cli({"list"}, url, "", {{"FRACTA_TOKEN", kToken}, {"FRACTA_CA_FILE", ca}}).code, 0);
}

TEST_F(Login, AControlplaneThatAsksNobodyNeedsNoToken) {
  FakeDaemon open;
  open.answer("GET", "/api/v1/auth/whoami", 200, {{"user", ""}, {"anonymous", true}});
  open.start();
  const auto done = fracta({"login", open.url()});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("asks nobody for a token"));
}

TEST(CanI, SaysYesOrNoAndWhy) {
  FakeDaemon daemon;
  daemon.on("POST", "/api/v1/auth/can-i", [](const net::ServerRequest& request) {
    const bool get = request.body.find("\"get\"") != std::string::npos;
    return net::ServerResponse::json(200, get ? R"({"allowed":true})" : R"({"allowed":false,"reason":"no such Role"})");
  });
  daemon.answer("GET", "/api/v1/auth/can-i", 200,
                {{"permissions",
                  {{{"verb", "get"}, {"resource", "agents"}, {"subresource", "log"}, {"allowed", true}},
                   {{"verb", "bind"}, {"resource", "credentials"}, {"subresource", ""}, {"allowed", false}}}}});
  daemon.start();
  const auto yes = run_cli({"auth", "can-i", "get", "agents/log", "x"}, daemon.url());
  EXPECT_EQ(yes.code, 0);
  EXPECT_EQ(yes.out, "yes\n");
  EXPECT_EQ(daemon.body(0), Json({{"verb", "get"}, {"resource", "agents"}, {"subresource", "log"}, {"name", "x"}}));
  const auto no = run_cli({"auth", "can-i", "delete", "agent"}, daemon.url());
  EXPECT_EQ(no.code, 1);
  EXPECT_EQ(no.out, "no\n");
  EXPECT_EQ(no.err, "no such Role\n");
  EXPECT_EQ(run_cli({"auth", "can-i", "--list"}, daemon.url()).out,
            "RESOURCE      VERB   ALLOWED\nagents/log    get    yes\ncredentials   bind   no\n");
  EXPECT_EQ(run_cli({"auth", "can-i"}, daemon.url()).code, kExitUsage);
}

TEST(Connection, OriginsAreComparedWhole) {
  EXPECT_TRUE(same_origin("https://a.example", "https://A.example:443/base"));
  EXPECT_FALSE(same_origin("https://a.example", "http://a.example"));
  EXPECT_FALSE(same_origin("https://a.example", "https://a.example:8443"));
  EXPECT_FALSE(same_origin("https://a.example", "https://a.example.evil"));
  EXPECT_FALSE(same_origin("nonsense", "nonsense"));
}

}  // namespace
}  // namespace fracta::cli
