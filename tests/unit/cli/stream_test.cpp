// Verbs that wait and follow: reconnecting, not repeating, ending with the right exit code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/log_lines.hpp"
#include "fake_daemon.hpp"
#include "fracta/base/stop.hpp"

namespace fracta::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string frame(const std::string& id, const std::string& event, const Json& data) {
  return (id.empty() ? "" : "id: " + id + "\n") + "event: " + event + "\ndata: " + dump_json(data) + "\n\n";
}
Json snapshot(const Json& agent) { return {{"task", agent["name"]}, {"agent", agent}}; }
Json event(const Json& agent) { return {{"Task", agent["name"]}, {"Agent", agent}}; }

TEST(Wait, EndsWhenTheAgentHasCompleted) {
  FakeDaemon daemon;
  daemon.stream("/api/v1/agents/{name}/watch",
                {frame("", "snapshot", snapshot(agent_info("x", "Running"))) + ": heartbeat\n\n",
                 frame("s-2", "lifecycle.completed", event(agent_info("x", "Completed")))});
  daemon.start();
  const auto outcome = run_cli({"wait", "x"}, daemon.url());
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "agent/x condition met\n");
  EXPECT_THAT(daemon.requests(), SizeIs(2));  // the first stream ended: it came back
}

TEST(Wait, FailedAgentIsExitOneWithItsReason) {
  FakeDaemon daemon;
  daemon.stream("/api/v1/agents/{name}/watch",
                {frame("", "snapshot",
                       snapshot(agent_info("x", "Failed", {{"reason", "OOMKilled"}, {"message", "used too much"}})))});
  daemon.start();
  for (const char* condition : {"completed", "running", "ready"}) {
    const auto outcome = run_cli({"wait", "x", std::string("--for=") + condition}, daemon.url());
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.err, "error: agent/x is Failed (OOMKilled: used too much)\n");
  }
}

TEST(Wait, EveryCondition) {
  FakeDaemon daemon;
  daemon.stream("/api/v1/agents/{name}/watch",
                {frame("", "snapshot", snapshot(agent_info("x", "Idle", {{"ready", true}}))) +
                 frame("1", "removed", {{"Task", "x"}})});
  daemon.start();
  for (const char* condition : {"running", "ready", "deleted"})
    EXPECT_EQ(run_cli({"wait", "x", "--for", condition}, daemon.url()).code, 0) << condition;
  const auto outcome = run_cli({"wait", "x", "--for", "completed"}, daemon.url());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("removed from the cluster; last state: Idle"));
}

TEST(Wait, UnknownAgentIsAnErrorUnlessItsAbsenceIsWaitedFor) {
  FakeDaemon daemon;
  daemon.answer("GET", "/api/v1/agents/{name}/watch", 404, {{"error", "agent \"x\" not found"}});
  daemon.start();
  const auto outcome = run_cli({"wait", "x"}, daemon.url());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "Error from server (NotFound): agent \"x\" not found\n");
  EXPECT_EQ(run_cli({"wait", "x", "--for=deleted"}, daemon.url()).code, 0);
}

TEST(Wait, TimesOutWhileTheStreamIsSilent) {
  FakeDaemon daemon;
  daemon.on("GET", "/api/v1/agents/{name}/watch", [](const net::ServerRequest&) {
    net::ServerResponse response;
    response.stream = [](net::ResponseStream& out) {
      out.write(frame("", "snapshot", snapshot(agent_info("x", "Pending", {{"reason", "Unschedulable"}}))));
      wait_for(out.stop(), std::chrono::seconds{30});
    };
    return response;
  });
  daemon.start();
  const auto outcome = run_cli({"wait", "x", "--timeout", "100ms"}, daemon.url());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err,
            "error: timed out waiting for the condition on agent/x; last state: Pending (Unschedulable)\n");
}

TEST(Spawn, WaitFollowsUntilTheEnd) {
  FakeDaemon daemon;
  daemon.answer("POST", "/api/v1/agents", 201, {{"agent", "x"}, {"mode", "stream"}});
  daemon.stream("/api/v1/agents/{name}/watch",
                {frame("", "snapshot", snapshot(agent_info("x", "Running"))) +
                 frame("1", "status", event(agent_info("x", "Running", {{"ready", true}})))});
  daemon.start();
  EXPECT_EQ(run_cli({"spawn", "x", "--wait"}, daemon.url()).out, "agent/x spawned\nagent/x condition met\n");
}

