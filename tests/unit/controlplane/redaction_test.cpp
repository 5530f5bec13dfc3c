// What people see of an agent holds none of its secrets: logs, tails, reported events, container messages.
#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "unit/controlplane/fake_store.hpp"
#include "unit/controlplane/fixture.hpp"

namespace fracta::testing {
namespace {

using controlplane::LogQuery;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kPod = "fracta-agent-a1-x1";
constexpr const char* kKubeconfig = R"(apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: "https://k.example"}}]
users: [{name: u, user: {token: inner-kubeconfig-token}}]
)";

class Redaction : public ControlPlaneTest {
 protected:
  void SetUp() override {
    ControlPlaneTest::SetUp();
    store_->add("k1", "prod", "kubeconfig", kKubeconfig);
    options_.credential_store = store_;
    options_.endpoint = {[] { return "https://cp:9090"; }, nullptr, "fracta"};
    config_.agent_runtimes["shell"].kubernetes_env = {{"API", "", config::SecretKeyRef{"provider", "api-key", false}}};
    cluster_->put(kSecretsPath, secret("provider", {{"api-key", "foreign-secret-value"}, {"other", "not-the-agents"}}));
    auto spawn = request("a1");
    spawn.credentials = {"prod"};
    ASSERT_TRUE(ready().spawn(spawn));
    cluster_->put(kSecretsPath, secret("fracta-auth-a1", {{"token", "auth-secret-value"}}));
    set_running("a1");
    ASSERT_TRUE(shows("a1", "Running"));
  }
  static Json secret(const std::string& name, const std::map<std::string, std::string>& values) {
    Json data = Json::object();
    for (const auto& [key, value] : values) data[key] = base64_encode(value);
    return {{"apiVersion", "v1"},
            {"kind", "Secret"},
            {"metadata", {{"name", name}, {"namespace", "fracta"}}},
            {"data", data}};
  }
  void write(const std::string& line) { cluster_->append_log(kPod, "2026-01-01T00:00:01Z " + line + "\n"); }
  std::string tail() {
    auto output = plane().log_tail("a1", LogQuery{}, 1u << 16, {});
    return output ? output->text : output.error().message;
  }
  std::shared_ptr<FakeStore> store_ = std::make_shared<FakeStore>();
};

TEST_F(Redaction, LogsHoldNoValueOfTheAgent) {
  write("auth auth-secret-value stored inner-kubeconfig-token env foreign-secret-value other not-the-agents");
  write("base64 " + base64_encode("user:inner-kubeconfig-token"));
  write("shape ghp_" + std::string(40, 'x') + " end");
  const std::string seen = tail();
  EXPECT_THAT(seen, HasSubstr("auth [REDACTED] stored [REDACTED] env [REDACTED] other not-the-agents\n"));
  EXPECT_THAT(seen, HasSubstr("shape [REDACTED] end\n"));
  EXPECT_THAT(seen, Not(HasSubstr(base64_encode("user:inner-kubeconfig-token").substr(8, 20))));
}

TEST_F(Redaction, AFollowedLogLosesNoLineAndShowsNoValue) {
  write("one");
  std::mutex mutex;
  std::string text;
  std::jthread follower([&](const std::stop_token& stop) {
    LogQuery query;
    query.follow = true;
    (void)plane().logs(
        "a1", query,
        [&](std::string_view bytes) {
          std::lock_guard lock(mutex);
          text += bytes;
          return true;
        },
        stop);
  });
  auto has = [&](const std::string& wanted) {
    return eventually([&] {
      std::lock_guard lock(mutex);
      return text == wanted;
    });
  };
  EXPECT_TRUE(has("one\n")) << "a whole line is shown at once";
  write("two inner-kubeconfig-token");
  EXPECT_TRUE(has("one\ntwo [REDACTED]\n"));
}

TEST_F(Redaction, AValueThatWasRotatedAwayStaysKnown) {
  write("old inner-kubeconfig-token");
  EXPECT_THAT(tail(), HasSubstr("old [REDACTED]"));
  std::string rotated = kKubeconfig;
  rotated.replace(rotated.find("inner-kubeconfig-token"), 22, "fresh-kubeconfig-value");
  credentials::CredentialChange change;
  change.token = rotated;
  ASSERT_TRUE(plane().credential_store()->update("k1", change).ok());
  write("new fresh-kubeconfig-value");
  EXPECT_THAT(tail(), AllOf(HasSubstr("old [REDACTED]"), HasSubstr("new [REDACTED]")));
}

TEST_F(Redaction, ReportedEventsHoldNoValue) {
  controlplane::Event event;
  event.action = "tool";
  event.detail = "used inner-kubeconfig-token";
  event.attributes = {{"header", "Bearer auth-secret-value-and-more"}};
  ASSERT_TRUE(plane().report("a1", {event}));
  const auto seen = plane().events().recent("a1", 1);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0]->detail, "used [REDACTED]");
  EXPECT_THAT(seen[0]->attributes[0].second, Not(HasSubstr("auth-secret")));
}

TEST_F(Redaction, AContainersLastWordsHoldNoValue) {
  set_pod("a1", "Failed",
          {{"terminated",
            {{"exitCode", 3}, {"reason", "Error"}, {"message", "could not log in with inner-kubeconfig-token"}}}});
  auto job = *cluster_->get(kJobsPath, "fracta-agent-a1");
  job["status"]["conditions"] = {{{"type", "Failed"}, {"status", "True"}}};
  cluster_->put(kJobsPath, job);
  ASSERT_TRUE(shows("a1", "Failed"));
  EXPECT_THAT(plane().get("a1")->message, AllOf(HasSubstr("[REDACTED]"), Not(HasSubstr("inner-"))));
  for (const auto& event : plane().events().recent("a1", 100))
    EXPECT_THAT(event->detail, Not(HasSubstr("inner-kubeconfig"))) << event->action;
}

TEST_F(Redaction, WhatCannotBeRedactedNowIsNotShown) {
  write("token inner-kubeconfig-token");
  store_->fail_with(make_error(ErrorCode::kUnavailable, "connection refused"));
  const auto refused = plane().log_tail("a1", LogQuery{}, 1u << 16, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("secrets cannot be read now"));
  EXPECT_FALSE(plane().report("a1", {controlplane::Event{}}));
  store_->fail_with(std::nullopt);
  EXPECT_THAT(tail(), HasSubstr("token [REDACTED]"));
}

TEST_F(Redaction, WhatCanNeverBeReadHidesNoLog) {
  write("token auth-secret-value ghp_" + std::string(40, 'x'));
  store_->fail_with(make_error(ErrorCode::kInternal, "sealed, and the key is gone"));
  EXPECT_THAT(tail(), HasSubstr("token [REDACTED] [REDACTED]"));
}

}  // namespace
}  // namespace fracta::testing
