// A development cluster with a data directory that is killed in the middle of things and started again.
#include <thread>

#include "e2e/world.hpp"
#include "fracta/kube/client.hpp"
#include "fracta/kube/client_config.hpp"

namespace fracta::e2e {
namespace {

class Restart : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TemporaryDirectory::create("fracta-e2e-");
    ASSERT_TRUE(made);
    directory_.emplace(std::move(*made));
    start();
  }
  void start() {
    std::vector<std::string> environment;
    for (char** variable = environ; *variable != nullptr; ++variable) environment.emplace_back(*variable);
    cluster_ =
        std::make_unique<Process>(std::vector<std::string>{FRACTA_BINARY, "devcluster", "--data", *directory_ / "data",
                                                           "--kubeconfig-out", *directory_ / "kubeconfig"},
                                  environment, *directory_ / "devcluster.log", directory_->path());
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    do {
      wait_for(std::stop_token{}, std::chrono::milliseconds{50});
      client_ = connect();
    } while ((!client_ || !client_->server_version()) && std::chrono::steady_clock::now() < end);
    ASSERT_TRUE(client_ && client_->server_version()) << read_file(*directory_ / "devcluster.log").value_or("");
  }
  std::unique_ptr<kube::Client> connect() {
    auto config = kube::load_client_config({.kubeconfig = *directory_ / "kubeconfig", .context = ""}, clock_);
    if (!config) return nullptr;
    auto client = kube::Client::create(std::move(*config), clock_, {});
    return client ? std::move(*client) : nullptr;
  }
  void kill_it() {
    cluster_->send(SIGKILL);
    EXPECT_EQ(cluster_->wait(std::chrono::seconds{10}), 128 + SIGKILL);
    std::filesystem::remove(*directory_ / "kubeconfig");
  }
  static Json secret(const std::string& name) {
    return {{"apiVersion", "v1"}, {"kind", "Secret"}, {"metadata", {{"name", name}}}, {"data", {{"k", "dg=="}}}};
  }

  RealClock clock_;
  std::optional<TemporaryDirectory> directory_;
  std::unique_ptr<Process> cluster_;
  std::unique_ptr<kube::Client> client_;
};

TEST_F(Restart, KeepsEveryObjectItHadConfirmed) {
  std::map<std::string, Json> confirmed;
  std::mutex mutex;
  std::jthread writer([&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) {
      const std::string name = "s" + std::to_string(i);
      auto made = client_->create(kube::kSecrets, "default", secret(name));
      if (!made) return;
      const std::lock_guard lock(mutex);
      confirmed[name] = std::move(*made);
    }
  });
  const auto count = [&] {
    const std::lock_guard lock(mutex);
    return confirmed.size();
  };
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  while (count() < 50 && std::chrono::steady_clock::now() < end)
    wait_for(std::stop_token{}, std::chrono::milliseconds{5});
  kill_it();
  writer.request_stop();
  writer.join();
  ASSERT_GE(confirmed.size(), 50u);

  start();
  std::string last;
  for (const auto& [name, object] : confirmed) {
    auto found = client_->get(kube::kSecrets, "default", name);
    ASSERT_TRUE(found) << name << ": " << found.error().message;
    EXPECT_EQ(string_at(*found, "metadata/uid"), string_at(object, "metadata/uid"));
    EXPECT_EQ(string_at(*found, "metadata/resourceVersion"), string_at(object, "metadata/resourceVersion"));
    last = std::max(last, string_at(object, "metadata/resourceVersion"));
  }
  auto next = client_->create(kube::kSecrets, "default", secret("next"));
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_GT(std::stoul(string_at(*next, "metadata/resourceVersion")), std::stoul(last));
  // A watch from before the restart has to list again.
  kube::WatchOptions options;
  options.resource_version = string_at(confirmed.begin()->second, "metadata/resourceVersion");
  auto watched = client_->watch(kube::kSecrets, "default", options, [](const kube::WatchEvent&) { return true; });
  ASSERT_FALSE(watched);
  EXPECT_EQ(watched.error().code, ErrorCode::kGone);
}

TEST_F(Restart, APodWhoseProcessIsGoneHasFailed) {
  const Json pod = {{"apiVersion", "v1"},
                    {"kind", "Pod"},
                    {"metadata", {{"name", "p"}}},
                    {"spec",
                     {{"restartPolicy", "Never"},
                      {"containers", {{{"name", "a"}, {"image", "host"}, {"command", {"sleep", "600"}}}}}}}};
  const auto phase = [&] { return string_at(client_->get(kube::kPods, "default", "p").value_or({}), "status/phase"); };
  const auto becomes = [&](const std::string& wanted) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (phase() != wanted && std::chrono::steady_clock::now() < end)
      wait_for(std::stop_token{}, std::chrono::milliseconds{50});
    return phase() == wanted;
  };
  std::string why;
  for (int i = 0; i < 600; ++i) {  // the namespace's service account comes first
    auto made = client_->create(kube::kPods, "default", pod);
    if (made) break;
    why = made.error().message;
    wait_for(std::stop_token{}, std::chrono::milliseconds{50});
  }
  ASSERT_TRUE(becomes("Running")) << why << phase();
  kill_it();
  start();
  EXPECT_TRUE(becomes("Failed")) << phase();
  const Json status = client_->get(kube::kPods, "default", "p").value_or({})["status"]["containerStatuses"][0]["state"];
  EXPECT_EQ(string_at(status, "terminated/reason"), "ContainerStatusUnknown") << status.dump();
}

}  // namespace
}  // namespace fracta::e2e
