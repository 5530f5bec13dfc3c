// Pods as a user sees them: small shell scripts run by the real node.
#include "fracta/base/stop.hpp"
#include "node_fixture.hpp"

#include <filesystem>
#include <fstream>

namespace fracta::devcluster {
namespace {

using testing::Contains;
using testing::HasSubstr;

class NodePodsTest : public ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    start_node();
  }
};

Json env(const std::string& name, const Json& rest) {
  Json result = rest;
  result["name"] = name;
  return result;
}

TEST_F(NodePodsTest, RegistersItselfAsReady) {
  const auto node = api_->get("nodes", "", "fracta-dev");
  ASSERT_TRUE(node.ok());
  const Json& conditions = *find_path(**node, "status/conditions");
  EXPECT_EQ(string_at(conditions.back(), "type"), "Ready");
  EXPECT_EQ(string_at(conditions.back(), "status"), "True");
}

TEST_F(NodePodsTest, RunsToCompletionWithAKubeletsStatus) {
  create("pods", pod("done", "echo out; echo err >&2"));
  const Json p = wait_for_phase("done", "Succeeded");
  EXPECT_EQ(string_at(p, "spec/nodeName"), "fracta-dev");
  EXPECT_EQ(string_at(container_state(p), "terminated/reason"), "Completed");
  EXPECT_EQ(int_at(container_state(p), "terminated/exitCode"), 0);
  EXPECT_THAT(string_at(container_state(p), "terminated/containerID"), testing::StartsWith("containerd://"));
  std::vector<std::string> conditions;
  for (const auto& c : p["status"]["conditions"])
    conditions.push_back(string_at(c, "type") + "=" + string_at(c, "status") + "," + string_at(c, "reason"));
  EXPECT_THAT(conditions, testing::ElementsAre("Initialized=True,PodCompleted", "Ready=False,PodCompleted",
                                               "ContainersReady=False,PodCompleted", "PodScheduled=True,"));
  EXPECT_EQ(string_at(p, "status/qosClass"), "BestEffort");
  EXPECT_THAT(logs("done"), testing::AllOf(HasSubstr("out\n"), HasSubstr("err\n")));
  for (const auto* reason : {"Scheduled", "Pulled", "Created", "Started"})
    EXPECT_THAT(event_messages(reason), testing::SizeIs(1)) << reason;
}

TEST_F(NodePodsTest, FailureKeepsExitCodeAndTerminationMessage) {
  create("pods", pod("bad", "echo why > /dev/termination-log; exit 3"));
  const Json p = wait_for_phase("bad", "Failed");
  EXPECT_EQ(string_at(container_state(p), "terminated/reason"), "Error");
  EXPECT_EQ(int_at(container_state(p), "terminated/exitCode"), 3);
  EXPECT_EQ(string_at(container_state(p), "terminated/message"), "why\n");
}

TEST_F(NodePodsTest, FallsBackToTheLogForTheMessage) {
  create("pods",
         pod("bad", "echo the end >&2; exit 1", {{"main", {{"terminationMessagePolicy", "FallbackToLogsOnError"}}}}));
  EXPECT_EQ(string_at(container_state(wait_for_phase("bad", "Failed")), "terminated/message"), "the end\n");
}

TEST_F(NodePodsTest, AProgramThatIsMissingIsAStartError) {
  create("pods", pod("lost", "", {{"main", {{"command", {"no-such-program"}}}}}));
  const Json p = wait_for_phase("lost", "Failed");
  EXPECT_EQ(string_at(container_state(p), "terminated/reason"), "StartError");
  EXPECT_EQ(int_at(container_state(p), "terminated/exitCode"), 128);
  EXPECT_THAT(string_at(container_state(p), "terminated/message"),
              HasSubstr("exec: \"no-such-program\": executable file not found in $PATH"));
}

