#include "fracta/kube/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fracta/base/json.hpp"
#include "unit/kube/fake_transport.hpp"

namespace fracta::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

const net::Headers kRetryIn1{{"Retry-After", "1"}};

Json job(const std::string& name) { return {{"kind", "Job"}, {"metadata", {{"name", name}}}}; }

struct RetryCase {
  std::string name;
  std::string method;
  Answer first;
  bool retried;
  ErrorCode code = ErrorCode::kInternal;  // when not
};

class RetryTest : public ::testing::TestWithParam<RetryCase> {};

TEST_P(RetryTest, SendsAgainOnlyWhatIsSafe) {
  const auto& c = GetParam();
  FakeServer server;
  server.transport->script({c.first, ok("{}")});
  auto answer = c.method == "GET"    ? server.client->get(kJobs, "ns", "a")
                : c.method == "POST" ? server.client->create(kJobs, "ns", job("a"))
                : c.method == "PUT"  ? server.client->update(kJobs, "ns", "a", job("a"))
                                     : server.client->patch(kJobs, "ns", "a", "application/merge-patch+json", job("a"));
  EXPECT_EQ(server.requests().size(), c.retried ? 2u : 1u);
  EXPECT_EQ(answer.ok(), c.retried) << (answer ? "" : answer.error().message);
  if (!c.retried) {
    EXPECT_EQ(answer.error().code, c.code);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, RetryTest,
    ::testing::Values(
        RetryCase{"Get429WithRetryAfter", "GET", status(429, "TooManyRequests", "slow", kRetryIn1), true},
        RetryCase{"Get429Without", "GET", status(429, "TooManyRequests"), false, ErrorCode::kResourceExhausted},
        RetryCase{"Get503WithRetryAfter", "GET", status(503, "ServiceUnavailable", "", kRetryIn1), true},
        RetryCase{"Get503Without", "GET", status(503, "ServiceUnavailable"), false, ErrorCode::kUnavailable},
        RetryCase{"Get500WithRetryAfter", "GET", status(500, "InternalError", "", kRetryIn1), true},
        RetryCase{"Get404WithRetryAfter", "GET", status(404, "NotFound", "", kRetryIn1), false, ErrorCode::kNotFound},
        RetryCase{"GetRefused", "GET", failure(ErrorCode::kUnavailable), true},
        RetryCase{"GetBadCertificate", "GET", failure(ErrorCode::kUnauthenticated, "x509"), false,
                  ErrorCode::kUnauthenticated},
        RetryCase{"GetTimedOut", "GET", failure(ErrorCode::kDeadlineExceeded, "late"), false,
                  ErrorCode::kDeadlineExceeded},
        RetryCase{"Post429WithRetryAfter", "POST", status(429, "TooManyRequests", "", kRetryIn1), true},
        RetryCase{"Post503WithRetryAfter", "POST", status(503, "ServiceUnavailable", "", kRetryIn1), true},
        RetryCase{"Post504WithRetryAfter", "POST", status(504, "Timeout", "", kRetryIn1), false,
                  ErrorCode::kDeadlineExceeded},
        RetryCase{"Post500WithRetryAfter", "POST", status(500, "ServerTimeout", "", kRetryIn1), false,
                  ErrorCode::kUnavailable},
        RetryCase{"PostConnectionLost", "POST", failure(ErrorCode::kUnavailable, "reset"), false,
                  ErrorCode::kUnavailable},
        RetryCase{"PostConflict", "POST", status(409, "AlreadyExists"), false, ErrorCode::kAlreadyExists},
        RetryCase{"Put500WithRetryAfter", "PUT", status(500, "InternalError", "", kRetryIn1), true},
        RetryCase{"PutConnectionLost", "PUT", failure(ErrorCode::kUnavailable, "reset"), false,
                  ErrorCode::kUnavailable},
        RetryCase{"PatchConflict", "PATCH", status(409, "Conflict"), false, ErrorCode::kConflict}),
    [](const auto& row) { return row.param.name; });

TEST(ClientRetry, WaitsAsLongAsAskedAndAtMostAFifthMore) {
  FakeServer server;
  server.transport->script({status(429, "TooManyRequests", "", {{"Retry-After", "5"}}), ok("{}")});
  ASSERT_TRUE(server.client->get(kPods, "ns", "a"));
  ASSERT_THAT(server.sleeps, SizeIs(1));
  EXPECT_GE(server.sleeps[0], 5000ms);
  EXPECT_LE(server.sleeps[0], 6000ms);
}

TEST(ClientRetry, GivesUpAfterTenRetries) {
  FakeServer server;
  server.transport->script(std::vector<Answer>(20, status(429, "TooManyRequests", "busy", kRetryIn1)));
  auto answer = server.client->get(kPods, "ns", "a", {.timeout = 10min, .stop = {}});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "busy");
  EXPECT_EQ(server.requests().size(), 11u);
}

