// Credentials on their way from a profile into objects, and renewed in running agents.
#include "fracta/base/text.hpp"
#include "unit/controlplane/fixture.hpp"

namespace fracta::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// Answers what the test says. Thread-safe.
class ScriptedSource final : public credentials::OriginSource {
 public:
  void give(const std::string& value, std::chrono::milliseconds life) {
    std::lock_guard lock(mutex_);
    value_ = value;
    life_ = life;
    failing_ = false;
  }
  void fail() {
    std::lock_guard lock(mutex_);
    failing_ = true;
  }
  [[nodiscard]] int asked() const { return asked_; }
  Result<credentials::Token> resolve(const credentials::OriginRequest&, const std::stop_token&) override {
    ++asked_;
    std::lock_guard lock(mutex_);
    if (failing_) {
      auto error = make_error(ErrorCode::kInvalid, "command \"fetch\" ended with exit code 3: denied");
      error.retry_after = 20ms;
      return error;
    }
    credentials::Token token;
    token.value = value_;
    token.obtained_at = std::chrono::system_clock::now();
    if (life_ > 0ms) token.expires_at = token.obtained_at + life_;
    return token;
  }

 private:
  std::mutex mutex_;
  std::string value_ = "tok-1";
  std::chrono::milliseconds life_{0};
  bool failing_ = false;
  std::atomic<int> asked_ = 0;
};

class Credentials : public ControlPlaneTest {
 protected:
  void SetUp() override {
    ControlPlaneTest::SetUp();
    auto& profile = config_.auth_profiles["p"];
    auto& origin = profile.auth_origins["o"];
    origin.type = "command_output";
    origin.scope = "any";
    origin.command = {"fetch"};
    profile.default_binding = config::AuthBinding{"bearer_env", "", "o", "API_TOKEN"};
    profile.env = {{"REGION", "eu"}};
    config_.agent_runtimes["shell"].auth_profile = "p";
    options_.credential_source = source_;
    options_.credential_retry = 20ms;
  }
  void deliver_as_file(const std::string& path = "/creds/token") {
    config_.auth_profiles["p"].auth_origins["o"].path = path;
    config_.auth_profiles["p"].default_binding = config::AuthBinding{"token_file", "", "o", ""};
  }
  [[nodiscard]] Json pod_spec(const std::string& id) {
    return (*cluster_->get(kJobsPath, "fracta-agent-" + id))["spec"]["template"]["spec"];
  }
  [[nodiscard]] std::string stored(const std::string& id, const std::string& key) {
    auto secret = cluster_->get(kSecretsPath, "fracta-auth-" + id);
    return secret ? base64_decode(string_at((*secret)["data"], key)).value_or("") : "";
  }
  [[nodiscard]] std::string note(const std::string& id, const char* key) {
    auto secret = cluster_->get(kSecretsPath, "fracta-auth-" + id);
    const Json* notes = secret ? find_path(*secret, "metadata/annotations") : nullptr;
    const Json* value = notes != nullptr ? find(*notes, key) : nullptr;
    return value != nullptr ? value->get<std::string>() : "";
  }
  std::shared_ptr<ScriptedSource> source_ = std::make_shared<ScriptedSource>();
};

TEST_F(Credentials, ABearerTokenIsInTheSecretAndNowhereElse) {
  ready();
  auto result = plane().spawn(request("a1"));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(stored("a1", "env.API_TOKEN"), "tok-1");
  EXPECT_THAT(pod_spec("a1").dump(), Not(HasSubstr("tok-1")));
  EXPECT_THAT(cluster_->get(kConfigMapsPath, "fracta-config-a1")->dump(), Not(HasSubstr("tok-1")));
  const auto env = pod_spec("a1")["containers"][0]["env"];
  EXPECT_THAT(
      env, Contains(Json{{"name", "API_TOKEN"},
                         {"valueFrom", {{"secretKeyRef", {{"name", "fracta-auth-a1"}, {"key", "env.API_TOKEN"}}}}}}));
  EXPECT_THAT(env, Contains(Json{{"name", "REGION"}, {"value", "eu"}}));
}

TEST_F(Credentials, ASecretInARuntimesEnvIsNotInThePodSpec) {
  auto& runtime = config_.agent_runtimes["shell"];
  runtime.auth_profile.clear();
  runtime.kubernetes_env = {{"API_TOKEN", "abc-secret", {}}, {"REGION", "eu", {}}};
  runtime.secret_env = {"API_TOKEN"};
  ready();
  ASSERT_TRUE(plane().spawn(request("a1")));
  const std::string spec = dump_json(pod_spec("a1"));
  EXPECT_THAT(spec, Not(HasSubstr("abc-secret")));
  EXPECT_THAT(spec, HasSubstr(R"("key":"env.API_TOKEN")"));
  EXPECT_THAT(spec, HasSubstr(R"({"name":"REGION","value":"eu"})"));
  EXPECT_EQ(stored("a1", "env.API_TOKEN"), "abc-secret");
}

