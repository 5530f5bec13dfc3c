// How the controlplane is asked, and what is made of its answers: the kind ones and the hostile ones.
#include "runner/credentials/token_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <mutex>

#include <nlohmann/json.hpp>

#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/net/certificates.hpp"
#include "fracta/net/http_server.hpp"

namespace fracta::runner {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = Fetched::Kind;

constexpr const char* kSecret = "very-secret-value";

class Controlplane {
 public:
  using Handler = std::function<net::ServerResponse(const net::ServerRequest&)>;
  explicit Controlplane(net::ServerTlsOptions tls = {}) {
    net::ServerOptions options;
    options.tls = std::move(tls);
    auto made = net::HttpServer::create(options, [this](const net::ServerRequest& request) {
      std::lock_guard lock(mutex_);
      seen_.push_back(request.method + " " + request.target + " " +
                      std::string(request.headers.get("Authorization").value_or("")));
      etags_.push_back(request.headers.get("If-None-Match").value_or(""));
      return handler_(request);
    });
    EXPECT_TRUE(made.ok());
    server_ = *std::move(made);
    server_->start();
  }
  void answer(Handler handler) {
    std::lock_guard lock(mutex_);
    handler_ = std::move(handler);
  }
  void answer(int status, std::string body) {
    answer([=](const net::ServerRequest&) { return net::ServerResponse::json(status, body); });
  }
  [[nodiscard]] int port() const { return server_->port(); }
  std::vector<std::string> seen() {
    std::lock_guard lock(mutex_);
    return seen_;
  }
  std::vector<std::string> etags() {
    std::lock_guard lock(mutex_);
    return etags_;
  }

