// The shipped Role is exactly what the daemon needs: it runs under that Role through everything it can do, failures
// included, and every verb of the Role has been used at the end and nothing was forbidden.
#include "fracta/base/subprocess.hpp"
#include "fracta/base/yaml.hpp"
#include "integration/access_fixture.hpp"
#include "integration/recording_proxy.hpp"

namespace fracta::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kRoleFile = FRACTA_SOURCE_DIR "/deployment/k8s/manifests/10-rbac.yaml";

std::set<std::string> granted_by(const std::string& manifests) {
  std::set<std::string> granted;
  const auto documents = parse_yaml_stream(manifests);
  if (!documents) return granted;
  for (const auto& document : *documents) {
    const std::string kind = string_at(document, "kind");
    if (kind != "Role" && kind != "ClusterRole") continue;
    for (const auto& rule : document["rules"])
      for (const auto& group : rule["apiGroups"])
        for (const auto& resource : rule["resources"])
          for (const auto& verb : rule["verbs"])
            granted.insert(group.get<std::string>() + "/" + resource.get<std::string>() + " " +
                           verb.get<std::string>());
  }
  return granted;
}

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// The answers a daemon meets only on bad days, each once.
class BadDays {
 public:
  std::optional<net::ServerResponse> operator()(const std::string& access, const net::Response& real) {
    const std::lock_guard lock(mutex_);
    // Of Secrets and ConfigMaps only agents' own; stored credentials and the daemon's certificate have other bad days.
    if (access.starts_with("/secrets ") && real.body.find("fracta-auth-") == std::string::npos) return std::nullopt;
    if (access.starts_with("/configmaps ") && real.body.find("fracta-config-") == std::string::npos)
      return std::nullopt;
    const int count = ++seen_[access];
    if ((access == "batch/jobs create" || access == "/pods create") && count == 1)
      return net::ServerResponse::text(504, "the answer got lost");
    for (const char* resource : {"/configmaps", "/secrets"}) {
      const std::string kind = resource;
      if (access == kind + " create" && real.status == 201) created_[kind] = real.body;
      // "It exists": the object of an agent that is long gone, so it is deleted and created again.
      if (access == kind + " create" && count == 1)
        return status(409, R"({"kind":"Status","status":"Failure","reason":"AlreadyExists","code":409})");
      if (access == kind + " create" && count == 2) return status(201, created_[kind]);
      if (access == kind + " get" && count == 1) return status(200, with_dead_owner(created_[kind]));
      // The real one refuses the dead object's uid.
      if (access == kind + " delete" && count == 1)
        return status(200, R"({"kind":"Status","status":"Success","code":200})");
    }
    return std::nullopt;
  }

 private:
  static net::ServerResponse status(int code, const std::string& body) { return net::ServerResponse::json(code, body); }
  static std::string with_dead_owner(const std::string& body) {
    auto object = parse_json(body);
    if (!object) return body;
    (*object)["metadata"]["uid"] = "11111111-2222-4333-8444-555555555555";
    for (auto& owner : (*object)["metadata"]["ownerReferences"]) owner["uid"] = "99999999-2222-4333-8444-555555555555";
    return dump_json(*object);
  }
  std::mutex mutex_;
  std::map<std::string, int> seen_;
  std::map<std::string, std::string> created_;
};

class RoleTest : public AccessTest {
 protected:
  void SetUp() override {
    AccessTest::SetUp();
    if (HasFatalFailure()) return;
    if (!runs_pods()) GTEST_SKIP() << "needs a cluster that runs pods";
    const char* path = std::getenv("PATH");
    if (find_on_path("kubectl", path == nullptr ? "" : path).empty()) GTEST_SKIP() << "kubectl is not installed";
    manifests_ = read_file(kRoleFile).value_or("");
    kubectl({"apply", "-f", "-"},
            replace_all(manifests_, "namespace: fracta\n", "namespace: " + cluster().ns() + "\n"));
    auto bad_days = std::make_shared<BadDays>();
    proxy_ = RecordingProxy::start(
        cluster().kubeconfig(), cluster().clock(),
        [bad_days](const std::string& access, const net::Response& real) { return (*bad_days)(access, real); });
    ASSERT_TRUE(proxy_);
  }

  std::string kubectl(std::vector<std::string> arguments, const std::string& input = "") {
    CommandOptions command;
    command.argv = {"kubectl", "--kubeconfig", cluster().kubeconfig(), "-n", cluster().ns()};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.standard_input = input;
    command.timeout = std::chrono::seconds(60);
    auto result = run_command(command);
    EXPECT_TRUE(result.ok() && result->exit_code == 0)
        << (result.ok() ? result->standard_error : result.error().message);
    return std::string(trim(result.ok() ? result->standard_output : ""));
  }

