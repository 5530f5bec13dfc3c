// Who may call the daemon, decided by a real TokenReview, SubjectAccessReview and RBAC, over the daemon's own TLS.
#include "integration/access_fixture.hpp"

namespace fracta::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(AccessTest, RolesDecideWhatAServiceAccountMayDo) {
  make_account("watcher", "fracta-viewer");
  make_account("runner", "fracta-operator");
  make_account("stranger");
  start_guarded();
  if (HasFatalFailure()) return;
  const auto viewer = token_of("watcher"), runner = token_of("runner"), stranger = token_of("stranger");
  const Json hello = {{"task", "hello"}};

  EXPECT_EQ(as(viewer, "GET", "/api/v1/agents").status, 200);
  const auto refused = as(viewer, "POST", "/api/v1/agents", hello);
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("system:serviceaccount:" + cluster().ns() + ":watcher"));
  EXPECT_THAT(refused.body, HasSubstr("cannot create agents"));
  EXPECT_THAT(refused.body, HasSubstr("fracta-operator"));
  EXPECT_EQ(as(stranger, "GET", "/api/v1/agents").status, 403);
  EXPECT_EQ(as(stranger, "GET", "/api/v1/auth/whoami").status, 200);
  EXPECT_EQ(as(stranger, "GET", "/metrics").status, 403);

  EXPECT_EQ(as(runner, "POST", "/api/v1/agents", hello).status, 201);
  EXPECT_EQ(as(viewer, "GET", "/api/v1/agents/hello").status, 200);
  EXPECT_EQ(as(viewer, "DELETE", "/api/v1/agents/hello").status, 403);
  EXPECT_EQ(as(runner, "DELETE", "/api/v1/agents/hello").status, 200);

  const auto can =
      parse_json(as(viewer, "POST", "/api/v1/auth/can-i", {{"verb", "create"}, {"resource", "agents"}}).body);
  ASSERT_TRUE(can);
  EXPECT_EQ((*can)["allowed"], false);
}

TEST_F(AccessTest, NobodyComesInWithoutATokenOfTheCluster) {
  make_account("runner", "fracta-operator");
  start_guarded();
  if (HasFatalFailure()) return;
  const auto token = token_of("runner");
  auto forged = token;
  forged[token.rfind('.') + 3] = token[token.rfind('.') + 3] == 'A' ? 'B' : 'A';
  EXPECT_EQ(as("", "GET", "/api/v1/agents").status, 401);
  EXPECT_EQ(as("garbage", "GET", "/api/v1/agents").status, 401);
  EXPECT_EQ(as(forged, "GET", "/api/v1/agents").status, 401);
  EXPECT_EQ(as(token_of("runner", {"https://somewhere.else"}), "GET", "/api/v1/agents").status, 401);
  EXPECT_EQ(as("", "GET", "/api/v1/agents?token=" + token + "&access_token=" + token).status, 401);
  for (const char* header : {"X-Forwarded-Access-Token", "X-Forwarded-User", "X-Remote-User", "Cookie"}) {
    net::Request request{.method = "GET", .target = "/api/v1/agents"};
    request.headers.add(header, std::string(header) == "Cookie" ? "token=" + token : token);
    auto answer = transport_->request(request, {});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 401) << header;
  }
  EXPECT_EQ(as(token, "GET", "/api/v1/agents").status, 200);
  EXPECT_EQ(as(token_of("runner", {"fracta"}), "GET", "/api/v1/agents").status, 200) << "for us alone";
}