 private:
  std::mutex mutex_;
  Handler handler_ = [](const net::ServerRequest&) { return net::ServerResponse::json(500, "{}"); };
  std::vector<std::string> seen_, etags_;
  std::unique_ptr<net::HttpServer> server_;
};

class TokenClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TemporaryDirectory::create("fracta-run-");
    ASSERT_TRUE(made);
    directory_.emplace(std::move(*made));
    write_token("pod-token-1\n");
    credential_ = {"cred1", "prod", credentials::find_provider("github")};
  }
  void write_token(const std::string& text) const { std::ofstream(*directory_ / "token") << text; }
  Manifest manifest(const std::string& url, const std::string& ca = "") const {
    Manifest out;
    out.controlplane = *net::parse_url(url);
    out.ca_pem = ca;
    out.token_file = *directory_ / "token";
    out.credentials = {credential_};
    return out;
  }
  Fetched fetch(const std::string& etag = "") {
    if (!client_) client_ = *TokenClient::create(manifest("http://127.0.0.1:" + std::to_string(server_.port())));
    return client_->fetch(credential_, etag, std::chrono::milliseconds{3'000}, {});
  }
  static std::string body(const Json& changes = Json::object()) {
    Json json = {{"credential_id", "cred1"}, {"provider", "github"}, {"token", kSecret}};
    json.update(changes);
    return json.dump();
  }

  std::optional<TemporaryDirectory> directory_;
  ManifestCredential credential_;
  Controlplane server_;
  std::unique_ptr<TokenClient> client_;
};

TEST_F(TokenClientTest, ReadsTheCredentialAndSaysWhoAsks) {
  server_.answer([](const net::ServerRequest&) {
    auto response = net::ServerResponse::json(200, body({{"url", "https://ghe.example"}, {"email", "a@b.example"}}));
    response.headers.add("ETag", "\"7\"");
    return response;
  });
  const auto fetched = fetch();
  ASSERT_EQ(fetched.kind, Kind::kNew) << fetched.why;
  EXPECT_EQ(fetched.credential.token, kSecret);
  EXPECT_EQ(fetched.credential.url, "https://ghe.example");
  EXPECT_EQ(fetched.credential.email, "a@b.example");
  EXPECT_EQ(fetched.credential.name, "prod");
  EXPECT_EQ(fetched.etag, "\"7\"");
  EXPECT_THAT(server_.seen(), ElementsAre("GET /api/v1/credentials/cred1/token Bearer pod-token-1"));
}

TEST_F(TokenClientTest, AnUnchangedOneCostsNoBody) {
  server_.answer([](const net::ServerRequest&) { return net::ServerResponse::json(304, ""); });
  EXPECT_EQ(fetch("\"7\"").kind, Kind::kUnchanged);
  EXPECT_THAT(server_.etags(), ElementsAre("\"7\""));
  EXPECT_EQ(fetch().kind, Kind::kRefused) << "nothing to be unchanged";
}

TEST_F(TokenClientTest, A401IsAskedOnceMoreWithTheTokenOfThatMoment) {
  server_.answer([this](const net::ServerRequest& request) {
    if (request.headers.get("Authorization") == "Bearer pod-token-2") return net::ServerResponse::json(200, body());
    write_token("pod-token-2");
    return net::ServerResponse::json(401, "{}");
  });
  EXPECT_EQ(fetch().kind, Kind::kNew);
  EXPECT_EQ(server_.seen().size(), 2u);
  server_.answer(401, R"({"reason":"token of another audience"})");
  const auto fetched = fetch();
  EXPECT_EQ(fetched.kind, Kind::kRefused);
  EXPECT_THAT(fetched.why, HasSubstr("answered 401 Unauthorized: token of another audience"));
  EXPECT_EQ(server_.seen().size(), 4u);
}

TEST_F(TokenClientTest, AnswersByTheirMeaning) {
  for (const auto& [status, kind] : std::map<int, Kind>{{400, Kind::kRefused},
                                                        {403, Kind::kRevoked},
                                                        {404, Kind::kRevoked},
                                                        {408, Kind::kFailed},
                                                        {410, Kind::kRefused},
                                                        {429, Kind::kFailed},
                                                        {500, Kind::kFailed},
                                                        {503, Kind::kFailed}}) {
    server_.answer(status, R"({"kind":"Error","reason":"why so"})");
    const auto fetched = fetch();
    EXPECT_EQ(fetched.kind, kind) << status;
    EXPECT_THAT(fetched.why, AllOf(HasSubstr(std::to_string(status)), HasSubstr("why so")));
  }
}

TEST_F(TokenClientTest, RetryAfterIsObeyedWithinReason) {
  std::string after = "7";
  server_.answer([&](const net::ServerRequest&) {
    auto response = net::ServerResponse::json(503, "{}");
    response.headers.add("Retry-After", after);
    return response;
  });
  EXPECT_EQ(fetch().retry_after, std::chrono::seconds{7});
  after = "99999999999";
  EXPECT_EQ(fetch().retry_after, std::chrono::seconds{60});
  after = "-1";
  EXPECT_FALSE(fetch().retry_after);
}

TEST_F(TokenClientTest, RedirectsAreNotFollowed) {
  Controlplane elsewhere;
  elsewhere.answer(200, body());
  for (const int status : {301, 302, 303, 307, 308}) {
    server_.answer([&](const net::ServerRequest&) {
      auto response = net::ServerResponse::json(status, "{}");
      response.headers.add("Location", "http://127.0.0.1:" + std::to_string(elsewhere.port()) + "/x");
      return response;
    });
    const auto fetched = fetch();
    EXPECT_EQ(fetched.kind, Kind::kRefused) << status;
    EXPECT_THAT(fetched.why, HasSubstr("redirects are not followed"));
  }
  EXPECT_TRUE(elsewhere.seen().empty()) << "the token is for one host";
}

TEST_F(TokenClientTest, BodiesThatAreNoAnswerAreRefusedWithoutRepeatingThem) {
  for (const std::string& bad : std::vector<std::string>{
           "", "null", "[]", "{\"token\":", body() + body(), "very-secret-value", "{\"credential_id\":\"cred1\"}",
           body({{"credential_id", "cred2"}}), body({{"provider", "gitlab"}}), body({{"token", ""}}),
           body({{"token", 7}}), body({{"token", "  \n"}}), body({{"token", std::string("a\0b", 3)}}),
           body({{"url", std::string("a\0b", 3)}}), std::string(1000, '['),
           R"({"credential_id":"cred1","provider":"github","token":"very-secret-value","token":"b"})"}) {
    server_.answer(200, bad);
    const auto fetched = fetch();
    EXPECT_EQ(fetched.kind, Kind::kRefused) << bad.substr(0, 80);
    EXPECT_THAT(fetched.why, Not(HasSubstr(kSecret)));
  }
}

TEST_F(TokenClientTest, ABodyWithoutEndIsCutOff) {
  server_.answer([](const net::ServerRequest&) {
    net::ServerResponse response;
    response.stream = [](net::ResponseStream& stream) {
      const std::string piece(64u << 10, 'x');
      for (int i = 0; i < 1000 && stream.write(piece); ++i) {
      }
    };
    return response;
  });
  EXPECT_EQ(fetch().kind, Kind::kRefused);
}

TEST_F(TokenClientTest, ALargeKubeconfigFits) {
  const std::string big(1u << 20, 'k');
  server_.answer(200, body({{"token", big}}));
  const auto fetched = fetch();
  ASSERT_EQ(fetched.kind, Kind::kNew) << fetched.why;
  EXPECT_EQ(fetched.credential.token, big);
}

TEST_F(TokenClientTest, ATokenFileCannotAddHeaders) {
  server_.answer(200, body());
  write_token("pod-token\r\nX-Injected: yes");
  EXPECT_EQ(fetch().kind, Kind::kRefused);
  EXPECT_TRUE(server_.seen().empty());
  write_token("");
  EXPECT_THAT(fetch().why, HasSubstr("is empty"));
  std::filesystem::remove(*directory_ / "token");
  EXPECT_EQ(fetch().kind, Kind::kFailed) << "it may come back";
}

TEST_F(TokenClientTest, NobodyThereIsWorthAnotherTry) {
  int port = 0;
  {
    Controlplane gone;
    port = gone.port();
  }
  client_ = *TokenClient::create(manifest("http://127.0.0.1:" + std::to_string(port)));
  EXPECT_EQ(fetch().kind, Kind::kFailed);
}

TEST_F(TokenClientTest, AStopEndsTheWait) {
  std::stop_source stop;
  stop.request_stop();
  client_ = *TokenClient::create(manifest("http://127.0.0.1:" + std::to_string(server_.port())));
  EXPECT_EQ(client_->fetch(credential_, "", std::chrono::milliseconds{3'000}, stop.get_token()).kind, Kind::kCanceled);
}

TEST_F(TokenClientTest, OnlyTheManifestsAuthorityIsTrusted) {
  const auto authority = *net::make_certificate_authority("right");
  const auto other = *net::make_certificate_authority("wrong");
  net::CertificateRequest request;
  request.common_name = "controlplane";
  request.ip_addresses = {"127.0.0.1"};
  const auto pair = *net::issue_certificate(authority, request);
  net::ServerTlsOptions tls;
  tls.certificate_pem = pair.certificate_pem;
  tls.key_pem = pair.key_pem;
  Controlplane server(tls);
  server.answer(200, body());
  const std::string url = "https://127.0.0.1:" + std::to_string(server.port());
  client_ = *TokenClient::create(manifest(url, authority.certificate_pem));
  EXPECT_EQ(fetch().kind, Kind::kNew);
  client_ = *TokenClient::create(manifest(url, other.certificate_pem));
  EXPECT_EQ(fetch().kind, Kind::kRefused);
  client_ = *TokenClient::create(manifest(url));
  EXPECT_EQ(fetch().kind, Kind::kRefused) << "the system's store does not know it";
  EXPECT_EQ(server.seen().size(), 1u) << "no token before the server has been verified";
}

// ---- The manifest ----

Json good_manifest() {
  return {{"version", 1},
          {"controlplane", {{"url", "https://cp.fracta.svc:9090"}, {"ca", ""}}},
          {"token_file", "/var/run/fracta-identity/token"},
          {"paths", {{"kubeconfig", "/tmp/.ambient_kubeconfig"}, {"directory", "/tmp"}, {"workspace", "/workspace"}}},
          {"credentials", Json::array({{{"id", "b"}, {"name", "prod"}, {"provider", "kubeconfig"}},
                                       {{"id", "a"}, {"name", "bot"}, {"provider", "github"}}})}};
}

TEST(Manifest, IsReadInTheOrderOfTheProviders) {
  const auto manifest = parse_manifest(good_manifest().dump());
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->controlplane.to_string(), "https://cp.fracta.svc:9090");
  ASSERT_EQ(manifest->credentials.size(), 2u);
  EXPECT_EQ(manifest->credentials[0].name, "bot");
}

TEST(Manifest, WhatCouldLeadSomewhereElseIsRefused) {
  const auto refuses = [](const char* path, Json value) {
    Json json = good_manifest();
    json[Json::json_pointer(path)] = std::move(value);
    const auto manifest = parse_manifest(json.dump());
    return manifest ? "accepted" : manifest.error().message;
  };
  EXPECT_THAT(refuses("/controlplane/url", "http://cp.fracta.svc:9090"), HasSubstr("in clear"));
  EXPECT_THAT(refuses("/controlplane/url", "http://127.0.0.1.evil.example"), HasSubstr("in clear"));
  EXPECT_THAT(refuses("/controlplane/url", "https://u:p@cp"), HasSubstr("controlplane.url"));
  EXPECT_THAT(refuses("/controlplane/url", "ftp://cp"), HasSubstr("controlplane.url"));
  EXPECT_THAT(refuses("/controlplane/url", ""), HasSubstr("controlplane.url"));
  EXPECT_THAT(refuses("/version", 2), HasSubstr("version"));
  EXPECT_THAT(refuses("/token_file", "token"), HasSubstr("token_file"));
  EXPECT_THAT(refuses("/paths/kubeconfig", "/tmp/../etc/passwd"), HasSubstr("paths"));
  EXPECT_THAT(refuses("/paths/directory", "tmp"), HasSubstr("paths"));
  EXPECT_THAT(refuses("/credentials/0/id", "../../agents"), HasSubstr("is no id"));
  EXPECT_THAT(refuses("/credentials/0/id", "a?x=1"), HasSubstr("is no id"));
  EXPECT_THAT(refuses("/credentials/0/provider", "gitea"), HasSubstr("not known"));
  EXPECT_THAT(refuses("/credentials", Json::array()), HasSubstr("list"));
}

TEST(Manifest, NoFileMeansNoCredentials) {
  const auto none = load_manifest("/no/such/credentials.json");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_value());
}

}  // namespace
}  // namespace fracta::runner
