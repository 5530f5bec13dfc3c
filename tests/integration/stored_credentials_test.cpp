// Stored credentials through the command line, the daemon and a real API server.
#include <sstream>

#include "fracta/base/text.hpp"
#include "fracta/cli/cli.hpp"
#include "integration/daemon_fixture.hpp"
#include "unit/credentials/kubeconfig_samples.hpp"

namespace fracta {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr const char* kCredentials = "/api/v1/credentials";

class StoredCredentials : public testing::DaemonTest {
 protected:
  struct Outcome {
    int code = -1;
    std::string out, err;
  };
  Outcome cli(std::vector<std::string> arguments, const std::string& input = "") {
    std::ostringstream out, err;
    std::istringstream in(input);
    const std::string server = "http://" + daemon_->address();
    cli::Context context{.out = out,
                         .err = err,
                         .in = in,
                         .environment = [&](const std::string& name) -> std::optional<std::string> {
                           if (name == "FRACTA_SERVER") return server;
                           return std::nullopt;
                         },
                         .stop = {}};
    Outcome outcome;
    outcome.code = cli::run(arguments, context);
    outcome.out = out.str();
    outcome.err = err.str();
    return outcome;
  }
  std::vector<Json> secrets() {
    std::vector<Json> out;
    kube::ListOptions options;
    options.label_selector = "fracta.io/credential=true";
    EXPECT_TRUE(cluster().client().list(kube::kSecrets, cluster().ns(), options,
                                        [&](const Json& object) { out.push_back(object); }));
    return out;
  }
  void remove_all() {
    for (const auto& secret : secrets())
      (void)cluster().client().remove(kube::kSecrets, cluster().ns(), string_at(secret, "metadata/name"));
  }
  void TearDown() override {
    if (daemon_) remove_all();
    DaemonTest::TearDown();
  }
  std::string with_keyring(int active, int keys) {
    Json ring = Json::object();
    for (int version = 1; version <= keys; ++version)
      ring[std::to_string(version)] = base64_encode(std::string(32, static_cast<char>('a' + version)));
    EXPECT_TRUE(write_file_atomic(*directory_ / "keyring", dump_json(ring)));
    EXPECT_TRUE(write_file_atomic(*directory_ / "version", std::to_string(active)));
    return "stored_credentials:\n  keyring_directory: " + directory_->path() + "\n";
  }
};

TEST_F(StoredCredentials, LifeOfAKubeconfig) {
  start();
  const auto text = credentials::testing::sample_kubeconfig();
  const auto made = cli({"credential", "create", "--name", "remote", "--provider", "kubeconfig", "--token", "-"}, text);
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(made.out, "credential/remote created\n");
  ASSERT_EQ(cli({"credential", "create", "--name", "gh", "--provider", "github", "--token", "-"}, "ghp_abcdef").code,
            0);

  const auto listed = cli({"credential", "list", "--provider", "kubeconfig"});
  EXPECT_THAT(listed.out, AllOf(HasSubstr("remote"), Not(HasSubstr("gh "))));
  EXPECT_EQ(cli({"credential", "token", "remote"}).out, text + "\n");

  const auto stored = secrets();
  ASSERT_THAT(stored, SizeIs(2));
  for (const auto& secret : stored) {
    EXPECT_EQ(string_at(secret, "type"), "fracta.io/credential");
    EXPECT_THAT(string_at(secret, "metadata/name"), StartsWith("fracta-credential-"));
  }

  ASSERT_EQ(cli({"credential", "update", "remote", "--name", "prod", "--description", "the cluster"}).code, 0);
  EXPECT_THAT(secrets(), SizeIs(2)) << "a rename leaves no second one";
  EXPECT_THAT(cli({"credential", "get", "prod"}).out, HasSubstr("the cluster"));
  EXPECT_THAT(cli({"credential", "get", "remote"}).err, HasSubstr("not found"));

  EXPECT_EQ(cli({"credential", "bind", "prod", "--runtime", "shell"}).out, "credential/prod bound to runtime/shell\n");
  EXPECT_THAT(cli({"credential", "usage", "prod"}).out, HasSubstr("runtime/shell"));
  EXPECT_THAT(cli({"credential", "delete", "prod", "--confirm"}).err, HasSubstr("bound to runtime/shell"));
  EXPECT_EQ(cli({"credential", "unbind", "prod", "--runtime", "shell"}).code, 0);
  EXPECT_EQ(cli({"credential", "delete", "prod", "--confirm"}).code, 0);
  EXPECT_EQ(cli({"credential", "delete", "gh", "--confirm"}).code, 0);
  EXPECT_THAT(secrets(), IsEmpty());
}

TEST_F(StoredCredentials, ReplicasAndRestartsSeeTheSame) {
  start();
  ASSERT_EQ(cli({"credential", "create", "--name", "gh", "--provider", "github", "--token", "-"}, "ghp_abcdef").code,
            0);
  start();
  EXPECT_EQ(cli({"credential", "token", "gh"}).out, "ghp_abcdef\n");
}

TEST_F(StoredCredentials, LostUpdatesAreRefusedByTheApiServer) {
  start();
  const auto made = json("POST", kCredentials, {{"name", "gh"}, {"provider", "github"}, {"token", "ghp_abcdef"}});
  const std::string id = string_at(made, "id");
  std::vector<std::jthread> writers;
  for (int i = 0; i < 4; ++i)
    writers.emplace_back([&, i] {
      const std::string field = i % 2 == 0 ? "description" : "url";
      const auto answer =
          call("PATCH", std::string(kCredentials) + "/" + id, {{field, i % 2 == 0 ? "d" : "https://x.example"}});
      EXPECT_EQ(answer.status, 200) << answer.body;
    });
  writers.clear();
  const auto now = json("GET", std::string(kCredentials) + "/" + id);
  EXPECT_EQ(string_at(now, "description"), "d");
  EXPECT_EQ(string_at(now, "url"), "https://x.example");
}

TEST_F(StoredCredentials, KeysRotate) {
  start();
  ASSERT_EQ(cli({"credential", "create", "--name", "gh", "--provider", "github", "--token", "-"}, "ghp_abcdef").code,
            0);
  EXPECT_THAT(cli({"credential", "rotate-keys"}).err, HasSubstr("no keyring"));
  start(with_keyring(1, 1));
  EXPECT_THAT(cli({"credential", "rotate-keys"}).out, HasSubstr("sealed: 1 plain"));
  EXPECT_THAT(*base64_decode(string_at(secrets().at(0), "data/token")), StartsWith("enc:v1:"));
  with_keyring(2, 2);  // the kubelet has swapped the mounted Secret
  EXPECT_THAT(cli({"credential", "rotate-keys", "--dry-run"}).out, HasSubstr("1 under an older key"));
  EXPECT_THAT(*base64_decode(string_at(secrets().at(0), "data/token")), StartsWith("enc:v1:"));
  EXPECT_EQ(cli({"credential", "rotate-keys"}).code, 0);
  EXPECT_THAT(*base64_decode(string_at(secrets().at(0), "data/token")), StartsWith("enc:v2:"));
  EXPECT_EQ(cli({"credential", "token", "gh"}).out, "ghp_abcdef\n");
  start();
  const auto lost = cli({"credential", "token", "gh"});
  EXPECT_EQ(lost.code, 1);
  EXPECT_THAT(lost.err, AllOf(HasSubstr("keyring"), Not(HasSubstr("enc:v2"))));
}

TEST_F(StoredCredentials, BrokenKeyringStopsTheStart) {
  with_keyring(3, 1);
  const auto created =
      daemon::Daemon::create(options("stored_credentials:\n  keyring_directory: " + directory_->path() + "\n"));
  ASSERT_FALSE(created.ok());
  EXPECT_THAT(created.error().message, HasSubstr("no key of version 3"));
}

TEST_F(StoredCredentials, VerifyAsksTheClusterOfTheKubeconfig) {
  start();
  const auto good = cli({"credential", "create", "--name", "here", "--provider", "kubeconfig", "--verify", "--token",
                         "@" + cluster().kubeconfig()});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_THAT(good.err, HasSubstr("verified: https://"));
  const auto bad =
      cli({"credential", "create", "--name", "there", "--provider", "kubeconfig", "--verify", "--token", "-"},
          credentials::testing::Kubeconfig{.server = "https://127.0.0.1:1"}.text());
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.err, HasSubstr("verify: "));
  EXPECT_THAT(cli({"credential", "get", "there"}).err, HasSubstr("not found"));
}

}  // namespace
}  // namespace fracta
