// A controlplane with TLS and the cluster's own identities, as it is deployed; a second cluster as the remote one; and
// agents whose /tmp can be seen from here.
#pragma once

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "e2e/world.hpp"

namespace fracta::e2e {

class StoredCredentialsWorld : public World {
 protected:
  void SetUp() override {
    use_binary_outside_tmp();
    World::SetUp();
    if (HasFatalFailure()) return;
    if (existing_) GTEST_SKIP() << "needs agents on this machine: their /tmp is looked at";
    std::filesystem::create_directories(path("tmp"));
    chmod(path("tmp").c_str(), 01777);
    std::filesystem::create_directories(path("tools"));
    scheme_ = "https";
    write_config(
        "    extra_volumes:\n"
        "      - {name: tmp, hostPath: {path: \"" +
            path("tmp") +
            "\"}}\n"
            "      - {name: tools, hostPath: {path: \"" +
            tools() +
            "\"}}\n"
            "    extra_volume_mounts:\n"
            "      - {name: tmp, mountPath: /tmp}\n"
            "      - {name: tools, mountPath: /tools, readOnly: true}\n",
        "      kubernetes: {env: [{name: PATH, value: \"/tools:/usr/bin:/bin\"}]}\n"
        "control_plane_api:\n  tls: {self_signed: true}\n  auth: {mode: kubernetes}\n");
    start_controlplane();
    if (HasFatalFailure()) return;
    log_in();
  }
  // The agents' /tmp is mounted over; their entrypoint must not be below it.
  void use_binary_outside_tmp() {
    if (!cluster_binary_.starts_with("/tmp/")) return;
    std::string made = "/var/tmp/fracta-e2e-XXXXXX";
    ASSERT_NE(mkdtemp(made.data()), nullptr);
    binary_directory_ = made;
    cluster_binary_ = made + "/fracta";
    std::filesystem::copy_file(FRACTA_BINARY, cluster_binary_);
  }
  void TearDown() override {
    World::TearDown();
    remote_.reset();
    std::error_code ignored;
    devcluster_.reset();
    if (!binary_directory_.empty()) std::filesystem::remove_all(binary_directory_, ignored);
  }

  // Programs that agents find on their PATH.
  [[nodiscard]] virtual std::string tools() const { return path("tools"); }

  // As an operator with every right in the controlplane's namespace, who trusts the controlplane's own CA.
  void log_in() {
    ASSERT_EQ(kubectl_n({"create", "serviceaccount", "operator"}).exit_code, 0);
    ASSERT_EQ(kubectl({"create", "clusterrolebinding", "operator-" + ns_, "--clusterrole=cluster-admin",
                       "--serviceaccount=" + ns_ + ":operator"})
                  .exit_code,
              0);
    const auto token = kubectl_n({"create", "token", "operator", "--duration=1h"});
    ASSERT_EQ(token.exit_code, 0) << token.standard_error;
    std::ofstream(path("ca.crt")) << base64_decode(kubectl_n({"get", "secret", "fracta-controlplane-tls", "-o",
                                                              "jsonpath={.data.ca\\.crt}"})
                                                       .standard_output)
                                         .value_or("");
    variables_ = {"FRACTA_TOKEN=" + std::string(trim(token.standard_output)), "FRACTA_CA_FILE=" + path("ca.crt")};
  }

  void start_remote() {
    remote_ = std::make_unique<Process>(std::vector<std::string>{FRACTA_BINARY, "devcluster", "--data", path("remote"),
                                                                 "--kubeconfig-out", path("remote.kubeconfig")},
                                        std::vector<std::string>{"PATH=/usr/bin:/bin", "HOME=" + directory_->path()},
                                        path("remote.log"), directory_->path());
    ASSERT_TRUE(eventually([&] { return remote({"get", "--raw", "/readyz"}).exit_code == 0; })) << log("remote");
  }
  CommandResult remote(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"kubectl", "--kubeconfig", path("remote.kubeconfig")});
    return run(std::move(arguments));
  }

  // Returns the new credential's id.
  std::string create_credential(const std::string& name, const std::string& provider, const std::string& file) {
    const auto created =
        fracta({"credential", "create", "--name", name, "--provider", provider, "--token", "@" + file, "-o", "json"});
    EXPECT_EQ(created.exit_code, 0) << created.standard_error;
    return string_at(parse_json(created.standard_output).value_or(Json()), "id");
  }
  void spawn(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "spawn");
    const auto spawned = fracta(arguments);
    ASSERT_EQ(spawned.exit_code, 0) << spawned.standard_error;
  }
  int wait_for_end(const std::string& agent) { return fracta({"wait", agent, "--timeout", "90s"}).exit_code; }
  [[nodiscard]] std::string log_of(const std::string& agent) { return fracta({"logs", agent}).standard_output; }
  [[nodiscard]] std::string in_tmp(const std::string& name) const { return path("tmp/" + name); }
  [[nodiscard]] std::string read_tmp(const std::string& name) const { return read_file(in_tmp(name)).value_or(""); }
  // Names in the agents' /tmp that credentials have left.
  [[nodiscard]] std::vector<std::string> left() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(path("tmp")))
      if (const std::string name = entry.path().filename(); name.starts_with('.')) out.push_back(name);
    return out;
  }

  std::string binary_directory_;
  std::unique_ptr<Process> remote_;
};

}  // namespace fracta::e2e