TEST_F(NodePodsTest, EnvironmentIsThePodsAlone) {
  ::setenv("FRACTA_TEST_LEAK", "1", 1);
  create("secrets", {{"apiVersion", "v1"},
                     {"kind", "Secret"},
                     {"metadata", {{"name", "s"}}},
                     {"stringData", {{"k", "from-secret"}}}});
  config_map("c", {{"A", "from-map"}, {"1x", "x"}});
  Json spec{
      {"main",
       {{"env",
         Json::array(
             {env("PLAIN", {{"value", "1"}}), env("REF", {{"value", "$(PLAIN)-$$(PLAIN)-$(NONE)"}}),
              env("SECRET", {{"valueFrom", {{"secretKeyRef", {{"name", "s"}, {"key", "k"}}}}}}),
              env("MISSING", {{"valueFrom", {{"secretKeyRef", {{"name", "none"}, {"key", "k"}, {"optional", true}}}}}}),
              env("NAME", {{"valueFrom", {{"fieldRef", {{"apiVersion", "v1"}, {"fieldPath", "metadata.name"}}}}}})})},
        {"envFrom", Json::array({{{"prefix", "P_"}, {"configMapRef", {{"name", "c"}}}}})},
        {"args", {"$(PLAIN)"}}}}};
  create("pods", pod("env", "env | sort; echo arg=$0", spec));
  wait_for_phase("env", "Succeeded");
  const std::string out = logs("env");
  for (const auto* line : {"PLAIN=1\n", "REF=1-$(PLAIN)-$(NONE)\n", "SECRET=from-secret\n", "NAME=env\n",
                           "P_A=from-map\n", "HOSTNAME=env\n", "HOME=/root\n", "arg=1\n"})
    EXPECT_THAT(out, HasSubstr(line));
  EXPECT_THAT(out, testing::Not(HasSubstr("FRACTA_TEST_LEAK")));
  EXPECT_THAT(out, testing::Not(HasSubstr("MISSING")));
}

TEST_F(NodePodsTest, MissingSecretKeyIsAConfigErrorThatHeals) {
  Json spec{
      {"main",
       {{"env", Json::array({env("T", {{"valueFrom", {{"secretKeyRef", {{"name", "late"}, {"key", "k"}}}}}})})}}}};
  create("pods", pod("p", "echo $T", spec));
  Json p = wait_until("pods", "p", [&](const Json& o) { return waiting_reason(o) == "CreateContainerConfigError"; });
  EXPECT_EQ(string_at(container_state(p), "waiting/message"), "secret \"late\" not found");
  EXPECT_EQ(string_at(p, "status/phase"), "Pending");
  create("secrets",
         {{"apiVersion", "v1"}, {"kind", "Secret"}, {"metadata", {{"name", "late"}}}, {"stringData", {{"k", "v"}}}});
  wait_for_phase("p", "Succeeded");
  EXPECT_EQ(logs("p"), "v\n");
}

TEST_F(NodePodsTest, WaitsForAConfigMapThatComesLate) {
  Json spec{{"volumes", Json::array({{{"name", "v"}, {"configMap", {{"name", "late"}}}},
                                     {{"name", "o"}, {"secret", {{"secretName", "none"}, {"optional", true}}}}})},
            {"main",
             {{"volumeMounts", Json::array({{{"name", "v"}, {"mountPath", "/etc/fracta"}},
                                            {{"name", "o"}, {"mountPath", "/var/run/fracta-auth"}}})}}}};
  create("pods",
         pod("p", "cat /etc/fracta/k; ls /var/run/fracta-auth; readlink /etc/fracta/k /etc/fracta/..data", spec));
  wait_until("pods", "p", [&](const Json& o) {
    return waiting_reason(o) == "ContainerCreating" && !event_messages("FailedMount").empty();
  });
  EXPECT_THAT(event_messages("FailedMount"),
              Contains("MountVolume.SetUp failed for volume \"v\" : configmap \"late\" not found"));
  config_map("late", {{"k", "value\n"}});
  wait_for_phase("p", "Succeeded");
  EXPECT_THAT(logs("p"), testing::StartsWith("value\n..data/k\n..20"));
}

