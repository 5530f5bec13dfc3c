// kubectl against the test cluster: the client nobody here wrote. FRACTA_TEST_KUBECTL names another one than PATH's.
#pragma once

#include <gmock/gmock.h>

#include "fracta/base/file.hpp"
#include "fracta/base/subprocess.hpp"
#include "integration/cluster.hpp"

namespace fracta::testing {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Kubectl : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* named = std::getenv("FRACTA_TEST_KUBECTL");
    const char* path = std::getenv("PATH");
    kubectl_ = named != nullptr ? named : find_on_path("kubectl", path == nullptr ? "" : path);
    if (kubectl_.empty()) GTEST_SKIP() << "kubectl is not installed";
    cluster_ = TestCluster::open();
    ASSERT_TRUE(cluster_);
    auto directory = TemporaryDirectory::create();
    ASSERT_TRUE(directory.ok()) << directory.error().message;
    directory_.emplace(std::move(*directory));
  }

  // What kubectl is always told. The cache is keyed by host and port, which a later run may be given again.
  [[nodiscard]] std::vector<std::string> command() const {
    return {kubectl_, "--kubeconfig", cluster_->kubeconfig(), "--cache-dir", directory_->path(), "-n", cluster_->ns()};
  }

  static CommandResult run_argv(std::vector<std::string> argv, const std::string& input = "") {
    CommandOptions options;
    options.argv = std::move(argv);
    options.standard_input = input;
    options.timeout = std::chrono::seconds(90);
    options.max_stdout = 4u << 20;
    auto result = run_command(options);
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
    return result.value_or({});
  }

  CommandResult run(const std::vector<std::string>& arguments, const std::string& input = "") const {
    std::vector<std::string> argv = command();
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run_argv(std::move(argv), input);
  }

  // Standard output of a command that must succeed, or standard error of one that must not.
  std::string output(const std::vector<std::string>& arguments, const std::string& input = "") const {
    const CommandResult result = run(arguments, input);
    EXPECT_EQ(result.exit_code, 0) << join(arguments, " ") << ": " << result.standard_error;
    return result.standard_output;
  }
  std::string refusal(const std::vector<std::string>& arguments, const std::string& input = "") const {
    const CommandResult result = run(arguments, input);
    EXPECT_NE(result.exit_code, 0) << join(arguments, " ") << ": " << result.standard_output;
    return result.standard_error;
  }

  // 20 of kubectl 1.20.
  [[nodiscard]] int minor() const {
    auto version = parse_json(run_argv({kubectl_, "version", "--client", "-o", "json"}).standard_output);
    const std::string text = version ? string_at(*version, "clientVersion/minor") : "";
    return static_cast<int>(parse_int(text.substr(0, text.find_first_not_of("0123456789"))).value_or(0));
  }

  // Whether pods run, and the image to run them with: anything goes on a development cluster.
  [[nodiscard]] bool runs_pods() const { return !cluster_->existing() || std::getenv("FRACTA_TEST_IMAGE") != nullptr; }
  [[nodiscard]] static std::string image() {
    const char* named = std::getenv("FRACTA_TEST_IMAGE");
    return named != nullptr ? named : "busybox:1";
  }

  std::string kubectl_;
  std::unique_ptr<TestCluster> cluster_;
  std::optional<TemporaryDirectory> directory_;
};

}  // namespace fracta::testing
