// The credentials API without a socket: a control plane on a fake cluster, a real store over fake Secrets, and callers
// with the rights a test gives them.
#pragma once

#include <map>
#include <set>
#include <sstream>
#include <string>

#include "fracta/base/json.hpp"
#include "fracta/credentials/keyring.hpp"
#include "fracta/credentials/store.hpp"
#include "fracta/server/api_server.hpp"
#include "unit/controlplane/fixture.hpp"
#include "unit/credentials/fake_secrets.hpp"
#include "unit/credentials/kubeconfig_samples.hpp"

namespace fracta::testing {

class CredentialsApi : public ControlPlaneTest {
 protected:
  using Secrets = credentials::testing::FakeSecrets;

  void SetUp() override {
    ControlPlaneTest::SetUp();
    serve();
  }
  void TearDown() override { api_.reset(); }

  void serve(std::shared_ptr<const credentials::Keyring> keyring = nullptr) {
    api_.reset();
    options_.credential_store = credentials::make_secret_store(secrets_, std::move(keyring), clock_, {"fracta"});
    options_.endpoint = {[] { return "https://cp:9090"; }, nullptr, "fracta"};
    server::Options options;
    options.host = "127.0.0.1";
    // The bearer token is the user's name; no token is nobody.
    options.authenticate = [this](const net::ServerRequest& request) -> Result<server::Identity> {
      auto token = server::bearer_token(request);
      if (!token) return token.error();
      server::Identity identity;
      identity.name = *token;
      if (const auto pod = pods_.find(*token); pod != pods_.end()) identity.pod = pod->second;
      return identity;
    };
    options.authorize = [this](const server::Identity& who, const server::Attributes& what) -> Result<void> {
      const auto rights = rights_.find(who.name);
      if (rights != rights_.end())
        for (const auto& right : {what.verb + " " + what.name, what.verb, std::string("*")})
          if (rights->second.count(right) != 0) return {};
      return make_error(ErrorCode::kForbidden, who.name + " may not " + what.verb + " " + what.resource);
    };
    auto& plane = ready();
    api_ = std::make_unique<server::Api>(plane, clock_, *metrics_, options);
  }

  static net::ServerRequest make(const std::string& method, const std::string& target, const std::string& body = "") {
    net::ServerRequest request;
    request.method = method;
    request.target = target;
    const auto mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string::npos) request.query = net::parse_query(target.substr(mark + 1));
    std::istringstream pieces(request.path.substr(1));
    for (std::string piece; std::getline(pieces, piece, '/');) request.segments.push_back(piece);
    request.headers.add("Host", "127.0.0.1:9090");
    if (!body.empty()) request.headers.add("Content-Type", "application/json");
    request.body = body;
    return request;
  }
  net::ServerResponse call(const std::string& method, const std::string& target, const std::string& body = "",
                           const net::Headers& headers = {}) {
    auto request = make(method, target, body);
    request.headers.add("Authorization", "Bearer " + user_);
    for (const auto& [name, value] : headers.entries()) request.headers.add(name, value);
    return api_->handle(request);
  }
  static Json json(const net::ServerResponse& response) {
    return response.body.empty() ? Json() : Json::parse(response.body);
  }
  static std::string reason(const net::ServerResponse& response) { return string_at(json(response), "reason"); }
  // POSTs one and gives its id.
  std::string create(const std::string& name, const std::string& provider = "github",
                     const std::string& token = "ghp_0123456789abcdefghij") {
    const auto made =
        call("POST", "/api/v1/credentials", dump_json({{"name", name}, {"provider", provider}, {"token", token}}));
    EXPECT_EQ(made.status, 201) << made.body;
    return string_at(json(made), "id");
  }

  std::shared_ptr<Secrets> secrets_ = std::make_shared<Secrets>();
  std::string user_ = "admin";
  std::map<std::string, std::set<std::string>> rights_{{"admin", {"*"}}};
  std::map<std::string, server::PodIdentity> pods_;
  std::unique_ptr<server::Api> api_;
};

}  // namespace fracta::testing