TEST_F(NodePodsTest, ConfigMapChangesReachARunningContainer) {
  config_map("c", {{"k", "one"}, {"old", "x"}});
  Json spec{{"volumes", Json::array({{{"name", "v"}, {"configMap", {{"name", "c"}, {"defaultMode", 0400}}}}})},
            {"main", {{"volumeMounts", Json::array({{{"name", "v"}, {"mountPath", "/data"}}})}}}};
  create("pods",
         pod("p", "until [ \"$(cat /data/k)\" = two ]; do sleep 0.02; done; ls /data; stat -L -c %a /data/k", spec));
  wait_for_phase("p", "Running");
  ASSERT_TRUE(api_->mutate(
                      "configmaps", "default", "c",
                      [](Json& c) {
                        c["data"] = {{"k", "two"}, {"new", "y"}};
                        return true;
                      },
                      "")
                  .ok());
  wait_for_phase("p", "Succeeded");
  EXPECT_EQ(logs("p"), "k\nnew\n400\n");
}

TEST_F(NodePodsTest, ItemsModesSubPathsAndEmptyDirs) {
  config_map("c", {{"script", "#!/bin/sh\necho helper-token\n"}, {"other", "x"}});
  const Json item{{"key", "script"}, {"path", "bin/helper"}, {"mode", 0755}};
  Json spec{
      {"volumes", Json::array({{{"name", "v"}, {"configMap", {{"name", "c"}, {"items", Json::array({item})}}}},
                               {{"name", "w"}, {"emptyDir", Json::object()}}})},
      {"main",
       {{"volumeMounts",
         Json::array({{{"name", "v"}, {"mountPath", "/opt/fracta/auth-helpers/helper"}, {"subPath", "bin/helper"}},
                      {{"name", "w"}, {"mountPath", "/workspace"}},
                      {{"name", "w"}, {"mountPath", "/sub"}, {"subPath", "a/b"}}})},
        {"workingDir", "/workspace/made/here"}}}};
  create("pods", pod("p",
                     "pwd; PATH=/opt/fracta/auth-helpers:$PATH helper; touch /sub/x; find /workspace -name x; touch "
                     "/opt/fracta/auth-helpers/helper",
                     spec));
  const Json p = wait_for_phase("p", "Failed");
  ASSERT_EQ(string_at(container_state(p), "terminated/reason"), "Error") << dump_json(container_state(p));
  EXPECT_THAT(logs("p"), HasSubstr("/workspace/made/here\nhelper-token\n/workspace/a/b/x\n"));
  EXPECT_THAT(logs("p"), HasSubstr("Read-only file system"));
}

TEST_F(NodePodsTest, ASubPathCannotLeaveItsVolume) {
  Json spec{{"volumes", Json::array({{{"name", "w"}, {"emptyDir", Json::object()}}})},
            {"initContainers", Json::array({{{"name", "i"},
                                             {"image", "host"},
                                             {"command", {"sh", "-c", "ln -s /etc /w/link"}},
                                             {"volumeMounts", Json::array({{{"name", "w"}, {"mountPath", "/w"}}})}}})},
            {"main", {{"volumeMounts", Json::array({{{"name", "w"}, {"mountPath", "/x"}, {"subPath", "link"}}})}}}};
  create("pods", pod("p", "cat /x/passwd", spec));
  const Json p =
      wait_until("pods", "p", [&](const Json& o) { return waiting_reason(o) == "CreateContainerConfigError"; });
  EXPECT_EQ(string_at(container_state(p), "waiting/message"),
            "failed to prepare subPath for volumeMount \"w\" of container \"main\"");
}

TEST_F(NodePodsTest, InitContainersRunInOrderBeforeTheMainOne) {
  const auto init = [](const std::string& name) {
    return Json{{"name", name},
                {"image", "host"},
                {"command", {"sh", "-c", "echo " + name + " >> /w/order"}},
                {"volumeMounts", Json::array({{{"name", "w"}, {"mountPath", "/w"}}})}};
  };
  Json spec{{"volumes", Json::array({{{"name", "w"}, {"emptyDir", Json::object()}}})},
            {"initContainers", Json::array({init("a"), init("b")})},
            {"main", {{"volumeMounts", Json::array({{{"name", "w"}, {"mountPath", "/w"}}})}}}};
  create("pods", pod("p", "cat /w/order", spec));
  const Json p = wait_for_phase("p", "Succeeded");
  EXPECT_EQ(logs("p"), "a\nb\n");
  EXPECT_EQ(string_at(container_state(p, 1, "status/initContainerStatuses"), "terminated/reason"), "Completed");
}

