// What every request passes before a handler: who, how often, may they; and which routes ask for what.
#include "fracta/server/api_server.hpp"
#include "unit/controlplane/fixture.hpp"

namespace fracta {
namespace {

using net::ServerRequest;
using net::ServerResponse;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class GateTest : public testing::ControlPlaneTest {
 protected:
  void SetUp() override {
    ControlPlaneTest::SetUp();
    options_.host = "";
    options_.authenticate = [this](const ServerRequest& request) -> Result<server::Identity> {
      ++authenticated_;
      if (identity_error_) return *identity_error_;
      auto token = server::bearer_token(request);
      if (!token) return token.error();
      server::Identity identity;
      identity.name = *token;
      return identity;
    };
    options_.authorize = [this](const server::Identity& who, const server::Attributes& what) -> Result<void> {
      auto text = what.verb + " " + (what.url.empty() ? what.resource : what.url) +
                  (what.subresource.empty() ? "" : "/" + what.subresource) + (what.name.empty() ? "" : " " + what.name);
      asked_.push_back(text);
      if (denied_.contains(text) || who.name == "nobody") return make_error(ErrorCode::kForbidden, "no: " + text);
      if (broken_) return make_error(ErrorCode::kUnavailable, "cluster down");
      return {};
    };
    serve();
  }
  void TearDown() override { api_.reset(); }
  void serve() {
    api_.reset();
    auto& plane = ready();  // makes metrics_
    api_ = std::make_unique<server::Api>(plane, time_, *metrics_, options_);
  }

  ServerResponse call(const std::string& method, const std::string& target, const std::string& body = "",
                      const std::string& token = "alice") {
    ServerRequest request;
    request.method = method;
    request.target = target;
    request.peer_address = peer_;
    auto mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string::npos) request.query = net::parse_query(target.substr(mark + 1));
    std::istringstream pieces(request.path.substr(1));
    for (std::string piece; std::getline(pieces, piece, '/');) request.segments.push_back(piece);
    request.headers.add("Host", "fracta:9090");
    if (!token.empty()) request.headers.add("Authorization", "Bearer " + token);
    if (!body.empty()) request.headers.add("Content-Type", "application/json");
    request.body = body;
    asked_.clear();
    return api_->handle(request);
  }

  FakeClock time_;  // of the API; the control plane's is real
  server::Options options_;
  std::unique_ptr<server::Api> api_;
  int authenticated_ = 0;
  std::optional<Error> identity_error_;
  std::vector<std::string> asked_;
  std::set<std::string> denied_;
  bool broken_ = false;
  std::string peer_ = "10.0.0.1";
};

TEST_F(GateTest, EveryRouteAsksForWhatTheDocumentSays) {
  struct Case {
    const char *method, *target, *body, *asked;
  };
  for (const auto& c : std::initializer_list<Case>{
           {"POST", "/api/v1/agents", R"({"task":"a"})", "create agents"},
           {"POST", "/api/v1/agents/dry-run", "", "create agents"},
           {"GET", "/api/v1/agents", "", "list agents"},
           {"GET", "/api/v1/agents/x", "", "get agents x"},
           {"HEAD", "/api/v1/agents/x", "", "get agents x"},
           {"DELETE", "/api/v1/agents/x", "", "delete agents x"},
           {"GET", "/api/v1/agents/x/logs", "", "get agents/log x"},
           {"GET", "/api/v1/agents/x/peek", "", "get agents/log x"},
           {"GET", "/api/v1/agents/x/events", "", "get agents/events x"},
           {"POST", "/api/v1/agents/x/events", R"({"events":[]})", "create agents/events x"},
           {"GET", "/api/v1/agents/x/watch", "", "watch agents x"},
           {"GET", "/api/v1/watch", "", "watch agents"},
           {"GET", "/metrics", "", "get /metrics"},
       }) {
    const auto allowed = call(c.method, c.target, c.body);
    EXPECT_NE(allowed.status, 403) << c.target;
    EXPECT_THAT(asked_, Contains(c.asked)) << c.method << " " << c.target;
    const auto refused = call(c.method, c.target, c.body, "nobody");
    EXPECT_EQ(refused.status, 403) << c.target;
    EXPECT_THAT(refused.body, HasSubstr(c.asked));
    const auto unknown = call(c.method, c.target, c.body, "");
    EXPECT_EQ(unknown.status, 401) << c.target;
    EXPECT_THAT(unknown.headers.get("WWW-Authenticate").value_or(""), StartsWith("Bearer"));
    EXPECT_THAT(unknown.body, HasSubstr("\"reason\":\"Unauthorized\""));
  }
}

TEST_F(GateTest, ProbesArePublicAndNothingElseIs) {
  for (const char* path : {"/livez", "/readyz", "/healthz", "/livez/ping", "/readyz?verbose"}) {
    EXPECT_EQ(call("GET", path, "", "").status, 200) << path;
    EXPECT_THAT(asked_, IsEmpty());
  }
  EXPECT_EQ(authenticated_, 0);
  for (const char* path : {"/version", "/livezz", "/readyz/../api/v1/agents", "/nothing", "/api/v1/auth/whoami",
                           "/api/v1/credentials/stage/x"})
    EXPECT_EQ(call("GET", path, "", "").status, 401) << path;
  EXPECT_EQ(call("PATCH", "/api/v1/agents", "", "").status, 401) << "not even which methods there are";
  EXPECT_EQ(call("PATCH", "/api/v1/agents").status, 405);
  EXPECT_EQ(call("GET", "/nothing").status, 404);
}

TEST_F(GateTest, AsksOncePerRequestAndSaysWhoSpawned) {
  authenticated_ = 0;
  ASSERT_EQ(call("POST", "/api/v1/agents", R"({"task":"a1"})").status, 201);
  EXPECT_EQ(authenticated_, 1);
}

TEST_F(GateTest, ACredentialInASpawnNeedsTheVerbBind) {
  denied_ = {"bind credentials prod"};
  auto refused = call("POST", "/api/v1/agents", R"({"task":"a1","credentials":["prod"]})");
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_EQ(call("GET", "/api/v1/agents/a1").status, 404) << "nothing was made";
}

TEST_F(GateTest, AClusterThatCannotBeAskedIs503WithRetryAfterAndNeverOpen) {
  identity_error_ = make_error(ErrorCode::kUnavailable, "down");
  auto answer = call("GET", "/api/v1/agents");
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(answer.headers.has("Retry-After"));
  EXPECT_EQ(call("GET", "/livez").status, 200);
  identity_error_.reset();
  broken_ = true;
  EXPECT_EQ(call("GET", "/api/v1/agents").status, 503);
}

TEST_F(GateTest, TooManyRequestsOfOneIdentityOrAddress) {
  options_.per_identity = {1, 3};
  options_.per_peer = {1, 5};
  serve();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(call("GET", "/api/v1/agents").status, 200);
  auto refused = call("GET", "/api/v1/agents");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.get("Retry-After"), "1");
  EXPECT_THAT(refused.body, HasSubstr("TooManyRequests"));
  EXPECT_EQ(call("GET", "/api/v1/agents", "", "bob").status, 200);
  authenticated_ = 0;
  EXPECT_EQ(call("GET", "/api/v1/agents", "", "carol").status, 429) << "the address has had its share";
  EXPECT_EQ(authenticated_, 0) << "nobody is asked about it";
  EXPECT_EQ(call("GET", "/readyz").status, 200) << "probes are not counted";
  peer_ = "10.0.0.2";
  EXPECT_EQ(call("GET", "/api/v1/agents", "", "carol").status, 200);
  time_.advance(std::chrono::seconds(1));
  EXPECT_EQ(call("GET", "/api/v1/agents").status, 200);
}

