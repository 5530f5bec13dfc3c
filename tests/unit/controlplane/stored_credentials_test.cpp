// Stored credentials on their way to agents: which ones, what the agent's objects say of them, and whose pods may ask.
#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "unit/controlplane/fake_store.hpp"
#include "unit/controlplane/fixture.hpp"

namespace fracta::testing {
namespace {

using controlplane::BoundCredential;
using controlplane::resolve_bound_credentials;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class Resolve : public ::testing::Test {
 protected:
  Resolve() {
    store.add("k1", "prod", "kubeconfig", "secret");
    store.add("k2", "staging", "kubeconfig", "secret");
    store.add("g1", "bot", "github", "secret");
    store.add("g2", "other-bot", "github", "secret");
  }
  std::string names() {
    auto bound = resolve_bound_credentials(store, requested, "nightly", "claude", of_runtime, "fracta");
    if (!bound) return bound.error().message;
    std::string out;
    for (const auto& credential : *bound) out += credential.name + " ";
    return out;
  }
  FakeStore store;
  std::vector<std::string> requested, of_runtime;
};

TEST_F(Resolve, NothingIsBoundUnlessSomebodySaysSo) { EXPECT_EQ(names(), ""); }

TEST_F(Resolve, EveryLevelCountsAndTheNearerOneWins) {
  ASSERT_TRUE(store.bind("k1", "project/fracta").ok());
  EXPECT_EQ(names(), "prod ");
  of_runtime = {"staging"};
  EXPECT_EQ(names(), "staging ") << "the runtime's replaces the project's of the same provider";
  ASSERT_TRUE(store.bind("k1", "agent/nightly").ok());
  ASSERT_TRUE(store.bind("g1", "runtime/claude").ok());
  EXPECT_EQ(names(), "bot prod ") << "one of each provider, by provider";
  requested = {"staging", "other-bot"};
  EXPECT_EQ(names(), "other-bot staging ");
}

TEST_F(Resolve, BindingsOfOthersDoNotCount) {
  ASSERT_TRUE(store.bind("k1", "agent/nightly2").ok());
  ASSERT_TRUE(store.bind("k1", "runtime/codex").ok());
  ASSERT_TRUE(store.bind("k1", "project/other").ok());
  EXPECT_EQ(names(), "");
}

TEST_F(Resolve, TheSameOneTwiceIsOne) {
  requested = {"prod", "prod"};
  of_runtime = {"prod"};
  EXPECT_EQ(names(), "prod ");
}

TEST_F(Resolve, EveryProblemIsNamedAtOnce) {
  requested = {"prod", "staging", "no-such"};
  of_runtime = {"neither"};
  EXPECT_THAT(names(),
              AllOf(HasSubstr("\"prod\" and \"staging\" are both kubeconfig credentials (asked for by this spawn)"),
                    HasSubstr("credential \"no-such\" (asked for by this spawn) does not exist"),
                    HasSubstr("credential \"neither\" (of runtime claude) does not exist"),
                    HasSubstr("fracta credential list")));
}

TEST(BoundCredentialText, GoesThereAndBack) {
  const std::vector<BoundCredential> bound{{"id1", "a \"name\"", "github"}, {"id2", "b", "kubeconfig"}};
  EXPECT_EQ(controlplane::parse_bound_credentials(controlplane::format_bound_credentials(bound)), bound);
}

TEST(BoundCredentialText, AnybodysTextIsRead) {
  using controlplane::parse_bound_credentials;
  for (const char* text : {"", "null", "{", "\"x\"", "[1,[],{\"id\":7}]", "[{\"id\":\"\",\"provider\":\"x\"}]"})
    EXPECT_THAT(parse_bound_credentials(text), IsEmpty()) << text;
  std::string many = "[";
  for (int i = 0; i < 1000; ++i) many += std::string(i == 0 ? "" : ",") + "{\"id\":\"x\",\"provider\":\"p\"}";
  EXPECT_EQ(parse_bound_credentials(many + "]").size(), 64u);
}

class StoredSpawn : public ControlPlaneTest {
 protected:
  void SetUp() override {
    ControlPlaneTest::SetUp();
    store_->add("k1", "prod", "kubeconfig", "kubeconfig-secret-text");
    store_->add("g1", "bot", "github", "ghp_secret");
    options_.credential_store = store_;
    options_.endpoint = {[this] { return url_; }, [] { return "CA-PEM"; }, "fracta"};
  }
  controlplane::SpawnRequest with(const std::string& task, std::vector<std::string> names) {
    auto out = request(task);
    out.credentials = std::move(names);
    return out;
  }
  std::string refusal(const std::vector<std::string>& names) {
    auto result = plane().spawn(with("a1", names));
    EXPECT_FALSE(result);
    EXPECT_THAT(cluster_->names(kJobsPath), IsEmpty()) << "nothing may be created";
    return result ? "" : result.error().message;
  }
  std::shared_ptr<FakeStore> store_ = std::make_shared<FakeStore>();
  std::string url_ = "https://fracta-controlplane.fracta.svc:9090";
};

TEST_F(StoredSpawn, TheAgentsObjectsNameItsCredentialsAndHoldNone) {
  ready();
  ASSERT_TRUE(plane().spawn(with("a1", {"prod", "bot"})));
  const auto job = *cluster_->get(kJobsPath, "fracta-agent-a1");
  const auto map = *cluster_->get(kConfigMapsPath, "fracta-config-a1");
  EXPECT_EQ(job["metadata"]["annotations"]["fracta.io/credentials"],
            R"([{"id":"g1","name":"bot","provider":"github"},{"id":"k1","name":"prod","provider":"kubeconfig"}])");
  const Json manifest = *parse_json(map["data"]["credentials.json"].get<std::string>());
  EXPECT_EQ(manifest["controlplane"], Json({{"url", url_}, {"ca", "CA-PEM"}}));
  EXPECT_EQ(manifest["token_file"], "/var/run/fracta-identity/token");
  EXPECT_EQ(manifest["paths"]["kubeconfig"], "/tmp/.ambient_kubeconfig");
  EXPECT_EQ(manifest["credentials"][1], Json({{"id", "k1"}, {"name", "prod"}, {"provider", "kubeconfig"}}));
  EXPECT_THAT(map["data"]["dot-mcp.json"].get<std::string>(),
              AllOf(HasSubstr("\"openshift\""), HasSubstr("/tmp/.ambient_kubeconfig")));
  for (const auto* object : {&job, &map}) EXPECT_THAT(dump_json(*object), Not(HasSubstr("secret-text")));
  EXPECT_THAT(dump_json(job), Not(HasSubstr("ghp_secret")));
  ASSERT_TRUE(eventually([&] { return plane().get("a1").ok(); }));
  EXPECT_THAT(plane().get("a1")->credentials,
              ElementsAre(BoundCredential{"g1", "bot", "github"}, BoundCredential{"k1", "prod", "kubeconfig"}));
  EXPECT_THAT(cluster_->names(kSecretsPath), IsEmpty()) << "fetched by the agent, not copied into its Secret";
}

TEST_F(StoredSpawn, MissingConflictingOrUnreachableIsRefusedBeforeAnythingIsCreated) {
  ready();
  EXPECT_THAT(refusal({"gone"}), HasSubstr("credential \"gone\" (asked for by this spawn) does not exist"));
  store_->add("k2", "prod-2", "kubeconfig", "x");
  ASSERT_TRUE(plane().credential_store()->unbind("k2", "x").ok());  // a change, so that the new one is seen
  EXPECT_THAT(refusal({"prod", "prod-2"}), HasSubstr("are both kubeconfig credentials"));
  url_ = "http://fracta-controlplane.fracta.svc:9090";
  EXPECT_THAT(refusal({"prod"}), AllOf(HasSubstr("would travel in clear to http://fracta-controlplane"),
                                       HasSubstr("control_plane_api.tls")));
  url_ = "http://127.0.0.1.evil.example";
  EXPECT_THAT(refusal({"prod"}), HasSubstr("would travel in clear"));
  url_ = "";
  EXPECT_THAT(refusal({"prod"}), HasSubstr("set control_plane_api.url"));
  url_ = "http://127.0.0.1:9090";
  EXPECT_TRUE(plane().spawn(with("a1", {"prod"})).ok()) << "nobody else listens there";
}

TEST_F(StoredSpawn, WhatTheConfigurationAsksForIsNeeded) {
  config_.agent_runtimes["shell"].credentials = {"prod", "no-such"};
  ready();
  EXPECT_THAT(refusal({}), HasSubstr("credential \"no-such\" (of runtime shell) does not exist"));
}

TEST_F(StoredSpawn, WithoutAStoreOnlyAskingForOneIsAnError) {
  options_.credential_store = nullptr;
  ready();
  EXPECT_THAT(refusal({"prod"}), HasSubstr("has no store of credentials"));
  EXPECT_TRUE(plane().spawn(request("plain")).ok());
  EXPECT_EQ(plane().credential_store(), nullptr);
}

TEST_F(StoredSpawn, AControlplaneThatMayNotListSecretsSpawnsWithAWarning) {
  ready();
  store_->fail_with(make_error(ErrorCode::kForbidden, "secrets is forbidden"));
  auto plain = plane().spawn(request("plain"));
  ASSERT_TRUE(plain.ok()) << plain.error().message;
  EXPECT_THAT(plain->warnings, ElementsAre(HasSubstr("bindings of stored credentials are not looked at")));
  EXPECT_THAT(plane().spawn(with("b", {"prod"})).error().message, HasSubstr("secrets is forbidden"));
}

TEST_F(StoredSpawn, ABurstOfSpawnsAsksTheStoreOnceAndSeesItsOwnChanges) {
  ready();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(plane().spawn(request("a" + std::to_string(i))));
  EXPECT_LE(store_->reads(), 1 + 20 / 10) << "remembered for seconds";
  ASSERT_TRUE(plane().credential_store()->bind("k1", "runtime/shell").ok());
  ASSERT_TRUE(plane().spawn(request("later")));
  EXPECT_EQ((*cluster_->get(kJobsPath, "fracta-agent-later"))["metadata"]["annotations"].count("fracta.io/credentials"),
            1u);
}

TEST_F(StoredSpawn, UsageNamesLiveAgentsOnly) {
  ready();
  ASSERT_TRUE(plane().spawn(with("a1", {"prod"})));
  ASSERT_TRUE(plane().spawn(with("a2", {"prod"})));
  ASSERT_TRUE(plane().spawn(with("a3", {"bot"})));
  auto users = [&] {
    std::vector<std::string> names;
    if (auto found = plane().agents_with_credential("k1"))
      for (const auto& info : *found) names.push_back(info.name);
    return names;
  };
  EXPECT_TRUE(eventually([&] { return users() == std::vector<std::string>{"a1", "a2"}; }));
  set_completed("a1");
  EXPECT_TRUE(eventually([&] { return users() == std::vector<std::string>{"a2"}; }));
}

// ---- Whose pods may ask ----

class AgentOfPod : public StoredSpawn {
 protected:
  void SetUp() override {
    StoredSpawn::SetUp();
    ready();
    ASSERT_TRUE(plane().spawn(with("a1", {"prod"})));
    set_running("a1");
    ASSERT_TRUE(shows("a1", "Running"));
    uid_ = (*cluster_->get(kPodsPath, kPod))["metadata"]["uid"];
  }
  std::string ask(const std::string& uid) {
    auto info = plane().agent_of_pod(kPod, uid);
    return info ? "yes: " + info->name : std::string(to_string(info.error().code)) + ": " + info.error().message;
  }
  // Changes the pod behind the cache's back and waits until the cache has it.
  template <class Change>
  std::string ask_after(const Change& change) {
    auto pod = *cluster_->get(kPodsPath, kPod);
    change(pod);
    cluster_->put(kPodsPath, pod);
    const std::string before = ask(uid_);
    std::string now = before;
    for (int i = 0; i < 500 && StartsWithYes(now); ++i) {
      wait_for(std::stop_token{}, std::chrono::milliseconds{2});
      now = ask(uid_);
    }
    return now;
  }
  static bool StartsWithYes(const std::string& text) { return text.rfind("yes", 0) == 0; }

