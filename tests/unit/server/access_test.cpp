// Who may call: header, caches, static tokens, roles, the gate with its limits.
#include <sys/stat.h>
#include <atomic>
#include <thread>

#include "fracta/base/file.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/yaml.hpp"
#include "fracta/server/reviews.hpp"
#include "fracta/server/static_tokens.hpp"
#include "server/access/roles.hpp"
#include "server/access/static_token_file.hpp"
#include "server/rate_limit.hpp"
#include "unit/controlplane/fixture.hpp"

namespace fracta::server {
namespace {

using testing::eventually;
using ::testing::HasSubstr;
using ::testing::Not;

net::ServerRequest with_header(const std::string& value, const std::string& name = "Authorization") {
  net::ServerRequest request;
  request.peer_address = "10.0.0.1";
  request.headers.add(name, value);
  return request;
}
net::ServerRequest with_token(const std::string& token) { return with_header("Bearer " + token); }

std::string jwt(const std::string& payload) {
  return base64url_encode(R"({"alg":"none"})") + "." + base64url_encode(payload) + ".c2ln";
}

Identity named(const std::string& name) {
  Identity identity;
  identity.name = name;
  return identity;
}
Attributes asks(const std::string& verb, const std::string& resource, const std::string& name = "") {
  return {.verb = verb, .resource = resource, .subresource = "", .name = name, .url = ""};
}

TEST(BearerToken, OnlyTheAuthorizationHeaderCounts) {
  EXPECT_EQ(*bearer_token(with_token("abc.def-_~+/=")), "abc.def-_~+/=");
  EXPECT_EQ(*bearer_token(with_header("bearer   abc")), "abc");
  for (const char* header : {"X-Forwarded-Access-Token", "X-Forwarded-User", "Authorization2"}) {
    auto refused = bearer_token(with_header("Bearer abc", header));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnauthenticated) << header;
  }
  net::ServerRequest in_query;
  in_query.query = {{"token", "abc"}, {"access_token", "abc"}};
  EXPECT_FALSE(bearer_token(in_query));
}

TEST(BearerToken, MalformedHeadersAreRefusedWithoutRepeatingThem) {
  for (const std::string value : {"Basic dXNlcjpwdw==", "Bearer", "Bearer ", "Bearer a b", "abc", "Bearer a,b",
                                  "Bearer s\xc3\xa9"
                                  "cret"}) {
    auto refused = bearer_token(with_header(value));
    ASSERT_FALSE(refused) << value;
    EXPECT_EQ(refused.error().code, ErrorCode::kUnauthenticated) << value;
    EXPECT_THAT(refused.error().message, Not(HasSubstr("dXNl"))) << value;
  }
  EXPECT_FALSE(bearer_token(with_token(std::string(20'000, 'a'))));
  auto twice = with_token("one");
  twice.headers.add("authorization", "Bearer two");
  auto refused = bearer_token(twice);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
}

TEST(TokenClaims, ReadsWhatAJwtSaysAndNothingElse) {
  auto claims = token_claims(jwt(R"({"aud":["fracta","x"],"exp":1700000000})"));
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->audiences, (std::vector<std::string>{"fracta", "x"}));
  EXPECT_EQ(*claims->expires, SystemTime{std::chrono::seconds{1'700'000'000}});
  EXPECT_EQ(token_claims(jwt(R"({"aud":"one"})"))->audiences, (std::vector<std::string>{"one"}));
  for (const auto& text : {std::string("opaque"), std::string("a.b.c"), jwt("[1]"), jwt(std::string(5000, '['))})
    EXPECT_FALSE(token_claims(text)) << text.substr(0, 60);
  for (const char* exp : {R"({"exp":1e300})", R"({"exp":-5})", R"({"exp":"x"})", R"({"aud":7})"})
    EXPECT_FALSE(token_claims(jwt(exp))->expires) << exp;
}

class Reviews : public ::testing::Test {
 protected:
  Authenticator authenticator(ReviewOptions options = {}) {
    return make_token_authenticator(
        clock_,
        [this](const std::string& token) -> Result<Identity> {
          ++asked_;
          if (answer_) return answer_(token);
          if (token.starts_with("good")) return named(token);
          return make_error(ErrorCode::kUnauthenticated, "no");
        },
        options);
  }
  FakeClock clock_;
  std::atomic<int> asked_{0};
  std::function<Result<Identity>(const std::string&)> answer_;
};

TEST_F(Reviews, AYesIsBelievedForTenSecondsAndANoForFive) {
  auto who = authenticator();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(who(with_token("good"))->name, "good");
  EXPECT_EQ(asked_, 1);
  clock_.advance(std::chrono::milliseconds(9'999));
  EXPECT_TRUE(who(with_token("good")));
  EXPECT_EQ(asked_, 1);
  clock_.advance(std::chrono::milliseconds(2));
  answer_ = [](const std::string&) { return make_error(ErrorCode::kUnauthenticated, "revoked"); };
  EXPECT_FALSE(who(with_token("good"))) << "a revoked token is out after ten seconds";
  EXPECT_FALSE(who(with_token("good")));
  EXPECT_EQ(asked_, 2);
  answer_ = nullptr;
  clock_.advance(std::chrono::seconds(5));
  EXPECT_TRUE(who(with_token("good")));
}

TEST_F(Reviews, NeverBelievesATokenBeyondItsOwnExpiry) {
  auto who = authenticator();
  answer_ = [](const std::string&) { return named("u"); };
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock_.system_now().time_since_epoch()).count();
  const auto token = jwt(R"({"exp":)" + std::to_string(now + 3) + "}");
  EXPECT_TRUE(who(with_token(token)));
  clock_.advance(std::chrono::seconds(2));
  EXPECT_TRUE(who(with_token(token)));
  EXPECT_EQ(asked_, 1);
  clock_.advance(std::chrono::seconds(1));
  auto expired = who(with_token(token));
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(asked_, 1) << "the cluster need not be asked for that";
}

TEST_F(Reviews, AClusterThatCannotBeAskedIsNoDecision) {
  auto who = authenticator();
  for (auto code :
       {ErrorCode::kUnavailable, ErrorCode::kDeadlineExceeded, ErrorCode::kForbidden, ErrorCode::kInternal}) {
    answer_ = [code](const std::string&) { return make_error(code, "x"); };
    auto refused = who(with_token("good"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  }
  answer_ = nullptr;
  EXPECT_TRUE(who(with_token("good"))) << "nothing of it is remembered";
}

TEST_F(Reviews, OneQuestionAtATimeForOneToken) {
  std::atomic<bool> go{false};
  answer_ = [&](const std::string&) {
    eventually([&] { return go.load(); });
    return Result<Identity>(named("u"));
  };
  auto who = authenticator();
  std::atomic<int> ok{0};
  std::vector<std::jthread> callers;
  for (int i = 0; i < 6; ++i) callers.emplace_back([&] { ok += who(with_token("good")).ok() ? 1 : 0; });
  EXPECT_TRUE(eventually([&] { return asked_ == 1; }));
  go = true;
  callers.clear();
  EXPECT_EQ(ok, 6);
  EXPECT_EQ(asked_, 1);
}

TEST_F(Reviews, ASilentClusterHoldsNoMoreThanAFewWorkers) {
  std::atomic<bool> go{false};
  answer_ = [&](const std::string&) {
    eventually([&] { return go.load(); });
    return Result<Identity>(named("u"));
  };
  ReviewOptions options;
  options.max_waiting = 2;
  auto who = authenticator(options);
  std::vector<std::jthread> callers;
  for (int i = 0; i < 2; ++i)
    callers.emplace_back([&, i] { EXPECT_TRUE(who(with_token("good" + std::to_string(i)))); });
  EXPECT_TRUE(eventually([&] { return asked_ == 2; }));
  auto refused = who(with_token("good3"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  go = true;
}

TEST_F(Reviews, AFloodOfTokensFromOneAddressIsTurnedAwayAndNobodyElse) {
  ReviewOptions options;
  options.tokens_per_peer = {1, 3};
  auto who = authenticator(options);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(who(with_token("bad" + std::to_string(i))).error().code, ErrorCode::kUnauthenticated);
  auto refused = who(with_token("bad4"));
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  ASSERT_TRUE(refused.error().retry_after);
  auto other = with_token("good");
  other.peer_address = "10.0.0.2";
  EXPECT_TRUE(who(other));
  EXPECT_TRUE(who(with_token("good"))) << "a token that is known already passes";
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(who(with_token("bad5")).error().code, ErrorCode::kUnauthenticated);
}

TEST_F(Reviews, DecisionsAreKeptByEverythingThatWasAsked) {
  std::vector<std::string> asked;
  auto may = make_access_authorizer(clock_, [&](const Identity& who, const Attributes& what) -> Result<void> {
    asked.push_back(who.name + " " + what.verb + " " + what.resource + " " + what.name);
    if (what.verb == "delete") return make_error(ErrorCode::kForbidden, "no");
    return {};
  });
  auto alice = named("alice");
  EXPECT_TRUE(may(alice, asks("get", "agents", "a")));
  EXPECT_TRUE(may(alice, asks("get", "agents", "a")));
  EXPECT_TRUE(may(alice, asks("get", "agents", "b")));
  EXPECT_FALSE(may(alice, asks("delete", "agents", "a")));
  EXPECT_FALSE(may(alice, asks("delete", "agents", "a")));
  EXPECT_TRUE(may(named("bob"), asks("get", "agents", "a")));
  auto grouped = named("alice");
  grouped.groups = {"admins"};
  EXPECT_TRUE(may(grouped, asks("get", "agents", "a")));
  // Shifted borders between the parts are another question.
  EXPECT_TRUE(may(alice, asks("get", "agentsa", "")));
  EXPECT_EQ(asked.size(), 6u);
  clock_.advance(std::chrono::seconds(10));
  EXPECT_TRUE(may(alice, asks("get", "agents", "a")));
  EXPECT_EQ(asked.size(), 7u);
}

TEST(RateLimits, ABurstThenTheRate) {
  FakeClock clock;
  RateLimiter limiter(clock, {2, 3});
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limiter.take("a"));
  auto wait = limiter.take("a");
  ASSERT_TRUE(wait);
  EXPECT_EQ(*wait, milliseconds(500));
  EXPECT_FALSE(limiter.take("b"));
  clock.advance(milliseconds(500));
  EXPECT_FALSE(limiter.take("a"));
  EXPECT_TRUE(limiter.take("a"));
  clock.advance(std::chrono::hours(1));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limiter.take("a")) << "never more than the burst";
  EXPECT_TRUE(limiter.take("a"));
}

TEST(RateLimits, TheTableDoesNotGrowAndANetworkCountsOnce) {
  FakeClock clock;
  RateLimiter limiter(clock, {1, 1}, 100);
  for (int i = 0; i < 10'000; ++i) EXPECT_FALSE(limiter.take("peer" + std::to_string(i)));
  EXPECT_EQ(limiter.size(), 100u);
  EXPECT_EQ(peer_key("2001:db8:1:2::1"), peer_key("2001:db8:1:2:ffff::9"));
  EXPECT_NE(peer_key("2001:db8:1:2::1"), peer_key("2001:db8:1:3::1"));
  EXPECT_EQ(peer_key("10.1.2.3"), "10.1.2.3");
  EXPECT_NE(peer_key("::ffff:10.1.2.3"), peer_key("::ffff:10.1.2.4"));
}

class StaticTokenFile : public ::testing::Test {
 protected:
  void SetUp() override {
    auto directory = TemporaryDirectory::create("fracta-tokens-");
    ASSERT_TRUE(directory);
    directory_ = std::make_unique<TemporaryDirectory>(*std::move(directory));
    path_ = *directory_ / "tokens";
  }
  void write(const std::string& text, mode_t mode = 0600) { ASSERT_TRUE(write_file_atomic(path_, text, {mode})); }
  std::unique_ptr<TemporaryDirectory> directory_;
  std::string path_;
};

TEST_F(StaticTokenFile, UsersAndTheirRoles) {
  write(
      "# people\n0123456789abcdef-alice,alice,\"operator,credential-admin\"\n\n0123456789abcdef-bob , bob , viewer\n");
  auto tokens = StaticTokens::create(path_);
  ASSERT_TRUE(tokens) << tokens.error().message;
  auto who = (*tokens)->authenticator();
  auto alice = who(with_token("0123456789abcdef-alice"));
  ASSERT_TRUE(alice);
  EXPECT_EQ(alice->name, "alice");
  auto bob = who(with_token("0123456789abcdef-bob"));
  ASSERT_TRUE(bob);
  for (const char* wrong : {"0123456789abcdef-alic", "0123456789abcdef-alicee", "x"}) {
    auto refused = who(with_token(wrong));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnauthenticated);
    EXPECT_THAT(refused.error().message, Not(HasSubstr(wrong)));
  }
  auto may = StaticTokens::authorizer();
  EXPECT_TRUE(may(*alice, asks("create", "agents")));
  EXPECT_TRUE(may(*alice, asks("fetch_token", "credentials", "c")));
  EXPECT_TRUE(may(*bob, asks("list", "agents")));
  auto refused = may(*bob, asks("create", "agents"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kForbidden);
  EXPECT_THAT(refused.error().message, HasSubstr("user \"bob\" cannot create agents"));
  EXPECT_FALSE(may(Identity{}, asks("list", "agents")));
}

TEST_F(StaticTokenFile, MistakesAreNamedByLineAndNeverRepeated) {
  struct Case {
    const char *text, *what;
  };
  for (const auto& c : std::initializer_list<Case>{
           {"\n0123456789abcdef-secret,alice", "line 2: expected token,user"},
           {"short-secret,alice,viewer", "line 1: a token has at least 16 characters"},
           {"0123456789abcdef-secret,alice,admin", "line 1: unknown role \"admin\""},
           {"0123456789abcdef-secret,,viewer", "line 1: the user's name"},
           {"0123456789abcdef-secret,a,\"viewer", "line 1: expected"},
           {"0123456789abcdef-secret,a,viewer\n0123456789abcdef-secret,b,viewer",
            "line 2: the token stands there twice"},
       }) {
    write(c.text);
    auto refused = StaticTokens::create(path_);
    ASSERT_FALSE(refused) << c.text;
    EXPECT_THAT(refused.error().message, HasSubstr(c.what));
    EXPECT_THAT(refused.error().message, Not(HasSubstr("secret")));
  }
}

TEST_F(StaticTokenFile, OthersMustNotReadIt) {
  const std::string line = "0123456789abcdef-alice,alice,viewer\n";
  for (mode_t mode : {0644u, 0666u, 0620u, 0604u}) {
    write(line, mode);
    auto refused = StaticTokens::create(path_);
    ASSERT_FALSE(refused) << std::oct << mode;
    EXPECT_THAT(refused.error().message, HasSubstr("chmod 0600"));
  }
  for (mode_t mode : {0600u, 0400u, 0440u, 0640u}) {
    write(line, mode);
    EXPECT_TRUE(StaticTokens::create(path_)) << std::oct << mode;
  }
  // As the kubelet mounts a Secret with its default mode.
  write(line, 0644);
  ASSERT_EQ(symlink("..2026", (*directory_ / "..data").c_str()), 0);
  EXPECT_TRUE(StaticTokens::create(path_));
}

TEST_F(StaticTokenFile, AChangedFileCountsWithinASecondAndABrokenOneDoesNot) {
  write("0123456789abcdef-alice,alice,viewer\n");
  auto tokens = StaticTokens::create(path_);
  ASSERT_TRUE(tokens);
  auto who = (*tokens)->authenticator();
  EXPECT_TRUE(who(with_token("0123456789abcdef-alice")));
  write("0123456789abcdef-carol,carol,viewer\n");
  EXPECT_TRUE(eventually([&] { return who(with_token("0123456789abcdef-carol")).ok(); }));
  EXPECT_FALSE(who(with_token("0123456789abcdef-alice"))) << "revoked";
  write("nonsense\n");
  EXPECT_TRUE(who(with_token("0123456789abcdef-carol")));
}

// The same rules in Kubernetes' words and in the static roles.
TEST(Roles, TheShippedRolesSayWhatTheStaticOnesSay) {
  auto text = read_file(FRACTA_SOURCE_DIR "/deployment/k8s/manifests/50-access.yaml");
  ASSERT_TRUE(text);
  auto documents = parse_yaml_stream(*text);
  ASSERT_TRUE(documents);
  std::set<std::string> shipped, ours;
  for (const auto& document : *documents) {
    if (string_at(document, "kind") != "Role") continue;
    if (string_at(document, "metadata/name") == "fracta-ca-reader") continue;  // nothing of the API's
    const auto role = string_at(document, "metadata/name").substr(std::string("fracta-").size());
    for (const auto& rule : document["rules"])
      for (const auto& resource : rule["resources"]) {
        const auto name = resource.get<std::string>();
        EXPECT_EQ(rule["apiGroups"], Json::array({name.substr(0, name.find('/')) + ".fracta.io"}));
        for (const auto& verb : rule["verbs"]) shipped.insert(role + " " + verb.get<std::string>() + " " + name);
      }
  }
  for (const auto& rule : role_rules()) {
    if (!rule.url.empty()) continue;
    ours.insert(std::string(rule.role) + " " + std::string(rule.verb) + " " + std::string(rule.resource) +
                (rule.subresource.empty() ? "" : "/" + std::string(rule.subresource)));
  }
  EXPECT_EQ(shipped, ours);
}

}  // namespace
}  // namespace fracta::server