TEST(ClientRetry, DoesNotWaitBeyondTheDeadlineAndSaysWhenToComeBack) {
  FakeServer server;
  server.transport->script({status(503, "ServiceUnavailable", "", {{"Retry-After", "120"}}), ok("{}")});
  auto answer = server.client->get(kPods, "ns", "a");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().retry_after, 120'000ms);
  EXPECT_THAT(server.sleeps, IsEmpty());
}

TEST(ClientRetry, StopEndsTheWait) {
  Client::Options options;
  FakeServer server;
  std::stop_source stop;
  Answer busy = status(429, "TooManyRequests", "", kRetryIn1);
  busy.before = [&] { stop.request_stop(); };
  server.transport->script({failure(ErrorCode::kUnavailable), busy});
  auto answer = server.client->get(kPods, "ns", "a", {.timeout = 30s, .stop = stop.get_token()});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kCanceled);
}

class CountingToken final : public TokenSource {
 public:
  Result<std::string> token(const std::stop_token&) override { return "t" + std::to_string(generation); }
  void invalidate(const std::string& refused) override {
    EXPECT_EQ(refused, "t" + std::to_string(generation));
    ++generation;
  }
  int generation = 0;
};

TEST(ClientToken, A401GetsANewTokenOnceEvenForAPost) {
  auto token = std::make_shared<CountingToken>();
  FakeServer server({}, token);
  server.transport->script({status(401, "Unauthorized"), ok("{}")});
  ASSERT_TRUE(server.client->create(kJobs, "ns", job("a")));
  auto requests = server.requests();
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].headers.get("Authorization"), "Bearer t0");
  EXPECT_EQ(requests[1].headers.get("Authorization"), "Bearer t1");
}

