// The whole program from the outside: a cluster, a controlplane and a user with `fracta` and `kubectl`. By default the
// cluster is a `fracta devcluster` process of its own; FRACTA_TEST_KUBECONFIG names an existing one instead, whose
// nodes then must be able to run pods of the image FRACTA_TEST_IMAGE.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/subprocess.hpp"
#include "fracta/base/text.hpp"

namespace fracta::e2e {

// The block of the page, below runtime.kubernetes.
inline constexpr const char* kAuthHelpersMount = R"(    extra_volumes:
      - name: auth-helpers
        configMap:
          name: fracta-auth-helpers
          defaultMode: 0755
    extra_volume_mounts:
      - name: auth-helpers
        mountPath: /opt/fracta/auth-helpers
        readOnly: true
)";

// A process in the background, ended with its object.
class Process {
 public:
  Process(const std::vector<std::string>& argv, const std::vector<std::string>& environment, const std::string& log,
          const std::string& directory) {
    pid_ = fork();
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int out = open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    std::vector<char*> args, env;
    for (const auto& text : argv) args.push_back(const_cast<char*>(text.c_str()));
    for (const auto& text : environment) env.push_back(const_cast<char*>(text.c_str()));
    args.push_back(nullptr);
    env.push_back(nullptr);
    if (chdir(directory.c_str()) == 0) execve(args[0], args.data(), env.data());
    _exit(127);
  }
  ~Process() {
    if (pid_ <= 0) return;
    send(SIGTERM);
    if (wait(std::chrono::seconds{15}) == -1) {
      send(SIGKILL);
      wait(std::chrono::seconds{5});
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void send(int signal) const { kill(pid_, signal); }
  [[nodiscard]] bool running() { return wait(std::chrono::milliseconds{0}) == -1; }
  // Exit code, 128 + signal, or -1 when it still runs.
  int wait(std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (pid_ > 0) {
      int status = 0;
      if (waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = 0;
        code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      } else if (std::chrono::steady_clock::now() >= end) {
        return -1;
      } else {
        fracta::wait_for(std::stop_token{}, std::chrono::milliseconds{10});
      }
    }
    return code_;
  }

 private:
  pid_t pid_ = -1;
  int code_ = -1;
};

class World : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TemporaryDirectory::create("fracta-e2e-");
    ASSERT_TRUE(made);
    directory_.emplace(std::move(*made));
    ns_ = "e2e-" + random_hex(4);
    start_cluster();
    ASSERT_TRUE(eventually([&] { return kubectl({"get", "--raw", "/readyz"}).exit_code == 0; })) << log("devcluster");
    const auto created = apply({"create", "namespace", ns_});
    ASSERT_EQ(created.exit_code, 0) << created.standard_error;
  }
  void TearDown() override {
    if (HasFailure())
      std::cerr << "--- controlplane\n" << log("controlplane") << "--- devcluster\n" << log("devcluster");
    controlplane_.reset();
    if (existing_) kubectl({"delete", "namespace", ns_, "--wait=false"});
  }

  // `extra` goes below runtime.kubernetes, `runtimes` below agents.agent_runtimes (both indented as needed).
  void write_config(const std::string& extra = "", const std::string& runtimes = "") {
    const char* image = std::getenv("FRACTA_TEST_IMAGE");
    std::ofstream(path("fracta.yaml"))
        << "runtime:\n  backend: kubernetes\n  kubernetes:\n    namespace: " << ns_
        << "\n    image: " << (image != nullptr ? image : "fracta-agent:e2e") << "\n"
        << extra << "agents:\n  default_runtime: shell\n  agent_runtimes:\n    shell:\n      adapter: command\n"
        << runtimes;
  }
  void start_controlplane() {
    std::error_code ignored;
    std::filesystem::remove(path("address"), ignored);
    controlplane_ = std::make_unique<Process>(
        std::vector<std::string>{FRACTA_BINARY, "controlplane", "--config", "fracta.yaml", "--listen", "127.0.0.1:0",
                                 "--address-file", path("address")},
        environment(), path("controlplane.log"), directory_->path());
    ASSERT_TRUE(eventually([&] {
      const std::string address(trim(read_file(path("address")).value_or("")));
      server_ = scheme_ + "://" + address;
      return !address.empty() && run({"curl", "-kfsS", server_ + "/readyz"}).exit_code == 0;
    })) << log("controlplane");
  }