TEST_F(Credentials, ASpawnCostsNoMoreRequestsThanBefore) {
  deliver_as_file();
  source_->give("tok-1", 1h);
  ready();
  ASSERT_TRUE(plane().spawn(request("a1")));
  ASSERT_TRUE(shows("a1", "Pending"));
  EXPECT_THAT(cluster_->calls(), Each(StartsWith("POST ")));
  EXPECT_EQ(cluster_->calls().size(), 3u);
}

TEST_F(Credentials, AFailingRequiredOriginRefusesTheSpawnAndCreatesNothing) {
  source_->fail();
  ready();
  auto result = plane().spawn(request("a1"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(result.error().message,
              HasSubstr("required source \"o\" failed: command \"fetch\" ended with exit code 3"));
  EXPECT_THAT(cluster_->calls(), IsEmpty());
}

TEST_F(Credentials, AnAgentThatOutlivesItsTokenIsWarnedAbout) {
  source_->give("tok-1", 1h);
  ready();
  auto forever = plane().spawn(request("a1"));
  ASSERT_TRUE(forever);
  EXPECT_THAT(forever->warnings, Contains(HasSubstr("cannot be renewed while the agent runs")));
  auto bounded = request("a2");
  bounded.active_deadline_seconds = 600;
  EXPECT_THAT(plane().spawn(bounded)->warnings, IsEmpty());
}

TEST_F(Credentials, DryRunsRunNothing) {
  ready();
  auto result = plane().dry_run(request("a1"), controlplane::DryRun::kClient);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->objects->size(), 3u);
  EXPECT_EQ(source_->asked(), 0);
}

TEST_F(Credentials, FilesOfEveryDirectoryAreMountedAsDirectories) {
  deliver_as_file();
  auto& other = config_.auth_profiles["p"].auth_origins["other"];
  other = config_.auth_profiles["p"].auth_origins["o"];
  other.path = "/elsewhere/token";
  ready();
  ASSERT_TRUE(plane().spawn(request("a1")));
  const auto spec = pod_spec("a1");
  std::map<std::string, std::string> mounted;  // path -> volume
  for (const auto& mount : spec["containers"][0]["volumeMounts"]) {
    mounted[string_at(mount, "mountPath")] = string_at(mount, "name");
    EXPECT_FALSE(mount.contains("subPath"));
  }
  for (const char* directory : {"/creds", "/elsewhere"}) {
    ASSERT_TRUE(mounted.contains(directory)) << directory;
    for (const auto& volume : spec["volumes"]) {
      if (string_at(volume, "name") != mounted[directory]) continue;
      const auto item = volume["projected"]["sources"][0]["secret"]["items"][0];
      EXPECT_EQ(item["path"], "token");
      EXPECT_EQ(stored("a1", string_at(item, "key")), "tok-1");
    }
  }
  for (const auto& mount : spec["initContainers"][0]["volumeMounts"])
    EXPECT_THAT(string_at(mount, "name"), Not(StartsWith("credential-files")));
}

TEST_F(Credentials, AFileIsRenewedInARunningAgentAheadOfItsEnd) {
  deliver_as_file();
  source_->give("tok-1", 400ms);
  ready();
  ASSERT_TRUE(plane().spawn(request("a1")));
  set_running("a1");
  EXPECT_EQ(stored("a1", "token"), "tok-1");
  EXPECT_THAT(note("a1", "fracta.io/expires-at"), Not(IsEmpty()));
  EXPECT_EQ(note("a1", "fracta.io/auth-profile"), "p");
  source_->give("tok-2", 1h);
  EXPECT_TRUE(eventually([&] { return stored("a1", "token") == "tok-2"; }));
  EXPECT_TRUE(eventually([&] {
    return metrics_->expose().find("fracta_credential_refresh_total{result=\"success\"} 1") != std::string::npos;
  }));
  EXPECT_THAT(metrics_->expose(), HasSubstr("fracta_credential_expiry_timestamp_seconds "));
}

TEST_F(Credentials, TheScheduleSurvivesARestart) {
  deliver_as_file();
  source_->give("tok-1", 2s);
  ready();
  ASSERT_TRUE(plane().spawn(request("a1")));
  set_running("a1");
  plane_.reset();
  source_->give("tok-2", 1h);
  ready();
  EXPECT_TRUE(eventually([&] { return stored("a1", "token") == "tok-2"; }));
}

TEST_F(Credentials, AWallClockThatIsSetBackDoesNotDelayARenewal) {
  deliver_as_file();
  source_->give("tok-1", 600ms);
  ready();
  ASSERT_TRUE(plane().spawn(request("a1")));
  clock_.shift(-24h);
  set_running("a1");
  source_->give("tok-2", 48h);
  EXPECT_TRUE(eventually([&] { return stored("a1", "token") == "tok-2"; }));
}

TEST_F(Credentials, UnchangedBytesAreNotWrittenAgain) {
  deliver_as_file();
  source_->give("tok-1", 300ms);
  ready();
  ASSERT_TRUE(plane().spawn(request("a1")));
  set_running("a1");
  EXPECT_TRUE(eventually([&] {
    return metrics_->expose().find("fracta_credential_refresh_total{result=\"unchanged\"} 0") == std::string::npos;
  }));
  EXPECT_THAT(cluster_->calls(), Not(Contains(StartsWith("PATCH "))));
}

TEST_F(Credentials, AFailingOriginKeepsTheOldValueAndIsTold) {
  deliver_as_file();
  source_->give("tok-1", 1s);
  ready();
  ASSERT_TRUE(plane().spawn(request("a1")));
  set_running("a1");
  source_->fail();
  EXPECT_TRUE(eventually([&] { return !note("a1", "fracta.io/refresh-error").empty(); }));
  EXPECT_EQ(stored("a1", "token"), "tok-1");
  EXPECT_TRUE(eventually([&] { return !cluster_->names(kEventsPath).empty(); }));
  ASSERT_TRUE(eventually([&] {
    const auto info = plane().get("a1");
    return info && info->conditions.size() == 1 && !info->conditions[0].status;
  }));
  const auto condition = plane().get("a1")->conditions.at(0);
  EXPECT_EQ(condition.type, "CredentialsFresh");
  EXPECT_THAT(condition.reason, ::testing::AnyOf("CredentialRefreshFailed", "CredentialExpired"));
  EXPECT_THAT(condition.message, HasSubstr("exit code 3: denied"));
  const auto event = *cluster_->get(kEventsPath, cluster_->names(kEventsPath).front());
  EXPECT_EQ(event["reason"], "CredentialRefreshFailed");
  EXPECT_EQ(event["involvedObject"]["kind"], "Job");
  EXPECT_EQ(event["involvedObject"]["uid"], (*cluster_->get(kJobsPath, "fracta-agent-a1"))["metadata"]["uid"]);
  EXPECT_THAT(string_at(event, "message"), HasSubstr("exit code 3: denied"));
  EXPECT_THAT(actions("a1"), Contains("credential.refresh_failed"));
  // It ends: said once more, and what is renewed later clears the condition.
  EXPECT_TRUE(eventually([&] { return cluster_->names(kEventsPath).size() >= 2; }));
  source_->give("tok-2", 1h);
  EXPECT_TRUE(eventually([&] { return stored("a1", "token") == "tok-2"; }));
  EXPECT_EQ(note("a1", "fracta.io/refresh-error"), "");
  EXPECT_TRUE(eventually([&] { return plane().get("a1")->conditions.at(0).status; }));
  EXPECT_TRUE(eventually([&] { return cluster_->names(kEventsPath).size() >= 3; }));  // CredentialRefreshed
}

TEST_F(Credentials, ASecretThatIsNotTheAgentsIsLeftAlone) {
  deliver_as_file();
  source_->give("tok-1", 1h);
  ready();
  ASSERT_TRUE(plane().spawn(request("a1")));
  set_running("a1");
  auto secret = *cluster_->get(kSecretsPath, "fracta-auth-a1");
  secret["metadata"]["ownerReferences"][0]["uid"] = "somebody-else";
  secret["metadata"]["annotations"]["fracta.io/refresh-at"] = "2026-01-01T00:00:00Z";
  cluster_->put(kSecretsPath, secret);
  source_->give("tok-1", 600ms);
  ready();
  ASSERT_TRUE(plane().spawn(request("a2")));  // one worker: when this one is renewed, the other has been looked at
  set_running("a2");
  source_->give("tok-2", 1h);
  EXPECT_TRUE(eventually([&] { return stored("a2", "token") == "tok-2"; }));
  EXPECT_EQ(stored("a1", "token"), "tok-1");
}

TEST_F(Credentials, AFinishedAgentNeedsNoRenewal) {
  deliver_as_file();
  source_->give("tok-1", 600ms);
  ready();
  ASSERT_TRUE(plane().spawn(request("a1")));
  set_running("a1");
  set_completed("a1");
  ASSERT_TRUE(shows("a1", "Completed"));
  ASSERT_TRUE(plane().spawn(request("a2")));
  set_running("a2");
  source_->give("tok-2", 1h);
  EXPECT_TRUE(eventually([&] { return stored("a2", "token") == "tok-2"; }));
  EXPECT_EQ(stored("a1", "token"), "tok-1");
}

}  // namespace
}  // namespace fracta::testing