  static constexpr const char* kPod = "fracta-agent-a1-x1";
  std::string uid_;
};

TEST_F(AgentOfPod, ALivePodOfAnAgentOfOurs) { EXPECT_EQ(ask(uid_), "yes: a1"); }

TEST_F(AgentOfPod, NameWithoutTheRightUidIsNobody) {
  EXPECT_THAT(ask("another-uid"), AllOf(StartsWith("Forbidden"), HasSubstr("another one by now")));
  EXPECT_THAT(ask(""), StartsWith("Forbidden"));
  EXPECT_EQ(plane().agent_of_pod("no-such-pod", "u").error().code, ErrorCode::kForbidden);
  EXPECT_EQ(plane().agent_of_pod("../../secrets/x", "u").error().code, ErrorCode::kForbidden);
}

TEST_F(AgentOfPod, APodOnItsWayOutIsNobody) {
  EXPECT_THAT(ask_after([](Json& pod) { pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"; }),
              HasSubstr("is being deleted"));
}

TEST_F(AgentOfPod, AnEndedPodIsNobody) {
  EXPECT_THAT(ask_after([](Json& pod) { pod["status"]["phase"] = "Failed"; }), HasSubstr("has ended"));
}

TEST_F(AgentOfPod, APodThatOnlyLooksLikeOneIsNobody) {
  EXPECT_THAT(ask_after([](Json& pod) { pod["metadata"]["ownerReferences"][0]["uid"] = "an-earlier-job"; }),
              HasSubstr("belongs to an earlier Job"));
  EXPECT_THAT(ask_after([](Json& pod) { pod["metadata"]["ownerReferences"][0]["controller"] = false; }),
              Not(StartsWith("yes")));
  EXPECT_THAT(ask_after([](Json& pod) { pod["metadata"].erase("ownerReferences"); }), Not(StartsWith("yes")));
}

TEST_F(AgentOfPod, LabelsOfAnotherAgentAreOnlyAClaim) {
  ASSERT_TRUE(plane().spawn(with("a2", {"bot"})));
  EXPECT_THAT(ask_after([](Json& pod) { pod["metadata"]["labels"]["fracta-agent-id"] = "a2"; }),
              Not(StartsWith("yes")));
}

TEST_F(AgentOfPod, AnEndedJobEndsTheRightAtOnce) {
  auto job = *cluster_->get(kJobsPath, "fracta-agent-a1");
  job["status"]["conditions"] = {{{"type", "Failed"}, {"status", "True"}}};
  cluster_->put(kJobsPath, job);
  EXPECT_TRUE(eventually([&] { return !StartsWithYes(ask(uid_)); }));
}

TEST_F(AgentOfPod, StreamPodsAreTheirOwnOwners) {
  auto chat = with("chat", {"bot"});
  chat.runtime = "codex";
  chat.mode = "stream";
  ASSERT_TRUE(plane().spawn(chat));
  const std::string uid = (*cluster_->get(kPodsPath, "fracta-stream-chat"))["metadata"]["uid"];
  EXPECT_TRUE(eventually([&] { return plane().agent_of_pod("fracta-stream-chat", uid).ok(); }));
  EXPECT_THAT(plane().get("chat")->credentials, ElementsAre(BoundCredential{"g1", "bot", "github"}));
}

}  // namespace
}  // namespace fracta::testing
