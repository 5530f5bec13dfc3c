// kubectl against the cluster: the client nobody here wrote.
#include <gmock/gmock.h>

#include "fracta/base/subprocess.hpp"
#include "integration/cluster.hpp"

namespace fracta::testing {
namespace {

using ::testing::HasSubstr;

class Kubectl : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* path = std::getenv("PATH");
    if (find_on_path("kubectl", path == nullptr ? "" : path).empty()) GTEST_SKIP() << "kubectl is not installed";
    cluster_ = TestCluster::open();
    ASSERT_TRUE(cluster_);
  }

  CommandResult run(std::vector<std::string> arguments, const std::string& input = "") {
    CommandOptions options;
    options.argv = {"kubectl", "--kubeconfig", cluster_->kubeconfig(), "-n", cluster_->ns()};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    options.standard_input = input;
    options.timeout = std::chrono::seconds(60);
    auto result = run_command(options);
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
    return result.value_or({});
  }

  std::unique_ptr<TestCluster> cluster_;
};

TEST_F(Kubectl, CreatesShowsAndDeletes) {
  EXPECT_THAT(run({"create", "configmap", "settings", "--from-literal=a=b"}).standard_output,
              HasSubstr("configmap/settings created"));
  EXPECT_THAT(run({"create", "configmap", "settings"}).standard_error,
              HasSubstr("configmaps \"settings\" already exists"));
  EXPECT_THAT(run({"get", "configmaps"}).standard_output, HasSubstr("NAME"));
  EXPECT_THAT(run({"describe", "configmap", "settings"}).standard_output, HasSubstr("Data"));
  EXPECT_THAT(run({"delete", "configmap", "settings"}).standard_output, HasSubstr("deleted"));
  EXPECT_THAT(run({"get", "configmap", "settings"}).standard_error, HasSubstr("configmaps \"settings\" not found"));
}

TEST_F(Kubectl, AppliesTwice) {
  const std::string first = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied}\ndata: {a: one}\n";
  const std::string second = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied}\ndata: {a: two}\n";
  EXPECT_THAT(run({"apply", "-f", "-"}, first).standard_output, HasSubstr("created"));
  EXPECT_THAT(run({"apply", "-f", "-"}, second).standard_output, HasSubstr("configured"));
  EXPECT_EQ(run({"get", "configmap", "applied", "-o", "jsonpath={.data.a}"}).standard_output, "two");
}

TEST_F(Kubectl, RefusesUnknownFieldsByName) {
  const auto result = run({"apply", "-f", "-"}, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\nbogus: 1\n");
  EXPECT_NE(result.exit_code, 0);
  EXPECT_THAT(result.standard_error, HasSubstr("unknown field \"bogus\""));
}

TEST_F(Kubectl, PatchesAndAsksForRights) {
  run({"create", "configmap", "patched", "--from-literal=a=b"});
  EXPECT_THAT(run({"patch", "configmap", "patched", "-p", R"({"data":{"a":"c"}})"}).standard_output,
              HasSubstr("patched"));
  EXPECT_THAT(run({"auth", "can-i", "create", "pods"}).standard_output, HasSubstr("yes"));
}

TEST_F(Kubectl, RunsAJobAndReadsItsLog) {
  EXPECT_THAT(run({"create", "job", "hello", "--image=busybox:1", "--", "echo", "hi there"}).standard_output,
              HasSubstr("job.batch/hello created"));
  EXPECT_THAT(run({"wait", "--for=condition=complete", "job/hello", "--timeout=50s"}).standard_output,
              HasSubstr("condition met"));
  EXPECT_EQ(run({"logs", "job/hello"}).standard_output, "hi there\n");
  EXPECT_THAT(run({"get", "jobs"}).standard_output, HasSubstr("1/1"));
}

}  // namespace
}  // namespace fracta::testing
