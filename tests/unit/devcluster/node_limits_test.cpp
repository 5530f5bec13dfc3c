// Limits and hooks as a user sees them in `kubectl get` and `kubectl describe`.
#include <filesystem>

#include "node_fixture.hpp"

namespace fracta::devcluster {
namespace {

using testing::Contains;
using testing::HasSubstr;

class NodeLimitsTest : public ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    watch("events");
    start_node();
  }
  static Json limits(const std::string& resource, const std::string& quantity) {
    return {{"resources", {{"limits", {{resource, quantity}}}}}};
  }
  static Json scratch(const Json& source) {
    return {{"volumes", Json::array({{{"name", "scratch"}, {"emptyDir", source}}})},
            {"main", {{"volumeMounts", Json::array({{{"name", "scratch"}, {"mountPath", "/scratch"}}})}}}};
  }
  Json evicted(const std::string& name) {
    const Json p = wait_for_phase(name, "Failed");
    EXPECT_EQ(string_at(p, "status/reason"), "Evicted") << dump_json(p["status"], 1);
    return p;
  }
};

TEST_F(NodeLimitsTest, MemoryBeyondTheLimitIsOomKilled) {
  create("pods", pod("p", "exec perl -e '$x = \"x\" x (300 << 20); sleep 30'", {{"main", limits("memory", "48Mi")}}));
  const Json p = wait_for_phase("p", "Failed");
  EXPECT_EQ(string_at(container_state(p), "terminated/reason"), "OOMKilled");
  EXPECT_EQ(int_at(container_state(p), "terminated/exitCode"), 137);
}

TEST_F(NodeLimitsTest, MemoryWithinTheLimitIsNobodysBusiness) {
  create("pods",
         pod("p", "perl -e '$x = \"x\" x (5 << 20); print length $x, \"\\n\"'", {{"main", limits("memory", "256Mi")}}));
  wait_for_phase("p", "Succeeded");
  EXPECT_EQ(logs("p"), std::to_string(5 << 20) + "\n");
}

TEST_F(NodeLimitsTest, AnEmptyDirBeyondItsSizeLimitEvicts) {
  create("pods", pod("p", "head -c 3000000 /dev/zero > /scratch/file; sleep 60", scratch({{"sizeLimit", "1Mi"}})));
  const Json p = evicted("p");
  EXPECT_EQ(string_at(p, "status/message"), "Usage of EmptyDir volume \"scratch\" exceeds the limit \"1Mi\". ");
  EXPECT_THAT(event_messages("Evicted"), Contains("Usage of EmptyDir volume \"scratch\" exceeds the limit \"1Mi\". "));
  wait_until("pods", "p", [&](const Json& o) { return int_at(container_state(o), "terminated/exitCode") == 137; });
}

TEST_F(NodeLimitsTest, EphemeralStorageBeyondTheLimitEvicts) {
  create("pods",
         pod("p", "head -c 3000000 /dev/zero > /var/file; sleep 60", {{"main", limits("ephemeral-storage", "1Mi")}}));
  EXPECT_EQ(string_at(evicted("p"), "status/message"),
            "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ");
}

// The images' program, here this test's own, is megabytes large and over a directory of the machine.
TEST_F(NodeLimitsTest, WhatIsMountedIntoAContainerIsNotWhatItWrote) {
  node_.reset();
  NodeOptions options;
  options.host_entrypoint = {std::filesystem::read_symlink("/proc/self/exe").string()};
  start_node(std::move(options));
  create("pods", pod("p", "set -- $(stat -f -c '%b %f %S' /usr); echo $((($1 - $2) * $3 >> 20)) MiB"));
  wait_for_phase("p", "Succeeded");
  EXPECT_EQ(logs("p"), "0 MiB\n");
}

TEST_F(NodeLimitsTest, AnEmptyDirInMemoryIsOne) {
  create("pods", pod("p", "stat -f -c %T /scratch; echo kept > /scratch/file; cat /scratch/file",
                     scratch({{"medium", "Memory"}})));
  wait_for_phase("p", "Succeeded");
  EXPECT_EQ(logs("p"), "tmpfs\nkept\n");
}

TEST_F(NodeLimitsTest, PostStartRunsBeforeTheContainerCountsAsRunning) {
  const Json hook{{"postStart", {{"exec", {{"command", {"sh", "-c", "echo hooked > /tmp/hook"}}}}}}};
  create("pods", pod("p", "until [ -e /tmp/hook ]; do sleep 0.01; done; cat /tmp/hook; sleep 0.2; exit 0",
                     {{"main", {{"lifecycle", hook}}}}));
  wait_for_phase("p", "Succeeded");
  EXPECT_EQ(logs("p"), "hooked\n");
}