TEST(ClientToken, ASecond401IsTheAnswer) {
  auto token = std::make_shared<CountingToken>();
  FakeServer server({}, token);
  server.transport->script({status(401, "Unauthorized", "no"), status(401, "Unauthorized", "no"), ok("{}")});
  auto answer = server.client->get(kJobs, "ns", "a");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST(ClientRequest, SaysWhoSendsAndWhoOwnsTheFields) {
  FakeServer server;
  server.transport->script({ok("{}")});
  ASSERT_TRUE(server.client->create(
      kJobs, "ns", job("a"),
      {.dry_run = true, .field_validation = FieldValidation::kStrict, .metadata_only = true, .call = {}}));
  const auto request = server.requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/apis/batch/v1/namespaces/ns/jobs?dryRun=All&fieldManager=fracta&fieldValidation=Strict");
  EXPECT_THAT(*request.headers.get("User-Agent"), StartsWith("fracta/"));
  EXPECT_THAT(*request.headers.get("User-Agent"), HasSubstr(" (linux/"));
  EXPECT_EQ(request.headers.get("Content-Type"), "application/json");
  EXPECT_EQ(request.headers.get("Accept"),
            "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json");
}

TEST(ClientRequest, DeleteCarriesPropagationGraceAndPrecondition) {
  FakeServer server;
  server.transport->script({ok("{}")});
  ASSERT_TRUE(server.client->remove(
      kPods, "ns", "a",
      {.propagation = Propagation::kForeground, .grace_period_seconds = 0, .precondition_uid = "u1", .call = {}}));
  EXPECT_EQ(*parse_json(server.requests().at(0).body), (Json{{"kind", "DeleteOptions"},
                                                             {"apiVersion", "v1"},
                                                             {"propagationPolicy", "Foreground"},
                                                             {"gracePeriodSeconds", 0},
                                                             {"preconditions", {{"uid", "u1"}}}}));
}

TEST(ClientRequest, ApplyForcesItsFields) {
  FakeServer server;
  server.transport->script({ok("{}")});
  ASSERT_TRUE(server.client->patch(kSecrets, "ns", "s", "application/apply-patch+yaml", Json::object()));
  EXPECT_EQ(server.requests().at(0).target, "/api/v1/namespaces/ns/secrets/s?fieldManager=fracta&force=true");
}

TEST(ClientRequest, NamesThatAreNoPathSegmentNeverLeave) {
  FakeServer server;
  const std::vector<std::string> names = {"", ".", "..", "a/b", "a%2fb", "a\r\nX: y", std::string("a\0b", 3)};
  for (const std::string& name : names) {
    auto answer = server.client->get(kPods, "ns", name);
    ASSERT_FALSE(answer) << name;
    EXPECT_EQ(answer.error().code, ErrorCode::kInvalid);
    EXPECT_FALSE(server.client->get(kPods, name, "a"));
    EXPECT_FALSE(server.client->remove(kPods, "ns", name));
    EXPECT_FALSE(server.client->pod_log("ns", name, {}, [](std::string_view) { return true; }));
  }
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST(ClientRequest, ClusterScopedKindsNeedNoNamespace) {
  FakeServer server;
  server.transport->script({ok("{}")});
  ASSERT_TRUE(server.client->get(kNamespaces, "", "a b"));
  EXPECT_EQ(server.requests().at(0).target, "/api/v1/namespaces/a%20b");
}

TEST(ClientAnswer, TextThatIsNoJsonIsNotQuoted) {
  FakeServer server;
  server.transport->script(
      {{.status = 200, .chunks = {"<html>secret</html>"}, .headers = {{"Content-Type", "text/html"}}}});
  auto answer = server.client->get(kSecrets, "ns", "s");
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("is no JSON (Content-Type text/html)"));
  EXPECT_THAT(answer.error().message, ::testing::Not(HasSubstr("secret<")));
}

TEST(ClientAnswer, HundredThousandLevelsAreAnError) {
  FakeServer server;
  server.transport->script({ok(std::string(100'000, '[')), ok(std::string(100'000, '[') + std::string(100'000, ']'))});
  EXPECT_FALSE(server.client->get(kPods, "ns", "a"));
  EXPECT_FALSE(server.client->get(kPods, "ns", "a"));
}

TEST(ClientWarnings, EachTextIsHandedOnOnce) {
  std::vector<std::string> warnings;
  Client::Options options;
  options.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  FakeServer server(options);
  Answer warned = ok("{}");
  warned.headers.add("Warning", R"(299 - "unknown field \"spec.foo\"", 299 - "old")");
  warned.headers.add("Warning", R"(199 - "not ours")");
  warned.headers.add("warning", R"(299 - "broken)");
  server.transport->script({warned, warned});
  ASSERT_TRUE(server.client->get(kPods, "ns", "a"));
  ASSERT_TRUE(server.client->get(kPods, "ns", "a"));
  EXPECT_THAT(warnings, ElementsAre(R"(unknown field "spec.foo")", "old"));
}

TEST(ClientMetrics, CountsByCodeMethodAndHost) {
  MetricsRegistry registry;
  Client::Options options;
  options.metrics = &registry;
  FakeServer server(options);
  server.transport->script({failure(ErrorCode::kUnavailable), status(404, "NotFound")});
  ASSERT_FALSE(server.client->get(kPods, "ns", "a"));
  const auto text = registry.expose();
  EXPECT_THAT(text, HasSubstr(R"(rest_client_requests_total{code="<error>",host="api.test:6443",method="GET"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(rest_client_requests_total{code="404",host="api.test:6443",method="GET"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(rest_client_request_duration_seconds_count{host="api.test:6443",verb="GET"} 2)"));
}

TEST(ClientLog, StreamsTextAndTypesErrors) {
  FakeServer server;
  server.transport->script({stream({"line 1\nli", "ne 2\n"}), status(404, "NotFound", R"(pods \"x\" not found)")});
  std::string text;
  LogOptions options;
  options.container = "agent";
  options.follow = true;
  options.tail_lines = 5;
  ASSERT_TRUE(server.client->pod_log("ns", "p", options, [&](std::string_view bytes) {
    text += bytes;
    return true;
  }));
  EXPECT_EQ(text, "line 1\nline 2\n");
  EXPECT_EQ(server.requests().at(0).target, "/api/v1/namespaces/ns/pods/p/log?container=agent&follow=true&tailLines=5");
  auto missing = server.client->pod_log("ns", "x", {}, [&](std::string_view bytes) {
    text += bytes;
    return true;
  });
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().message, "pods \"x\" not found");
  EXPECT_EQ(text, "line 1\nline 2\n") << "an error's body is no log";
}

}  // namespace
}  // namespace fracta::kube