TEST_F(AccessTest, ARevokedTokenIsOutWithinSeconds) {
  make_account("runner", "fracta-operator");
  start_guarded();
  if (HasFatalFailure()) return;
  const auto token = token_of("runner");
  EXPECT_EQ(as(token, "GET", "/api/v1/agents").status, 200);
  ASSERT_TRUE(cluster().client().raw("DELETE", rbac("rolebindings") + "/runner-fracta-operator", ""));
  EXPECT_TRUE(within(std::chrono::seconds(20), [&] { return as(token, "GET", "/api/v1/agents").status == 403; }));
  ASSERT_TRUE(cluster().client().remove(kube::kServiceAccounts, cluster().ns(), "runner"));
  EXPECT_TRUE(within(std::chrono::seconds(20), [&] { return as(token, "GET", "/api/v1/agents").status == 401; }));
}

TEST_F(AccessTest, AnExpiredTokenIsOutAndSaysWhy) {
  if (cluster().existing()) GTEST_SKIP() << "only a development cluster's clock can be moved";
  make_account("runner", "fracta-operator");
  start_guarded();
  if (HasFatalFailure()) return;
  const auto token = token_of("runner");  // an hour's
  EXPECT_EQ(as(token, "GET", "/api/v1/agents").status, 200);
  ASSERT_TRUE(cluster().client().raw("POST", "/_faults", R"({"clockSkew":"2h"})"));
  net::Response refused;
  EXPECT_TRUE(within(std::chrono::seconds(20), [&] {
    refused = as(token, "GET", "/api/v1/agents");
    return refused.status == 401;
  })) << refused.status;
  EXPECT_THAT(refused.body, HasSubstr("expired"));
  EXPECT_EQ(as(token_of("runner"), "GET", "/api/v1/agents").status, 200) << "a new one is good";
  ASSERT_TRUE(cluster().client().raw("DELETE", "/_faults", ""));
}

TEST_F(AccessTest, ConfiguredAudiencesAreTheOnlyOnes) {
  make_account("runner", "fracta-operator");
  start_guarded(
      "control_plane_api:\n  tls: {self_signed: true}\n  auth: {mode: kubernetes, audiences: [prod.example]}\n");
  if (HasFatalFailure()) return;
  EXPECT_EQ(as(token_of("runner"), "GET", "/api/v1/agents").status, 401);
  EXPECT_EQ(as(token_of("runner", {"fracta"}), "GET", "/api/v1/agents").status, 401);
  EXPECT_EQ(as(token_of("runner", {"prod.example"}), "GET", "/api/v1/agents").status, 200);
}

class AgentsIdentity : public AccessTest {
 protected:
  // Spawned by an operator; returns its pod once there is one.
  Json pod_of_new_agent(const std::string& name) {
    if (operator_.empty()) {
      make_account("runner", "fracta-operator");
      operator_ = token_of("runner");
    }
    const auto spawned = as(operator_, "POST", "/api/v1/agents", {{"task", name}, {"command", {"sleep", "600"}}});
    EXPECT_EQ(spawned.status, 201) << spawned.body;
    Json pod;
    EXPECT_TRUE(within(std::chrono::seconds(30), [&] {
      bool found = false;
      kube::ListOptions list;
      list.label_selector = "fracta-agent-id=" + name;
      static_cast<void>(cluster().client().list(kube::kPods, cluster().ns(), list, [&](const Json& item) {
        pod = item;
        found = true;
      }));
      return found;
    }));
    return pod;
  }
  std::string operator_;
};