TEST_F(GateTest, MutatingCallsAndRefusalsAreAudited) {
  ::testing::internal::CaptureStderr();
  auto spawned = call("POST", "/api/v1/agents", R"({"task":"a1","contract":"hidden-contract"})");
  call("DELETE", "/api/v1/agents/a1\n{\"level\":\"forged\"}", "", "nobody");
  call("DELETE", "/api/v1/agents/a1", "", "");
  call("GET", "/api/v1/agents");
  const auto text = ::testing::internal::GetCapturedStderr();
  std::vector<Json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    auto json = parse_json(line);
    if (json && string_at(*json, "component") == "audit") lines.push_back(*json);
  }
  ASSERT_EQ(lines.size(), 3u) << text;
  EXPECT_EQ(lines[0]["user"], "alice");
  EXPECT_EQ(lines[0]["peer"], "10.0.0.1");
  EXPECT_EQ(lines[0]["verb"], "create");
  EXPECT_EQ(lines[0]["resource"], "agents");
  EXPECT_EQ(lines[0]["name"], "a1");
  EXPECT_EQ(lines[0]["status"], 201);
  EXPECT_EQ(lines[0]["outcome"], "allowed");
  EXPECT_EQ(lines[0]["request_id"], *spawned.headers.get("X-Request-Id"));
  EXPECT_EQ(lines[1]["outcome"], "refused");
  EXPECT_EQ(lines[1]["status"], 403);
  EXPECT_EQ(lines[2]["status"], 401);
  EXPECT_THAT(text, Not(HasSubstr("hidden-contract")));
  EXPECT_THAT(text, Not(HasSubstr("Bearer")));
}

TEST_F(GateTest, WhoAmIAndWhatMayIDo) {
  auto who = Json::parse(call("GET", "/api/v1/auth/whoami").body);
  EXPECT_EQ(who["user"], "alice");
  EXPECT_EQ(who["anonymous"], false);
  denied_ = {"delete agents a1", "delete agents"};
  auto yes = Json::parse(call("POST", "/api/v1/auth/can-i", R"({"verb":"create","resource":"agents"})").body);
  EXPECT_EQ(yes, Json({{"allowed", true}}));
  auto no =
      Json::parse(call("POST", "/api/v1/auth/can-i", R"({"verb":"delete","resource":"agents","name":"a1"})").body);
  EXPECT_EQ(no["allowed"], false);
  EXPECT_THAT(no["reason"].get<std::string>(), HasSubstr("delete agents a1"));
  EXPECT_EQ(call("POST", "/api/v1/auth/can-i", R"({"verb":"get","resource":"secrets"})").status, 400);
  EXPECT_EQ(call("POST", "/api/v1/auth/can-i", R"({"resource":"agents"})").status, 400);
  bool seen = false;
  const auto all = Json::parse(call("GET", "/api/v1/auth/can-i").body);
  for (const auto& one : all["permissions"]) {
    if (one["verb"] != "delete" || one["resource"] != "agents") continue;
    seen = true;
    EXPECT_EQ(one["allowed"], false);
  }
  EXPECT_TRUE(seen);
}

TEST_F(GateTest, WithoutAuthenticationOnlyLoopbackAddressesAreServed) {
  server::Options open;
  open.host = "0.0.0.0";
  auto refused = server::ApiServer::create(plane(), clock_, *metrics_, open);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("loopback"));
}

}  // namespace
}  // namespace fracta