TEST_F(NodePodsTest, AFailedInitContainerFailsThePod) {
  Json spec{{"initContainers", Json::array({{{"name", "i"}, {"image", "host"}, {"command", {"sh", "-c", "exit 4"}}}})}};
  create("pods", pod("p", "true", spec));
  const Json p = wait_for_phase("p", "Failed");
  EXPECT_EQ(int_at(container_state(p, 0, "status/initContainerStatuses"), "terminated/exitCode"), 4);
  EXPECT_EQ(waiting_reason(p), "PodInitializing");
}

TEST_F(NodePodsTest, DeletionSendsTermAndTheObjectGoes) {
  create("pods", pod("p", "trap 'echo got term; exit 0' TERM; echo ready; while :; do sleep 0.01; done",
                     {{"terminationGracePeriodSeconds", 30}}));
  wait_for_phase("p", "Running");
  std::string text;
  std::jthread reader([&] {
    NodeLogOptions follow;
    follow.container = "main";
    follow.follow = true;
    (void)node_->log(get("pods", "p"), follow,
                     [&](std::string_view bytes) {
                       text.append(bytes);
                       if (text == "ready\n") (void)api_->remove("pods", "default", "p", {}).ok();
                       return true;
                     },
                     {});
  });
  wait_until("pods", "p", [](const Json& p) { return p.is_null(); });
  reader.join();
  EXPECT_EQ(text, "ready\ngot term\n");
}

TEST_F(NodePodsTest, WhoIgnoresTermIsKilledAfterTheGracePeriod) {
  create("pods", pod("p", "trap '' TERM; while :; do sleep 0.01; done"));
  wait_for_phase("p", "Running");
  ASSERT_TRUE(api_->remove("pods", "default", "p", {}).ok());
  wait_until("pods", "p", [](const Json& p) { return p.is_null(); });
}

TEST_F(NodePodsTest, UnreadyUntilTheReadinessProbePasses) {
  const Json probe{
      {"exec", {{"command", {"test", "-e", "/tmp/ready"}}}}, {"periodSeconds", 1}, {"failureThreshold", 1}};
  create("pods", pod("p", "sleep 1.2; touch /tmp/ready; sleep 60", {{"main", {{"readinessProbe", probe}}}}));
  Json p = wait_for_phase("p", "Running");
  EXPECT_EQ(p["status"]["containerStatuses"][0]["ready"], false);
  p = wait_until("pods", "p", [](const Json& o) { return bool_at(o["status"]["containerStatuses"][0], "ready"); });
  EXPECT_EQ(p["status"]["containerStatuses"][0]["started"], true);
  EXPECT_THAT(event_messages("Unhealthy"), Contains(testing::StartsWith("Readiness probe failed: ")));
}

TEST_F(NodePodsTest, ALivenessFailureRestartsTheContainer) {
  const Json probe{{"exec", {{"command", {"false"}}}}, {"periodSeconds", 1}, {"failureThreshold", 1}};
  create("pods", pod("p", "trap 'exit 9' TERM; while :; do sleep 0.01; done",
                     {{"restartPolicy", "Always"}, {"main", {{"livenessProbe", probe}}}}));
  const Json p = wait_until("pods", "p", [](const Json& o) {
    const Json* s = find_path(o, "status/containerStatuses");
    return s != nullptr && (*s)[0]["restartCount"] == 1;
  });
  EXPECT_EQ(int_at(p["status"]["containerStatuses"][0], "lastState/terminated/exitCode"), 9);
  EXPECT_THAT(event_messages("Killing"), Contains("Container main failed liveness probe, will be restarted"));
}

