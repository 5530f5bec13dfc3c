// docs/kubernetes.md from the scaffold to a restarted controlplane, with the daemon as a pod of the cluster.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "e2e/forward.hpp"
#include "e2e/world.hpp"

namespace fracta::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Rollout : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    if (existing_) GTEST_SKIP() << "needs the images in the cluster; docs/kubernetes.md is tried by hand there";
    const auto written = fracta({"init", "--scaffold", "k8s", "--yes"});
    ASSERT_EQ(written.exit_code, 0) << written.standard_error;
    ns_ = "fracta";
  }
  void TearDown() override {
    if (HasFailure() && !existing_)
      std::cerr << kubectl_n({"describe", "deployments,replicasets,pods"}).standard_output
                << kubectl_n({"logs", "deployment/fracta-controlplane", "--tail=50"}).standard_output;
    World::TearDown();
  }

  void must(const std::vector<std::string>& arguments) {
    const auto done = kubectl(arguments);
    ASSERT_EQ(done.exit_code, 0) << join(arguments, " ") << ": " << done.standard_error << done.standard_output;
  }
  void write_helper(const std::string& name, const std::string& output) {
    const std::string file = path("deployment/auth-helpers/" + name);
    std::ofstream(file) << "#!/bin/sh\necho " << output << "\n";
    chmod(file.c_str(), 0755);
    const auto packaged =
        apply({"create", "configmap", "fracta-auth-helpers", "--from-file=deployment/auth-helpers/", "-n", ns_});
    ASSERT_EQ(packaged.exit_code, 0) << packaged.standard_error;
  }
  void edit(const std::string& file, const std::string& from, const std::string& to) {
    std::string text = read_file(path(file)).value_or("");
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    std::ofstream(path(file)) << text.replace(at, from.size(), to);
  }
  void wait_for_rollout() { must({"rollout", "status", "deployment/fracta-controlplane", "-n", ns_, "--timeout=55s"}); }
  // The one controlplane pod; `fracta` reaches it from here on.
  Json find_controlplane() {
    const auto listed = parse_json(
        kubectl_n({"get", "pods", "-l", "app.kubernetes.io/component=controlplane", "-o", "json"}).standard_output);
    const Json* items = listed ? find(*listed, "items") : nullptr;
    if (items == nullptr || items->size() != 1) {
      ADD_FAILURE() << "not one controlplane: " << (listed ? dump_json(*listed, 1) : "");
      return {};
    }
    forward_.lead_to(string_at((*items)[0], "status/podIP"), 9090);
    return (*items)[0];
  }
  // As docs/kubernetes.md says it, with a port of the test's.
  void log_in() {
    must({"create", "serviceaccount", "me", "-n", ns_});
    must({"create", "rolebinding", "me", "-n", ns_, "--role", "fracta-operator", "--serviceaccount", ns_ + ":me"});
    std::ofstream(path("ca.crt"))
        << kubectl_n({"get", "configmap", "fracta-controlplane-ca", "-o", "jsonpath={.data.ca\\.crt}"}).standard_output;
    const auto done = fracta({"login", "https://localhost:" + std::to_string(forward_.port()), "--ca-file",
                              path("ca.crt"), "--service-account", ns_ + "/me"});
    ASSERT_EQ(done.exit_code, 0) << done.standard_error;
    server_ = "https://localhost:" + std::to_string(forward_.port());
  }

  Forward forward_;
};

TEST_F(Rollout, TheScaffoldRunsAndARestartBringsTheNewConfiguration) {
  must({"apply", "-k", "deployment/k8s"});
  wait_for_rollout();
  const std::string first = string_at(find_controlplane(), "metadata/name");
  log_in();
  write_helper("fetch-bedrock-token", "bedrock-token-1");
  auto spawned = fracta({"spawn", "hello", "--runtime", "shell", "--wait", "--", "sh", "-c", "fetch-bedrock-token"});
  EXPECT_EQ(spawned.exit_code, 0) << spawned.standard_error;
  EXPECT_THAT(
      fracta({"logs", "hello"}).standard_output,
      AllOf(HasSubstr("auth-helpers=[fetch-bedrock-token,fetch-token-example]\n"), HasSubstr("bedrock-token-1\n")));

  // One more runtime: known only after the restart.
  edit("deployment/k8s/manifests/fracta-controlplane.yaml", "        # codex:\n",
       "        probe:\n          adapter: command\n          command: [sh, -c, fetch-vertex-token]\n        # "
       "codex:\n");
  write_helper("fetch-vertex-token", "vertex-token-1");
  must({"apply", "-f", "deployment/k8s/manifests/fracta-controlplane.yaml"});
  EXPECT_NE(fracta({"spawn", "early", "--runtime", "probe", "--contract", "x"}).exit_code, 0);
  must({"rollout", "restart", "deployment/fracta-controlplane", "-n", ns_});
  wait_for_rollout();
  EXPECT_NE(string_at(find_controlplane(), "metadata/name"), first);
  spawned = fracta({"spawn", "vertex", "--runtime", "probe", "--contract", "x", "--wait"});
  EXPECT_EQ(spawned.exit_code, 0) << spawned.standard_error;
  EXPECT_THAT(fracta({"logs", "vertex"}).standard_output, HasSubstr("vertex-token-1\n"));
  EXPECT_THAT(fracta({"get"}).standard_output, HasSubstr("hello")) << "what ran before the restart is still known";

  const auto history = kubectl_n({"rollout", "history", "deployment/fracta-controlplane"});
  EXPECT_THAT(history.standard_output, AllOf(HasSubstr("\n1 "), HasSubstr("\n2 ")));
}

}  // namespace
}  // namespace fracta::e2e