  // A daemon that is nobody but the shipped service account.
  void start_as_service_account() {
    const std::string token = kubectl({"create", "token", "fracta-controlplane"});
    kubectl({"create", "configmap", "fracta-controlplane-ca", "--from-literal=ca.crt=of an earlier authority"});
    const Json kubeconfig = {{"apiVersion", "v1"},
                             {"kind", "Config"},
                             {"current-context", "c"},
                             {"contexts", {{{"name", "c"}, {"context", {{"cluster", "c"}, {"user", "u"}}}}}},
                             {"clusters", {{{"name", "c"}, {"cluster", {{"server", "http://" + proxy_->address()}}}}}},
                             {"users", {{{"name", "u"}, {"user", {{"token", token}}}}}}};
    const std::string path = *directory_ / "as-service-account";
    ASSERT_TRUE(write_file_atomic(path, dump_json(kubeconfig)));
    token_file_ = *directory_ / "token";
    ASSERT_TRUE(write_file_atomic(token_file_, "first-token"));
    auto wanted = options(R"(    minted:
      adapter: command
      command: [sleep, "600"]
      auth_profile: p
auth:
  credentials:
    profiles:
      p:
        auth_origins:
          minted: {type: command_output, scope: any, command: [cat, )" +
                          token_file_ + R"(], path: /creds/token, ttl_ms: 2000}
        default_binding: {type: token_file, auth_origin: minted}
)" + std::string(kAccessKubernetes));
    wanted.kubeconfig = path;
    const std::string text = read_file(wanted.config_path).value_or("");
    ASSERT_TRUE(write_file_atomic(wanted.config_path,
                                  replace_all(text, "    image: ", "    service_account: fracta-agent\n    image: ")));
    auto created = daemon::Daemon::create(wanted);
    ASSERT_TRUE(created) << created.error().message;
    daemon_ = *std::move(created);
    ASSERT_TRUE(daemon_->start());
    make_account("me", "fracta-operator");
    bind("me", "fracta-credential-admin");
    bearer_ = token_of("me");
    ca_pem_ = stored_ca();
    connect(daemon_->address());
    ASSERT_TRUE(within(std::chrono::seconds(30), [&] { return call("GET", "/readyz").status == 200; }))
        << call("GET", "/readyz").body;
  }

  void spawn(const std::string& task, const std::string& runtime, const std::string& mode = "batch") {
    const auto answer = call("POST", "/api/v1/agents", {{"task", task}, {"runtime", runtime}, {"mode", mode}});
    ASSERT_EQ(answer.status, 201) << task << ": " << answer.body;
  }

  // Waits until it was asked for. A refusal ends the wait: later steps build on earlier ones.
  void expect_use(const std::string& access) {
    EXPECT_TRUE(within(std::chrono::seconds(90), [&] { return proxy_->saw(access) || !proxy_->forbidden().empty(); }))
        << access << " was never asked for";
    ASSERT_THAT(proxy_->forbidden(), IsEmpty()) << "verbs that the Role lacks: " << kRoleFile;
  }

  std::string manifests_;
  std::string token_file_;
  std::unique_ptr<RecordingProxy> proxy_;
};

TEST_F(RoleTest, TheShippedRoleIsExactlyWhatTheDaemonUses) {
  start_as_service_account();
  if (HasFatalFailure()) return;
  // Stored credentials: list, create, read, change, delete.
  const auto stored = json("POST", "/api/v1/credentials", {{"name", "c"}, {"provider", "github"}, {"token", "t0ken"}});
  const std::string credential = "/api/v1/credentials/" + string_at(stored, "id");
  EXPECT_EQ(call("GET", "/api/v1/credentials").status, 200);
  EXPECT_EQ(call("GET", credential + "/token").status, 200);
  EXPECT_EQ(call("PATCH", credential, {{"token", "t1ken"}}).status, 200);
  EXPECT_EQ(call("DELETE", credential).status, 204);
  // Lost answers and leftovers (BadDays), then the usual life of agents.
  spawn("batch", "minted");
  spawn("stream", "codex", "stream");
  spawn("short", "shell");
  EXPECT_TRUE(becomes("short", "Completed"));
  EXPECT_THAT(string_at(json("GET", "/api/v1/agents/short/logs?lines=10"), "output"), HasSubstr("hello"));
  // Renewed while it runs; then the command fails, which becomes an Event.
  ASSERT_TRUE(becomes("batch", "Running"));
  ASSERT_TRUE(write_file_atomic(token_file_, "second-token"));
  ASSERT_NO_FATAL_FAILURE(expect_use("/secrets patch"));
  std::filesystem::remove(token_file_);
  ASSERT_NO_FATAL_FAILURE(expect_use("/events create"));
  // A Job whose pods are refused: the reason stands only in Events, which are read after half a minute.
  kubectl({"delete", "serviceaccount", "fracta-agent"});
  spawn("refused", "shell");
  EXPECT_EQ(call("DELETE", "/api/v1/agents/batch").status, 200);
  EXPECT_EQ(call("DELETE", "/api/v1/agents/stream").status, 200);
  ASSERT_NO_FATAL_FAILURE(expect_use("/events list"));
  daemon_->stop();

  EXPECT_THAT(proxy_->forbidden(), IsEmpty()) << "verbs that the Role lacks: " << kRoleFile;
  EXPECT_EQ(proxy_->used(), granted_by(manifests_)) << "a verb too many or too few in " << kRoleFile;
}

}  // namespace
}  // namespace fracta::testing