  CommandResult run(std::vector<std::string> argv, const std::string& input = "") const {
    CommandOptions options;
    options.argv = std::move(argv);
    options.environment = environment();
    options.working_directory = directory_->path();
    options.standard_input = input;
    options.timeout = std::chrono::seconds{60};
    options.max_stdout = 4u << 20;
    options.max_stderr = 1u << 20;
    auto result = run_command(options);
    if (result) return *result;
    CommandResult failed;
    failed.exit_code = -1;
    failed.standard_error = result.error().message;
    return failed;
  }
  CommandResult fracta(std::vector<std::string> arguments, const std::string& input = "") const {
    arguments.insert(arguments.begin(), FRACTA_BINARY);
    return run(std::move(arguments), input);
  }
  CommandResult kubectl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "kubectl");
    return run(std::move(arguments));
  }
  CommandResult kubectl_n(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"kubectl", "-n", ns_});
    return run(std::move(arguments));
  }
  // `kubectl <create ...> --dry-run=client -o yaml | kubectl apply -f -`, the way operators package their helpers.
  CommandResult apply(std::vector<std::string> create) const {
    create.insert(create.end(), {"--dry-run=client", "-o", "yaml"});
    const auto object = kubectl(std::move(create));
    return object.exit_code == 0 ? run({"kubectl", "apply", "-f", "-"}, object.standard_output) : object;
  }
  void write_program(const std::string& name, const std::string& text) const {
    const std::string file = path(name);
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file) << text;
    std::filesystem::permissions(file, std::filesystem::perms{0755});
  }
  // kubectl create configmap fracta-auth-helpers --from-file=deployment/auth-helpers/ -n ... | kubectl apply -f -
  void package_helpers() const {
    const auto applied =
        apply({"create", "configmap", "fracta-auth-helpers", "--from-file=deployment/auth-helpers/", "-n", ns_});
    ASSERT_EQ(applied.exit_code, 0) << applied.standard_error;
  }
  Json object(const std::string& what) const {
    return parse_json(kubectl_n({"get", what, "-o", "json"}).standard_output).value_or(Json());
  }
  template <class Condition>
  static bool eventually(Condition condition, std::chrono::seconds limit = std::chrono::seconds{30}) {
    for (const auto end = std::chrono::steady_clock::now() + limit; std::chrono::steady_clock::now() < end;
         fracta::wait_for(std::stop_token{}, std::chrono::milliseconds{50}))
      if (condition()) return true;
    return condition();
  }
  [[nodiscard]] std::string path(const std::string& name) const { return *directory_ / name; }
  [[nodiscard]] std::string log(const std::string& name) const { return read_file(path(name + ".log")).value_or(""); }

  std::string ns_;
  std::string server_;
  std::string scheme_ = "http";
  std::string cluster_binary_ = FRACTA_BINARY;  // also the entrypoint of its pods
  std::vector<std::string> variables_;          // "K=V", of every program run for the user
  bool existing_ = false;
  std::optional<TemporaryDirectory> directory_;
  std::unique_ptr<Process> devcluster_;
  std::unique_ptr<Process> controlplane_;  // after the cluster: ends first

 private:
  void start_cluster() {
    if (const char* given = std::getenv("FRACTA_TEST_KUBECONFIG"); given != nullptr && *given != '\0') {
      kubeconfig_ = given;
      existing_ = true;
      return;
    }
    kubeconfig_ = path("kubeconfig");
    devcluster_ = std::make_unique<Process>(std::vector<std::string>{cluster_binary_, "devcluster", "--data",
                                                                     path("cluster"), "--kubeconfig-out", kubeconfig_},
                                            environment(), path("devcluster.log"), directory_->path());
  }
  [[nodiscard]] std::vector<std::string> environment() const {
    std::vector<std::string> all{"KUBECONFIG=" + kubeconfig_, "HOME=" + directory_->path(), "FRACTA_SERVER=" + server_};
    for (const char* name : {"PATH", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"})
      if (const char* value = std::getenv(name)) all.push_back(std::string(name) + "=" + value);
    all.insert(all.end(), variables_.begin(), variables_.end());
    return all;
  }
  std::string kubeconfig_;
};

}  // namespace fracta::e2e