TEST_F(NodeLimitsTest, AFailedPostStartHookEndsTheContainer) {
  const Json hook{{"postStart", {{"exec", {{"command", {"sh", "-c", "echo reason; exit 4"}}}}}}};
  create("pods", pod("p", "trap 'exit 0' TERM; while :; do sleep 0.01; done",
                     {{"restartPolicy", "OnFailure"}, {"main", {{"lifecycle", hook}}}}));
  wait_until("pods", "p", [&](const Json&) { return !event_messages("Killing").empty(); });
  EXPECT_THAT(event_messages("FailedPostStartHook"), Contains("PostStartHook failed"));
  EXPECT_THAT(event_messages("Killing"), Contains("FailedPostStartHook"));
}

TEST_F(NodeLimitsTest, PreStopRunsBeforeTerm) {
  const Json hook{{"preStop", {{"exec", {{"command", {"sh", "-c", "echo pre-stop > /proc/1/fd/1"}}}}}}};
  create("pods", pod("p", "trap 'echo term; exit 0' TERM; while :; do sleep 0.01; done",
                     {{"terminationGracePeriodSeconds", 20}, {"main", {{"lifecycle", hook}}}}));
  const Json p = wait_for_phase("p", "Running");
  std::string text;
  std::jthread reader([&] {
    NodeLogOptions follow;
    follow.container = "main";
    follow.follow = true;
    (void)node_->log(p, follow,
                     [&](std::string_view bytes) {
                       text.append(bytes);
                       return true;
                     },
                     {});
  });
  ASSERT_TRUE(api_->remove("pods", "default", "p", {}).ok());
  wait_until("pods", "p", [](const Json& o) { return o.is_null(); });
  reader.join();
  EXPECT_EQ(text, "pre-stop\nterm\n");
}

TEST_F(NodeLimitsTest, AnHttpProbeAsksThePodsOwnPort) {
  const std::string server =
      "exec perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 5, LocalPort => 8080) or die; "
      "while ($c = $s->accept) { $l = <$c>; print STDOUT $l; while (<$c> =~ /\\S/) {} "
      "print $c \"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n\"; close $c }'";
  const Json probe{{"httpGet", {{"path", "/healthz"}, {"port", 8080}}}, {"periodSeconds", 1}};
  create("pods", pod("p", server, {{"main", {{"readinessProbe", probe}}}}));
  wait_until("pods", "p", [](const Json& o) {
    const Json* s = find_path(o, "status/containerStatuses");
    return s != nullptr && bool_at((*s)[0], "ready");
  });
}

TEST_F(NodeLimitsTest, AnHttpProbeSaysWhatIsWrong) {
  const Json probe{{"httpGet", {{"path", "/healthz"}, {"port", 8081}}}, {"periodSeconds", 1}, {"failureThreshold", 1}};
  create("pods", pod("p", "sleep 60", {{"main", {{"readinessProbe", probe}}}}));
  const Json p = wait_for_phase("p", "Running");
  const std::string ip = string_at(p, "status/podIP");
  wait_until("pods", "p", [&](const Json&) { return !event_messages("Unhealthy").empty(); });
  EXPECT_THAT(event_messages("Unhealthy"),
              Contains("Readiness probe failed: Get \"http://" + ip + ":8081/healthz\": dial tcp " + ip +
                       ":8081: connect: connection refused"));
}

TEST_F(NodeLimitsTest, AProbeThatCannotBeTriedEndsNothing) {
  const Json probe{{"exec", {{"command", {"no-such-program"}}}}, {"periodSeconds", 1}, {"failureThreshold", 1}};
  create("pods", pod("p", "sleep 1.5", {{"main", {{"livenessProbe", probe}}}}));
  wait_for_phase("p", "Succeeded");
  EXPECT_THAT(event_messages("Unhealthy"), Contains(testing::StartsWith("Liveness probe errored: rpc error: ")));
  EXPECT_TRUE(event_messages("Killing").empty());
}

TEST_F(NodeLimitsTest, AProbeThatTakesTooLongSaysSo) {
  const Json probe{{"exec", {{"command", {"sleep", "20"}}}}, {"periodSeconds", 1}, {"failureThreshold", 1}};
  create("pods", pod("p", "trap 'exit 3' TERM; while :; do sleep 0.01; done", {{"main", {{"livenessProbe", probe}}}}));
  wait_for_phase("p", "Failed");
  EXPECT_THAT(event_messages("Unhealthy"), Contains("Liveness probe failed: command \"sleep 20\" timed out"));
  EXPECT_THAT(event_messages("Killing"), Contains("Container main failed liveness probe"));
}

TEST_F(NodeLimitsTest, AnExecProbeThatFailsShowsItsOutput) {
  const Json probe{{"exec", {{"command", {"sh", "-c", "echo not yet; exit 1"}}}}, {"periodSeconds", 1}};
  create("pods", pod("p", "sleep 60", {{"main", {{"readinessProbe", probe}}}}));
  wait_until("pods", "p", [&](const Json&) { return !event_messages("Unhealthy").empty(); });
  EXPECT_THAT(event_messages("Unhealthy"), Contains("Readiness probe failed: not yet\n"));
}

}  // namespace
}  // namespace fracta::devcluster
