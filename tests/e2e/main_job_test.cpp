// What the project exists for, from the outside: an operator's fracta.yaml becomes running agents, seen with `fracta`
// and with `kubectl`.
#include <netinet/in.h>
#include <sys/socket.h>

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "e2e/world.hpp"

namespace fracta::e2e {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// Pods of the development cluster share the machine's network: a port nobody listens on.
std::string server_runtime() {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t size = sizeof address;
  bind(probe, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size);
  close(probe);
  const std::string port = std::to_string(ntohs(address.sin_port));
  return "    server:\n      adapter: command\n      command: [sh, -c, 'exec python3 -m http.server $FRACTA_PORT']\n   "
         "   port: " +
         port + "\n";
}

std::vector<std::string> names(const Json* list) {
  std::vector<std::string> all;
  if (list != nullptr && list->is_array())
    for (const auto& item : *list) all.push_back(string_at(item, "name"));
  return all;
}

// The containers of a pod spec by name -> the names of their mounts.
std::map<std::string, std::vector<std::string>> mounts(const Json& pod_spec) {
  std::map<std::string, std::vector<std::string>> all;
  for (const char* kind : {"initContainers", "containers"})
    if (const Json* list = find(pod_spec, kind))
      for (const auto& container : *list) all[string_at(container, "name")] = names(find(container, "volumeMounts"));
  return all;
}

class MainJob : public World {
 protected:
  void create_helpers() {
    write_program("deployment/auth-helpers/fetch-demo-token", "#!/bin/sh\necho token-of-the-operator\n");
    package_helpers();
  }
};

TEST_F(MainJob, JobBackedAgentCallsAHelperMountedFromAConfigMap) {
  create_helpers();
  write_config(kAuthHelpersMount);
  start_controlplane();
  const auto spawned =
      fracta({"spawn", "hello", "--contract", "Say the token.", "--", "sh", "-c", "cat TASK.md; fetch-demo-token"});
  ASSERT_EQ(spawned.exit_code, 0) << spawned.standard_error;
  EXPECT_EQ(spawned.standard_output, "agent/hello spawned\n");
  const auto waited = fracta({"wait", "hello", "--timeout", "60s"});
  ASSERT_EQ(waited.exit_code, 0) << waited.standard_error;

  const auto log = fracta({"logs", "hello"}).standard_output;
  EXPECT_THAT(log, HasSubstr("fracta: user-settings.json present=false; auth-helpers=[fetch-demo-token]\n"));
  EXPECT_THAT(log, HasSubstr("Say the token."));
  EXPECT_THAT(log, HasSubstr("token-of-the-operator\n"));
  EXPECT_EQ(kubectl_n({"logs", "job/fracta-agent-hello", "-c", "agent"}).standard_output, log);

  const Json job = object("job/fracta-agent-hello");
  const Json* spec = find_path(job, "spec/template/spec");
  ASSERT_NE(spec, nullptr);
  const auto mounted = mounts(*spec);
  EXPECT_THAT(mounted.at("agent"), Contains("auth-helpers"));
  EXPECT_THAT(mounted.at("workspace-init"), Not(Contains("auth-helpers")));
  EXPECT_THAT(names(find(*spec, "volumes")), Contains("auth-helpers"));
  EXPECT_THAT(fracta({"list"}).standard_output, HasSubstr("hello"));
  EXPECT_THAT(fracta({"get", "hello", "-o", "yaml"}).standard_output, HasSubstr("status: Completed\n"));
}

TEST_F(MainJob, StreamPodBecomesReadyWithTheSameExtras) {
  create_helpers();
  write_config(kAuthHelpersMount, server_runtime());
  start_controlplane();
  const auto spawned =
      fracta({"spawn", "talk", "--runtime", "server", "--mode", "stream", "--wait", "--timeout", "60s"});
  ASSERT_EQ(spawned.exit_code, 0) << spawned.standard_error;
  const Json pod = object("pod/fracta-stream-talk");
  EXPECT_EQ(string_at(pod, "metadata/labels/fracta-stream-pod"), "true");
  const Json* spec = find(pod, "spec");
  ASSERT_NE(spec, nullptr);
  EXPECT_THAT(mounts(*spec).at("agent"), Contains("auth-helpers"));
  EXPECT_EQ(fracta({"kill", "talk"}).standard_output, "agent/talk killed\n");
  EXPECT_TRUE(eventually([&] { return kubectl_n({"get", "pods", "-o", "name"}).standard_output.empty(); }));
  EXPECT_TRUE(eventually([&] {
    return kubectl_n({"get", "secrets", "-o", "name"}).standard_output.find("fracta-auth-") == std::string::npos;
  }));
}

TEST_F(MainJob, ExitCodeOfTheAgentIsItsReason) {
  write_config();
  start_controlplane();
  ASSERT_EQ(fracta({"spawn", "broken", "--", "sh", "-c", "echo about to fail; exit 7"}).exit_code, 0);
  const auto waited = fracta({"wait", "broken", "--timeout", "60s"});
  EXPECT_EQ(waited.exit_code, 1);
  EXPECT_THAT(waited.standard_error, HasSubstr("agent/broken is Failed"));
  const auto described = fracta({"describe", "broken"}).standard_output;
  EXPECT_THAT(described, HasSubstr("Exit Code:    7\n"));
  EXPECT_THAT(fracta({"peek", "broken"}).standard_output, HasSubstr("about to fail"));
}

TEST_F(MainJob, DryRunsCreateNothing) {
  write_config();
  start_controlplane();
  for (const char* how : {"--dry-run=client", "--dry-run=server"}) {
    const auto shown = fracta({"spawn", "x", how, "-o", "yaml", "--", "true"});
    EXPECT_EQ(shown.exit_code, 0) << shown.standard_error;
    EXPECT_THAT(shown.standard_output, HasSubstr("kind: Job\n"));
    EXPECT_THAT(shown.standard_output, HasSubstr("name: fracta-agent-x\n"));
  }
  EXPECT_EQ(kubectl_n({"get", "jobs", "-o", "name"}).standard_output, "");
}

TEST_F(MainJob, DaemonKilledAtOnceKnowsEveryAgentAfterItsRestart) {
  write_config();
  start_controlplane();
  ASSERT_EQ(fracta({"spawn", "sleeper", "--", "sleep", "60"}).exit_code, 0);
  ASSERT_EQ(fracta({"wait", "sleeper", "--for=running", "--timeout", "60s"}).exit_code, 0);
  controlplane_->send(SIGKILL);
  controlplane_->wait(std::chrono::seconds{5});
  start_controlplane();
  EXPECT_EQ(fracta({"list", "-o", "name"}).standard_output, "agent/sleeper\n");
  EXPECT_EQ(fracta({"wait", "sleeper", "--for=running", "--timeout", "30s"}).exit_code, 0);
  EXPECT_EQ(fracta({"spawn", "sleeper", "--", "sleep", "60"}).exit_code, 1);  // still the same agent: 409
  EXPECT_EQ(fracta({"kill", "sleeper"}).exit_code, 0);
}

TEST_F(MainJob, StopsInOrderOnSigtermWithAnOpenStream) {
  write_config();
  start_controlplane();
  ASSERT_EQ(fracta({"spawn", "sleeper", "--", "sleep", "60"}).exit_code, 0);
  Process follower({FRACTA_BINARY, "watch", "sleeper", "--server", server_}, {"HOME=/nonexistent"}, path("watch.log"),
                   directory_->path());
  ASSERT_TRUE(eventually([&] { return log("watch").find("event: snapshot") != std::string::npos; })) << log("watch");
  controlplane_->send(SIGTERM);
  EXPECT_EQ(controlplane_->wait(std::chrono::seconds{15}), 0);
  EXPECT_THAT(kubectl_n({"get", "jobs", "-o", "name"}).standard_output,
              HasSubstr("fracta-agent-sleeper"));  // agents go on
}

TEST_F(MainJob, WrongMountNameStopsTheDaemonBeforeItStarts) {
  write_config("    extra_volume_mounts:\n      - name: nonexistent\n        mountPath: /x\n");
  const auto result = fracta({"controlplane", "--config", "fracta.yaml", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.standard_error, HasSubstr("nonexistent"));
  EXPECT_THAT(result.standard_error, HasSubstr("agent-config, auth-secret, workspace"));
}

TEST_F(MainJob, ConfigIsValidatedByTheApiServerItself) {
  write_config();
  const auto result = fracta({"config", "validate", "--server"});
  EXPECT_EQ(result.exit_code, 0) << result.standard_error;
  EXPECT_THAT(result.standard_output, HasSubstr("asked the API server: runtime shell: Job and Pod"));
  EXPECT_EQ(kubectl_n({"get", "jobs,pods", "-o", "name"}).standard_output, "");
}

}  // namespace
}  // namespace fracta::e2e
