// Where the identity comes from: environment and files.
#include "fracta/kube/client_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "fracta/base/file.hpp"
#include "fracta/kube/resource.hpp"

namespace fracta::kube {
namespace {

using ::testing::HasSubstr;

class LoadOrder : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"KUBECONFIG", "HOME", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"}) {
      const char* value = std::getenv(name);
      saved_.emplace_back(name, value == nullptr ? std::nullopt : std::optional<std::string>(value));
      unsetenv(name);
    }
    set("HOME", directory_.path());
  }
  void TearDown() override {
    for (const auto& [name, value] : saved_) {
      if (value)
        setenv(name.c_str(), value->c_str(), 1);
      else
        unsetenv(name.c_str());
    }
  }
  static void set(const char* name, const std::string& value) { setenv(name, value.c_str(), 1); }
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = directory_ / name;
    EXPECT_TRUE(make_directories(path.substr(0, path.rfind('/'))));
    EXPECT_TRUE(write_file_atomic(path, text));
    return path;
  }
  std::string kubeconfig(const std::string& name, const std::string& host) {
    return write(name, "current-context: x\nclusters: [{name: c, cluster: {server: 'https://" + host +
                           "'}}]\ncontexts: [{name: x, context: {cluster: c}}]\n");
  }
  std::string host(const LoadOptions& options = {}) {
    auto loaded = load_client_config(options, clock_);
    return loaded ? loaded->server.host : "error: " + loaded.error().message;
  }
  FakeClock clock_;
  TemporaryDirectory directory_ = *TemporaryDirectory::create();
  std::vector<std::pair<std::string, std::optional<std::string>>> saved_;
};

TEST_F(LoadOrder, ExplicitThenKubeconfigThenHome) {
  kubeconfig(".kube/config", "home");
  EXPECT_EQ(host(), "home");
  set("KUBECONFIG", kubeconfig("env", "env"));
  EXPECT_EQ(host(), "env");
  EXPECT_EQ(host({.kubeconfig = kubeconfig("flag", "flag"), .context = ""}), "flag");
}

TEST_F(LoadOrder, KubeconfigListSkipsWhatIsNotThereAndMergesTheRest) {
  set("KUBECONFIG", ":" + (directory_ / "none") + ":" + write("a", "current-context: x") + ":" + kubeconfig("b", "b") +
                        ":" + kubeconfig("c", "c"));
  EXPECT_EQ(host(), "b");
}

TEST_F(LoadOrder, NothingThereSaysWhereItLooked) {
  EXPECT_THAT(host(),
              AllOf(HasSubstr("--kubeconfig"), HasSubstr("KUBECONFIG"), HasSubstr(directory_ / ".kube/config")));
  const auto missing = directory_ / "none";
  EXPECT_THAT(host({.kubeconfig = missing, .context = ""}), HasSubstr("kubeconfig " + missing + ": "));
  set("KUBECONFIG", missing);
  EXPECT_EQ(host(), "error: kubeconfig " + missing + ": no such file");
}

TEST_F(LoadOrder, InClusterBeforeHomeAndItsTokenRotates) {
  kubeconfig(".kube/config", "home");
  set("KUBERNETES_SERVICE_HOST", "10.0.0.1");
  set("KUBERNETES_SERVICE_PORT", "443");
  EXPECT_THAT(host(), HasSubstr("in-cluster")) << "no service account files here";

  write("sa/ca.crt", "CA");
  write("sa/token", "one\n");
  write("sa/namespace", "agents");
  auto config = in_cluster_config(clock_, directory_ / "sa");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server.to_string(), "https://10.0.0.1:443");
  EXPECT_EQ(config->tls.ca_pem, "CA");
  EXPECT_EQ(config->default_namespace, "agents");
  EXPECT_EQ(*config->token->token({}), "one");
  write("sa/token", "two\n");
  clock_.advance(std::chrono::minutes(1));
  EXPECT_EQ(*config->token->token({}), "two");
}

TEST_F(LoadOrder, InClusterOnIPv6) {
  set("KUBERNETES_SERVICE_HOST", "fd00::1");
  set("KUBERNETES_SERVICE_PORT", "443");
  write("sa/ca.crt", "CA");
  write("sa/token", "t");
  auto config = in_cluster_config(clock_, directory_ / "sa");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server.authority(), "[fd00::1]:443");
  EXPECT_EQ(config->default_namespace, "default");
}

TEST_F(LoadOrder, InClusterErrorsNameWhatIsMissing) {
  EXPECT_THAT(in_cluster_config(clock_, directory_ / "sa").error().message,
              HasSubstr("KUBERNETES_SERVICE_HOST is not set"));
  set("KUBERNETES_SERVICE_HOST", "10.0.0.1");
  set("KUBERNETES_SERVICE_PORT", "https");
  EXPECT_THAT(in_cluster_config(clock_, directory_ / "sa").error().message, HasSubstr("KUBERNETES_SERVICE_PORT"));
  set("KUBERNETES_SERVICE_PORT", "443");
  EXPECT_THAT(in_cluster_config(clock_, directory_ / "sa").error().message, HasSubstr("sa/ca.crt"));
  write("sa/ca.crt", "CA");
  EXPECT_THAT(in_cluster_config(clock_, directory_ / "sa").error().message, HasSubstr("sa/token"));
}

TEST(ResourcePath, ByGroupScopeAndName) {
  EXPECT_EQ(kPods.path("ns", "a"), "/api/v1/namespaces/ns/pods/a");
  EXPECT_EQ(kPods.path(""), "/api/v1/pods");
  EXPECT_EQ(kJobs.path("ns"), "/apis/batch/v1/namespaces/ns/jobs");
  EXPECT_EQ(kNamespaces.path("ignored", "n"), "/api/v1/namespaces/n");
  EXPECT_EQ(kPods.path("a/b", "c d?x#y\n"), "/api/v1/namespaces/a%2Fb/pods/c%20d%3Fx%23y%0A");
}

}  // namespace
}  // namespace fracta::kube