TEST_F(NodePodsTest, CrashLoopBacksOff) {
  create("pods", pod("p", "exit 5", {{"restartPolicy", "OnFailure"}}));
  const Json p = wait_until("pods", "p", [&](const Json& o) { return waiting_reason(o) == "CrashLoopBackOff"; });
  EXPECT_THAT(string_at(container_state(p), "waiting/message"),
              testing::StartsWith("back-off 10s restarting failed container=main pod=p_default("));
  EXPECT_EQ(int_at(p["status"]["containerStatuses"][0], "lastState/terminated/exitCode"), 5);
  EXPECT_EQ(p["status"]["containerStatuses"][0]["restartCount"], 1);
  EXPECT_EQ(string_at(p, "status/phase"), "Running");
}

TEST_F(NodePodsTest, PodDeadline) {
  create("pods", pod("p", "sleep 60", {{"activeDeadlineSeconds", 1}}));
  const Json p = wait_for_phase("p", "Failed");
  EXPECT_EQ(string_at(p, "status/reason"), "DeadlineExceeded");
  EXPECT_EQ(string_at(p, "status/message"), "Pod was active on the node longer than the specified deadline");
}

TEST_F(NodePodsTest, RunAsNonRootRefusesARootImage) {
  create("pods", pod("p", "true", {{"securityContext", {{"runAsNonRoot", true}}}}));
  const Json p =
      wait_until("pods", "p", [&](const Json& o) { return waiting_reason(o) == "CreateContainerConfigError"; });
  EXPECT_THAT(string_at(container_state(p), "waiting/message"),
              testing::StartsWith("container has runAsNonRoot and image will run as root (pod: \"p_default("));
}

TEST_F(NodePodsTest, RunsAsTheUserOfTheSecurityContext) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root";
  Json spec{{"securityContext", {{"runAsUser", 1234}, {"runAsGroup", 2345}, {"fsGroup", 777}}},
            {"volumes", Json::array({{{"name", "w"}, {"emptyDir", Json::object()}}})},
            {"main",
             {{"volumeMounts", Json::array({{{"name", "w"}, {"mountPath", "/w"}}})},
              {"securityContext", {{"allowPrivilegeEscalation", false}, {"readOnlyRootFilesystem", true}}}}}};
  create("pods",
         pod("p", "id -u; id -g; touch /w/x && stat -c %g /w/x; touch /y; grep NoNewPrivs /proc/self/status", spec));
  wait_for_phase("p", "Succeeded");
  const std::string out = logs("p");
  EXPECT_THAT(out, HasSubstr("1234\n2345\n777\n"));
  EXPECT_THAT(out, HasSubstr("NoNewPrivs:\t1"));
}

TEST_F(NodePodsTest, UnfitPodsStayPendingWithTheSchedulersWords) {
  create("pods", pod("p", "true", {{"nodeSelector", {{"gpu", "yes"}}}}));
  const Json p = wait_until("pods", "p", [](const Json& o) { return find_path(o, "status/conditions") != nullptr; });
  EXPECT_EQ(string_at(p["status"]["conditions"][0], "reason"), "Unschedulable");
  EXPECT_THAT(string_at(p["status"]["conditions"][0], "message"),
              testing::StartsWith("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."));
  create("pods", pod("q", "true",
                     {{"volumes", Json::array({{{"name", "v"}, {"persistentVolumeClaim", {{"claimName", "x"}}}}})}}));
  const Json q = wait_until("pods", "q", [](const Json& o) { return find_path(o, "status/conditions") != nullptr; });
  EXPECT_THAT(string_at(q["status"]["conditions"][0], "message"), HasSubstr("persistentvolumeclaim \"x\" not found"));
}