TEST(Watch, PrintsFramesAndResumesAtTheLastId) {
  FakeDaemon daemon;
  daemon.stream("/api/v1/agents/{name}/watch",
                {frame("s-7", "status", {{"ID", "s-7"}}), frame("s-8", "status", {{"ID", "s-8"}})});
  daemon.start();
  std::ostringstream out, err;
  std::istringstream in;
  std::stop_source stop;
  Context context{
      .out = out,
      .err = err,
      .in = in,
      .environment =
          [&](const std::string& name) { return name == "FRACTA_SERVER" ? std::optional(daemon.url()) : std::nullopt; },
      .stop = stop.get_token(),
      .reconnect_first = std::chrono::milliseconds{1},
      .reconnect_last = std::chrono::milliseconds{5}};
  std::jthread ender([&] {
    while (daemon.requests().size() < 3) std::this_thread::yield();
    stop.request_stop();
  });
  EXPECT_EQ(run({"watch", "x", "--since", "s-6"}, context), 0);
  ender.join();
  EXPECT_THAT(out.str(), HasSubstr("id: s-7\nevent: status\ndata: {\"ID\":\"s-7\"}\n\nid: s-8\n"));
  EXPECT_EQ(err.str(), "Watching events for agent \"x\" (Ctrl-C to stop)...\n");
  EXPECT_EQ(daemon.requests()[0].headers.get("Last-Event-ID"), "s-6");
  EXPECT_EQ(daemon.requests()[1].headers.get("Last-Event-ID"), "s-7");
  EXPECT_EQ(daemon.requests()[2].headers.get("Last-Event-ID"), "s-8");
}

TEST(Logs, WithoutFollow) {
  FakeDaemon daemon;
  daemon.answer("GET", "/api/v1/agents/{name}/logs", 200, {{"output", "one\ntwo\n"}, {"truncated", true}});
  daemon.start();
  const auto outcome =
      run_cli({"logs", "x", "--tail", "5", "--since", "5m", "--timestamps", "-c", "workspace-init"}, daemon.url());
  EXPECT_EQ(outcome.out, "one\ntwo\n");
  EXPECT_THAT(outcome.err, HasSubstr("only the last part"));
  const auto request = daemon.requests()[0];
  EXPECT_EQ(request.query_parameter("lines"), "5");
  EXPECT_EQ(request.query_parameter("since"), "5m");
  EXPECT_EQ(request.query_parameter("timestamps"), "true");
  EXPECT_EQ(request.query_parameter("container"), "workspace-init");
  run_cli({"logs", "x"}, daemon.url());
  EXPECT_EQ(daemon.requests()[1].query_parameter("lines"), "-1");
}

// A follow stream that ends too early: the agent still runs, so the client comes back and drops what it has printed.
TEST(Logs, FollowWaitsReconnectsAndRepeatsNothing) {
  FakeDaemon daemon;
  std::atomic<int> asked = 0;
  daemon.on("GET", "/api/v1/agents/{name}", [&](const net::ServerRequest&) {
    static const std::vector<std::string> states{"Pending", "Running", "Completed"};
    const auto index = std::min<std::size_t>(static_cast<std::size_t>(asked++), 2);
    return net::ServerResponse::json(200, dump_json({{"agent", agent_info("x", states[index])}}));
  });
  daemon.stream("/api/v1/agents/{name}/logs",
                {"2026-11-21T20:00:00.5Z one\n2026-11-21T20:00:01.5Z two\n2026-11-21T20:00:01.5Z two again\n",
                 "2026-11-21T20:00:01.2Z old\n2026-11-21T20:00:01.5Z two\n2026-11-21T20:00:01.5Z two again\n"
                 "2026-11-21T20:00:01.5Z third of that time\n2026-11-21T20:00:02Z last without newline"});
  daemon.start();
  const auto outcome = run_cli({"logs", "x", "-f"}, daemon.url());
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "one\ntwo\ntwo again\nthird of that time\nlast without newline\n");
  EXPECT_EQ(outcome.err, "agent/x is Pending; waiting for it to start\n");
  std::vector<std::string> since;
  for (const auto& request : daemon.requests())
    if (request.path.ends_with("/logs")) since.push_back(request.query_parameter("since").value_or("-"));
  EXPECT_THAT(since, ElementsAre("-", "2026-11-21T20:00:01.5Z"));
}

TEST(Logs, FollowOfAnUnknownAgent) {
  FakeDaemon daemon;
  daemon.answer("GET", "/api/v1/agents/{name}", 404, {{"error", "agent \"x\" not found"}});
  daemon.start();
  const auto outcome = run_cli({"logs", "-f", "x"}, daemon.url());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "Error from server (NotFound): agent \"x\" not found\n");
}

TEST(LogLines, HalfALineOfABrokenConnectionIsFetchedAgain) {
  std::vector<std::string> printed;
  LogLines lines(true, [&](std::string_view text) {
    printed.emplace_back(text);
    return true;
  });
  lines.feed("2026-11-21T20:00:00Z a\n2026-11-21T20:00:01Z hal");
  lines.end_of_connection(false);
  EXPECT_EQ(lines.last_time(), "2026-11-21T20:00:00Z");
  lines.feed(
      "2026-11-21T20:00:00Z a\n2026-11-21T20:00:01Z half\n[fracta] log stream interrupted; lines may be missing\n");
  lines.end_of_connection(true);
  EXPECT_THAT(printed, ElementsAre("2026-11-21T20:00:00Z a", "2026-11-21T20:00:01Z half",
                                   "[fracta] log stream interrupted; lines may be missing"));
}

}  // namespace
}  // namespace fracta::cli
