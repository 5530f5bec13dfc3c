// What `fracta init --scaffold k8s` writes, given to a cluster by kubectl in the two ways the documents name.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "fracta/base/file.hpp"
#include "fracta/base/subprocess.hpp"
#include "fracta/scaffold/scaffold.hpp"
#include "integration/cluster.hpp"

namespace fracta::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

// A cluster of its own, because the manifests bring their namespace; or an existing one in a namespace of the test's.
class ScaffoldOnCluster : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* path = std::getenv("PATH");
    if (find_on_path("kubectl", path == nullptr ? "" : path).empty()) GTEST_SKIP() << "kubectl is not installed";
    auto created = TemporaryDirectory::create();
    ASSERT_TRUE(created);
    project_ = std::make_unique<TemporaryDirectory>(*std::move(created));
    auto plan = scaffold::make_plan("k8s", project_->path());
    ASSERT_TRUE(plan) << plan.error().message;
    ASSERT_TRUE(scaffold::apply(*plan, false));
    if (const char* existing = std::getenv("FRACTA_TEST_KUBECONFIG"); existing != nullptr && *existing != '\0') {
      kubeconfig_ = existing;
      return;
    }
    auto cluster = devcluster::DevCluster::create({.run_node = false});
    ASSERT_TRUE(cluster) << cluster.error().message;
    cluster_ = *std::move(cluster);
    ASSERT_TRUE(cluster_->start());
    kubeconfig_ = cluster_->kubeconfig();
  }
  // As docs/kubernetes.md does it for another namespace, so that no installation of an existing cluster is touched.
  void move_to(const std::string& ns) {
    ns_ = ns;
    for (const auto& entry : fs::recursive_directory_iterator(project_->path())) {
      if (!entry.is_regular_file()) continue;
      std::string text = read_file(entry.path().string()).value_or("");
      for (const std::string from : {"namespace: fracta\n", "namespace: fracta ", "  name: fracta\n  labels:"}) {
        const std::string to = std::string(from).replace(from.find(": fracta"), 8, ": " + ns);
        for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
          text.replace(at, from.size(), to);
      }
      ASSERT_TRUE(write_file_atomic(entry.path().string(), text, {.mode = 0755}));
    }
  }
  void TearDown() override {
    if (!kubeconfig_.empty() && !ns_.empty())
      static_cast<void>(run({"delete", "namespace", ns_, "--wait=false", "--ignore-not-found"}));
  }
  CommandResult run(std::vector<std::string> arguments, const std::string& input = "") {
    CommandOptions options;
    options.argv = {"kubectl", "--kubeconfig", kubeconfig_};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    options.working_directory = project_->path();
    options.standard_input = input;
    options.timeout = std::chrono::seconds(60);
    auto result = run_command(options);
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
    return result.value_or({});
  }
  void apply(std::vector<std::string> what) {
    what.insert(what.begin(), "apply");
    const auto applied = run(what);
    EXPECT_EQ(applied.exit_code, 0) << applied.standard_error;
    EXPECT_EQ(applied.standard_error, "");
    for (const char* object :
         {"serviceaccount/fracta-controlplane", "serviceaccount/fracta-agent", "role/fracta-controlplane",
          "rolebinding/fracta-controlplane", "role/fracta-viewer", "role/fracta-operator",

          "role/fracta-credential-admin", "rolebinding/fracta-ca-reader", "pvc/fracta-workspace",
          "configmap/fracta-auth-helpers", "configmap/fracta-controlplane-config", "networkpolicy/fracta-controlplane",
          "networkpolicy/fracta-agents", "deployment/fracta-controlplane", "service/fracta-controlplane"})
      EXPECT_EQ(run({"get", object, "-n", ns_, "-o", "name"}).exit_code, 0) << object;
  }

  std::unique_ptr<TemporaryDirectory> project_;
  std::unique_ptr<devcluster::DevCluster> cluster_;
  std::string kubeconfig_, ns_;
};

TEST_F(ScaffoldOnCluster, AppliesAsKustomizationToAnEmptyCluster) {
  move_to("fracta-test-" + random_hex(4));
  apply({"-k", "deployment/k8s"});
  const auto again = run({"apply", "-k", "deployment/k8s"});
  EXPECT_THAT(again.standard_output, Not(HasSubstr("configured"))) << "applying twice changes nothing";
}

TEST_F(ScaffoldOnCluster, AppliesFileByFileToAnEmptyCluster) {
  move_to("fracta-test-" + random_hex(4));
  apply({"-f", "deployment/k8s/manifests/"});
}

TEST_F(ScaffoldOnCluster, HelpersArePackagedByThePrintedCommand) {
  move_to("fracta-test-" + random_hex(4));
  apply({"-k", "deployment/k8s"});
  std::ofstream(*project_ / "deployment/auth-helpers/fetch-vertex-token") << "#!/bin/sh\necho t\n";
  const auto made = run({"create", "configmap", "fracta-auth-helpers", "--from-file=deployment/auth-helpers/", "-n",
                         ns_, "--dry-run=client", "-o", "yaml"});
  EXPECT_EQ(run({"apply", "-f", "-"}, made.standard_output).exit_code, 0);
  const auto keys = run({"get", "configmap", "fracta-auth-helpers", "-n", ns_, "-o", "jsonpath={.data}"});
  EXPECT_THAT(keys.standard_output, HasSubstr("fetch-vertex-token"));
  EXPECT_THAT(keys.standard_output, HasSubstr("fetch-token-example"));
}

TEST_F(ScaffoldOnCluster, TheExampleHelperFailsWithAClearMessage) {
  CommandOptions options;
  options.argv = {*project_ / "deployment/auth-helpers/fetch-token-example"};
  const auto ran = run_command(options);
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->exit_code, 1);
  EXPECT_EQ(ran->standard_output, "");
  EXPECT_THAT(ran->standard_error, HasSubstr("unconfigured template"));
}

}  // namespace
}  // namespace fracta::testing