TEST_F(AgentsIdentity, APodSpeaksForItsOwnAgentOnlyAndAsLongAsItLives) {
  if (!runs_pods()) GTEST_SKIP() << "needs a cluster that runs pods";
  start_guarded();
  if (HasFatalFailure()) return;
  const auto pod = pod_of_new_agent("mine");
  pod_of_new_agent("other");
  const auto account = string_at(pod, "spec/serviceAccountName", "default");
  const auto token = token_of(account, {"fracta"}, pod);
  const Json events = {{"events", {{{"action", "note"}, {"detail", "hello"}}}}};

  const auto who = parse_json(as(token, "GET", "/api/v1/auth/whoami").body);
  ASSERT_TRUE(who);
  EXPECT_EQ(string_at(*who, "pod/uid"), string_at(pod, "metadata/uid"));
  EXPECT_TRUE(within(std::chrono::seconds(20), [&] {
    return as(token, "POST", "/api/v1/agents/mine/events", events).status == 202;
  })) << as(token, "POST", "/api/v1/agents/mine/events", events).body;
  EXPECT_EQ(as(token, "POST", "/api/v1/agents/other/events", events).status, 403);
  EXPECT_EQ(as(token, "GET", "/api/v1/agents").status, 403);
  EXPECT_EQ(as(token, "GET", "/api/v1/agents/mine").status, 403);
  EXPECT_EQ(as(token, "DELETE", "/api/v1/agents/mine").status, 403);
  EXPECT_EQ(as(token, "POST", "/api/v1/agents", {{"task", "child"}}).status, 403);
  // The same account without the pod is nobody.
  EXPECT_EQ(as(token_of(account, {"fracta"}), "POST", "/api/v1/agents/mine/events", events).status, 403);

  EXPECT_EQ(as(operator_, "DELETE", "/api/v1/agents/mine").status, 200);
  EXPECT_TRUE(within(std::chrono::seconds(60), [&] {
    const auto status = as(token, "POST", "/api/v1/agents/mine/events", events).status;
    return status == 401 || status == 403;
  })) << "a pod that is gone speaks for nobody";
}

TEST_F(AccessTest, StaticTokensWorkWithoutTheClustersIdentities) {
  const std::string file = *directory_ / "tokens";
  ASSERT_TRUE(write_file_atomic(file, "0123456789abcdef-op,olga,operator\n0123456789abcdef-vi,victor,viewer\n"));
  start_guarded("control_plane_api:\n  tls: {self_signed: true}\n  auth: {mode: static, token_file: " + file + "}\n");
  if (HasFatalFailure()) return;
  make_account("runner", "fracta-operator");
  EXPECT_EQ(as("0123456789abcdef-op", "POST", "/api/v1/agents", {{"task", "a"}}).status, 201);
  EXPECT_EQ(as("0123456789abcdef-vi", "GET", "/api/v1/agents").status, 200);
  EXPECT_EQ(as("0123456789abcdef-vi", "DELETE", "/api/v1/agents/a").status, 403);
  EXPECT_EQ(as(token_of("runner"), "GET", "/api/v1/agents").status, 401);
  EXPECT_EQ(as(token_of("runner", {"fracta"}), "GET", "/api/v1/agents").status, 401) << "not a pod's";
}

TEST_F(AccessTest, ModeNoneIsRefusedWhereOthersCouldCall) {
  auto wanted = options("control_plane_api: {auth: {mode: none}}\n");
  for (const char* listen : {":0", "0.0.0.0:0", "[::]:0"}) {
    wanted.listen = listen;
    auto refused = daemon::Daemon::create(wanted);
    ASSERT_FALSE(refused) << listen;
    EXPECT_THAT(refused.error().message, HasSubstr("loopback addresses only")) << listen;
    EXPECT_THAT(refused.error().message, HasSubstr("mode: kubernetes")) << listen;
  }
  wanted.listen = "127.0.0.1:0";
  EXPECT_TRUE(daemon::Daemon::create(wanted));
}

TEST_F(AccessTest, TheDefaultOutsideLoopbackAsksTheCluster) {
  auto wanted = options();
  wanted.listen = "0.0.0.0:0";
  auto created = daemon::Daemon::create(wanted);
  ASSERT_TRUE(created) << created.error().message;
  ASSERT_TRUE((*created)->start());
  const auto address = (*created)->address();
  connect("127.0.0.1" + address.substr(address.rfind(':')));
  EXPECT_EQ(call("GET", "/livez").status, 200);
  EXPECT_EQ(call("GET", "/api/v1/agents").status, 401);
  EXPECT_EQ(call("POST", "/api/v1/agents", {{"task", "a"}}).status, 401);
}

}  // namespace
}  // namespace fracta::testing