TEST_F(NodePodsTest, LogOptions) {
  create("pods", pod("p", "for i in 1 2 3 4 5; do echo line $i; done"));
  wait_for_phase("p", "Succeeded");
  NodeLogOptions options;
  options.tail_lines = 2;
  EXPECT_EQ(logs("p", options), "line 4\nline 5\n");
  options.tail_lines.reset();
  options.limit_bytes = 8;
  EXPECT_EQ(logs("p", options), "line 1\nl");
  options.limit_bytes.reset();
  options.timestamps = true;
  EXPECT_THAT(logs("p", options), testing::MatchesRegex("(20[^ ]*Z line [1-5]\n)+"));
  options.since_time = "2100-01-01T00:00:00Z";
  EXPECT_EQ(logs("p", options), "");
}

TEST_F(NodePodsTest, StoppingTheNodeLeavesNoProcess) {
  const std::string mark = *directory_ / "pid";
  Json spec{{"volumes", Json::array({{{"name", "h"}, {"hostPath", {{"path", directory_->path()}}}}})},
            {"main", {{"volumeMounts", Json::array({{{"name", "h"}, {"mountPath", "/h"}}})}}}};
  create("pods",
         pod("p", "trap '' TERM; exec 9>/h/alive; flock -n 9 && touch /h/locked; while :; do sleep 0.05; done", spec));
  wait_for_phase("p", "Running");
  for (int i = 0; i < 500 && !std::filesystem::exists(*directory_ / "locked"); ++i)
    wait_for({}, std::chrono::milliseconds{10});
  node_->stop();
  // The lock is free again only when every process of the container has gone.
  EXPECT_EQ(std::system(("flock -n " + (*directory_ / "alive") + " true").c_str()), 0);
}

class ImagesTest : public ClusterTest {};

TEST_F(ImagesTest, UnknownImagesFailAsOnARealNode) {
  NodeOptions options;
  options.any_image_is_host = false;
  options.images = {{"host", "/"}};
  start_node(options);
  create("pods", pod("p", "true", {{"main", {{"image", "example.com/none:v1"}}}}));
  create("pods", pod("never", "true", {{"main", {{"image", "none"}, {"imagePullPolicy", "Never"}}}}));
  create("pods", pod("bad", "true", {{"main", {{"image", "Bad Image"}}}}));
  create("pods", pod("ok", "true"));
  Json p = wait_until("pods", "p", [&](const Json& o) { return waiting_reason(o) == "ErrImagePull"; });
  EXPECT_THAT(string_at(container_state(p), "waiting/message"), HasSubstr("example.com/none:v1"));
  p = wait_until("pods", "p", [&](const Json& o) { return waiting_reason(o) == "ImagePullBackOff"; });
  EXPECT_EQ(string_at(container_state(p), "waiting/message"), "Back-off pulling image \"example.com/none:v1\"");
  wait_until("pods", "never", [&](const Json& o) { return waiting_reason(o) == "ErrImageNeverPull"; });
  wait_until("pods", "bad", [&](const Json& o) { return waiting_reason(o) == "InvalidImageName"; });
  wait_for_phase("ok", "Succeeded");
}

TEST_F(ImagesTest, AWaitingContainerHasNoLogAndSaysWhy) {
  NodeOptions options;
  options.any_image_is_host = false;
  start_node(options);
  create("pods", pod("p", "true", {{"main", {{"imagePullPolicy", "Never"}}}}));
  const Json p = wait_until("pods", "p", [&](const Json& o) { return waiting_reason(o) == "ErrImageNeverPull"; });
  NodeLogOptions log;
  log.container = "main";
  const auto read = node_->log(p, log, [](std::string_view) { return true; }, {});
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().message, "container \"main\" in pod \"p\" is waiting to start: ErrImageNeverPull");
}

TEST_F(ImagesTest, EntrypointOfTheHostImageTakesTheArgs) {
  NodeOptions options;
  options.host_entrypoint = {"/bin/echo", "entry"};
  start_node(options);
  Json p = pod("p", "");
  p["spec"]["containers"][0].erase("command");
  p["spec"]["containers"][0]["args"] = {"a", "b"};
  create("pods", p);
  wait_for_phase("p", "Succeeded");
  EXPECT_EQ(logs("p"), "entry a b\n");
}

}  // namespace
}  // namespace fracta::devcluster
