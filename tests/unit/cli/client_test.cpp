// The verbs against a fake daemon: what they send, what they print, how they end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "fake_daemon.hpp"
#include "fracta/base/file.hpp"

namespace fracta::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const Json kSpawned{
    {"agent", "x"}, {"status", "running"}, {"mode", "batch"}, {"phase", "Pending"}, {"namespace", "fracta"}};

TEST(List, TableIsKubectls) {
  FakeDaemon daemon;
  daemon.answer(
      "GET", "/api/v1/agents", 200,
      {{"agents", Json::array({agent_info("review-42", "Running", {{"ready", true}}),
                               agent_info("x", "Pending", {{"reason", "ImagePullBackOff"}, {"mode", "stream"}})})}});
  daemon.start();
  const auto outcome = run_cli({"list"}, daemon.url());
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out,
            "NAME        STATUS    REASON             READY   MODE     RUNTIME   AGE\n"
            "review-42   Running   <none>             true    batch    claude    2m5s\n"
            "x           Pending   ImagePullBackOff   false   stream   claude    2m5s\n");
}

TEST(List, OtherForms) {
  FakeDaemon daemon;
  daemon.answer("GET", "/api/v1/agents", 200,
                {{"agents", Json::array({agent_info("x", "Running", {{"pod_name", "p-1"}})})}});
  daemon.start();
  EXPECT_EQ(run_cli({"ls", "-o", "name"}, daemon.url()).out, "agent/x\n");
  EXPECT_THAT(run_cli({"get", "agents", "-o", "wide"}, daemon.url()).out, HasSubstr("POD   "));
  EXPECT_THAT(run_cli({"list", "-o", "wide", "--no-headers"}, daemon.url()).out, HasSubstr("p-1"));
  const auto json = parse_json(run_cli({"list", "-o", "json"}, daemon.url()).out);
  ASSERT_TRUE(json);
  EXPECT_EQ(string_at(json->at("agents")[0], "name"), "x");
  EXPECT_THAT(run_cli({"list", "-o", "yaml"}, daemon.url()).out, HasSubstr("agents:\n- age_seconds: 125\n"));
}

TEST(List, NothingThereIsSaidOnStderr) {
  FakeDaemon daemon;
  daemon.answer("GET", "/api/v1/agents", 200, {{"agents", Json::array()}});
  daemon.start();
  const auto outcome = run_cli({"list"}, daemon.url());
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "No agents found.\n");
  EXPECT_EQ(run_cli({"list", "-n", "elsewhere"}, daemon.url()).err, "No agents found in elsewhere namespace.\n");
}

TEST(List, ClusterTextCannotForgeLines) {
  FakeDaemon daemon;
  daemon.answer("GET", "/api/v1/agents", 200,
                {{"agents", Json::array({agent_info("x", "Failed", {{"reason", "a\nforged   Running\x1b[2J"}})})}});
  daemon.start();
  const auto out = run_cli({"list", "--no-headers"}, daemon.url()).out;
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 1);
  EXPECT_EQ(out.find('\x1b'), std::string::npos);
}

TEST(List, WatchPrintsEachChangeOnce) {
  FakeDaemon daemon;
  const Json pending = agent_info("x", "Pending");
  Json older = pending;
  older["age_seconds"] = 500;
  daemon.stream("/api/v1/watch", {"event: snapshot\ndata: " + dump_json({{"agents", {pending}}}) + "\n\n" +
                                      "id: 1\nevent: status\ndata: " + dump_json({{"Task", "x"}, {"Agent", older}}) +
                                      "\n\n" + "id: 2\nevent: lifecycle.running\ndata: " +
                                      dump_json({{"Task", "x"}, {"Agent", agent_info("x", "Running")}}) + "\n\n",
                                  "event: nothing\ndata: {}\n\n"});
  daemon.start();
  // Ends by its stop token once the stream has been read and reconnected to.
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
    while (daemon.requests().size() < 2) std::this_thread::yield();
    stop.request_stop();
  });
  EXPECT_EQ(run({"list", "-w"}, context), 0);
  ender.join();
  EXPECT_EQ(out.str(),
            "NAME   STATUS    REASON   READY   MODE    RUNTIME   AGE\n"
            "x      Pending   <none>   false   batch   claude    2m5s\n"
            "x      Running   <none>   false   batch   claude    2m5s\n");
  EXPECT_EQ(daemon.requests()[1].headers.get("Last-Event-ID"), "2");
}

TEST(Get, NotFoundIsKubectlsError) {
  FakeDaemon daemon;
  daemon.answer("GET", "/api/v1/agents/{name}", 404, {{"error", "agent \"x\" not found"}, {"reason", "NotFound"}});
  daemon.start();
  const auto outcome = run_cli({"get", "agent/x"}, daemon.url());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "Error from server (NotFound): agent \"x\" not found\n");
  EXPECT_EQ(daemon.requests()[0].path, "/api/v1/agents/x");
}

TEST(Spawn, SendsWhatTheApiAsksFor) {
  FakeDaemon daemon;
  daemon.answer("POST", "/api/v1/agents", 201, kSpawned);
  daemon.start();
  const auto outcome = run_cli({"spawn",
                                "x",
                                "--runtime",
                                "shell",
                                "--contract",
                                "do it",
                                "--model",
                                "m",
                                "--image",
                                "i",
                                "--mode",
                                "batch",
                                "-l",
                                "team=core",
                                "--requests",
                                "cpu=100m,memory=1Gi",
                                "--limits",
                                "memory=2Gi",
                                "--active-deadline-seconds",
                                "60",
                                "--",
                                "sh",
                                "-c",
                                "echo hi"},
                               daemon.url());
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "agent/x spawned\n");
  Json body = daemon.body(0);
  EXPECT_THAT(string_at(body, "request_id"), SizeIs(36));
  body.erase("request_id");
  EXPECT_EQ(body, parse_json(R"({"task":"x","runtime":"shell","contract":"do it","model":"m","image":"i","mode":"batch",
    "labels":{"team":"core"},"resources":{"cpu_request":"100m","memory_request":"1Gi","memory_limit":"2Gi"},
    "active_deadline_seconds":60,"command":["sh","-c","echo hi"]})")
                      .value_or(Json()));
}

TEST(Spawn, ContractComesFromTextFileOrStandardInputAndIsReadHere) {
  auto directory = TemporaryDirectory::create();
  ASSERT_TRUE(directory);
  const std::string file = *directory / "task.md";
  std::ofstream(file) << "from a file\n";
  FakeDaemon daemon;
  daemon.answer("POST", "/api/v1/agents", 201, kSpawned);
  daemon.start();
  EXPECT_EQ(run_cli({"spawn", "x", "--contract", "@" + file}, daemon.url()).code, 0);
  EXPECT_EQ(run_cli({"spawn", "x", "--contract-file", file}, daemon.url()).code, 0);
  EXPECT_EQ(run_cli({"spawn", "x", "--contract", "-"}, daemon.url(), "from stdin").code, 0);
  const auto path = run_cli({"spawn", "x", "--contract", file}, daemon.url());
  EXPECT_THAT(path.err, HasSubstr("note: --contract " + file + " is sent as text"));
  std::vector<std::string> contracts;
  for (std::size_t i = 0; i < 4; ++i) contracts.push_back(string_at(daemon.body(i), "contract"));
  EXPECT_THAT(contracts, ElementsAre("from a file\n", "from a file\n", "from stdin", file));
  const auto missing = run_cli({"spawn", "x", "--contract", "@/no/such/file"}, daemon.url());
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, HasSubstr("/no/such/file"));
}

TEST(Spawn, WarningsAndDeprecationsGoToStderr) {
  FakeDaemon daemon;
  Json answer = kSpawned;
  answer["warnings"] = {"base_branch is ignored"};
  daemon.answer("POST", "/api/v1/agents", 201, answer);
  daemon.start();
  const auto outcome = run_cli({"spawn", "x", "--base", "main", "--host-type", "claude"}, daemon.url());
  EXPECT_EQ(outcome.out, "agent/x spawned\n");
  EXPECT_EQ(outcome.err, "Warning: --host-type is deprecated, use --runtime\nWarning: base_branch is ignored\n");
}

TEST(Spawn, ErrorsOfTheServerKeepTheirCauses) {
  FakeDaemon daemon;
  daemon.answer(
      "POST", "/api/v1/agents", 422,
      {{"error", "Job \"fracta-agent-x\" is invalid"},
       {"reason", "Invalid"},
       {"causes",
        Json::array(
            {{{"field", "spec.volumes[0]"}, {"reason", "FieldValueRequired"}, {"message", "Required value"}}})}});
  daemon.start();
  const auto outcome = run_cli({"spawn", "x"}, daemon.url());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err,
            "Error from server (Invalid): Job \"fracta-agent-x\" is invalid\n  * spec.volumes[0]: Required value\n");
  EXPECT_THAT(daemon.requests(), SizeIs(1));
}

TEST(Spawn, UnansweredRequestIsRepeatedWithTheSameId) {
  FakeDaemon daemon;
  std::atomic<int> calls = 0;
  daemon.on("POST", "/api/v1/agents", [&](const net::ServerRequest&) {
    return ++calls == 1 ? net::ServerResponse::json(
                              503, R"({"error":"caches are not synced yet","reason":"ServiceUnavailable"})")
                        : net::ServerResponse::json(201, dump_json(kSpawned));
  });
  daemon.start();
  const auto outcome = run_cli({"spawn", "x"}, daemon.url());
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  ASSERT_THAT(daemon.requests(), SizeIs(2));
  EXPECT_EQ(daemon.body(0), daemon.body(1));
}

TEST(Spawn, DryRunPrintsObjects) {
  FakeDaemon daemon;
  daemon.answer("POST", "/api/v1/agents", 200,
                {{"dry_run", "client"},
                 {"objects", Json::array({{{"kind", "Job"}}, {{"kind", "ConfigMap"}}})},
                 {"warnings", Json::array()}});
  daemon.start();
  EXPECT_EQ(run_cli({"spawn", "x", "--dry-run=client", "-o", "yaml"}, daemon.url()).out,
            "kind: Job\n---\nkind: ConfigMap\n");
  EXPECT_EQ(daemon.requests()[0].query_parameter("dryRun"), "client");
  EXPECT_EQ(run_cli({"spawn", "x", "--dry-run=server"}, daemon.url()).out, "agent/x spawned (server dry run)\n");
  const auto json = parse_json(run_cli({"spawn", "x", "--dry-run", "-o", "json"}, daemon.url()).out);
  ASSERT_TRUE(json);
  EXPECT_EQ(string_at(*json, "kind"), "List");
}

TEST(Spawn, AnotherNamespaceStopsItBeforeAnythingHappens) {
  FakeDaemon daemon;
  daemon.answer("POST", "/api/v1/agents", 200, {{"objects", Json::array({{{"metadata", {{"namespace", "fracta"}}}}})}});
  daemon.start();
  const auto outcome = run_cli({"spawn", "x", "-n", "other"}, daemon.url());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("spawns into namespace fracta, not other"));
  ASSERT_THAT(daemon.requests(), SizeIs(1));
  EXPECT_EQ(daemon.requests()[0].query_parameter("dryRun"), "client");
}

TEST(Kill, SaysWhichAndGoesOnAfterAnError) {
  FakeDaemon daemon;
  daemon.on("DELETE", "/api/v1/agents/{name}", [](const net::ServerRequest& request) {
    return request.path_parameter("name") == "gone"
               ? net::ServerResponse::json(404,
                                           R"({"error":"kill failed: agent \"gone\" not found","reason":"NotFound"})")
               : net::ServerResponse::json(200, R"({"status":"killed"})");
  });
  daemon.start();
  const auto outcome = run_cli({"kill", "a", "gone", "agent/b", "--keep-files"}, daemon.url());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "agent/a killed\nagent/b killed\n");
  EXPECT_EQ(outcome.err, "Error from server (NotFound): kill failed: agent \"gone\" not found\n");
  EXPECT_EQ(run_cli({"kill", "gone", "--ignore-not-found"}, daemon.url()).code, 0);
  EXPECT_EQ(daemon.body(0), (Json{{"keep_files", true}}));
}

TEST(Kill, DryRunDeletesNothing) {
  FakeDaemon daemon;
  daemon.answer("GET", "/api/v1/agents/{name}", 200, {{"agent", agent_info("a", "Running")}});
  daemon.start();
  EXPECT_EQ(run_cli({"kill", "a", "--dry-run"}, daemon.url()).out, "agent/a killed (dry run)\n");
  for (const auto& request : daemon.requests()) EXPECT_EQ(request.method, "GET");
}

TEST(Describe, ShowsTimesReasonNextStepAndEvents) {
  FakeDaemon daemon;
  daemon.answer("GET", "/api/v1/agents/{name}", 200,
                {{"agent", agent_info("x", "Failed",
                                      {{"reason", "OOMKilled"},
                                       {"message", "out of memory"},
                                       {"next_step", "raise memory_limit"},
                                       {"exit_code", 137},
                                       {"start_time", "2026-11-21T20:25:10Z"},
                                       {"finished_at", "2026-11-21T20:27:10Z"},
                                       {"pod_name", "p"}})}});
  daemon.answer("GET", "/api/v1/agents/{name}/events", 200,
                {{"events", Json::array({{{"time", "2026-11-21T20:27:10Z"},
                                          {"severity", "error"},
                                          {"action", "lifecycle.failed"},
                                          {"detail", "OOMKilled"}}})}});
  daemon.start();
  const auto outcome = run_cli({"describe", "x"}, daemon.url());
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(
      outcome.out,
      "Name:         x\nNamespace:    fracta\nStatus:       Failed\nReason:       OOMKilled\nMessage:      out of "
      "memory\n"
      "Next step:    raise memory_limit\nMode:         batch\nRuntime:      claude\nObject:       Job/fracta-agent-x\n"
      "Pod:          p\nReady:        false\nRestarts:     0\nExit Code:    137\nCreated:      2026-11-21T20:25:00Z\n"
      "Started:      2026-11-21T20:25:10Z (after 10s)\nFinished:     2026-11-21T20:27:10Z (ran 2m)\n"
      "Events:\n  TIME                   SEVERITY   ACTION             MESSAGE\n"
      "  2026-11-21T20:27:10Z   error      lifecycle.failed   OOMKilled\n");
}

TEST(Peek, PrintsTheOutputWithAFinalNewline) {
  FakeDaemon daemon;
  daemon.answer("GET", "/api/v1/agents/{name}/peek", 200, {{"output", "working"}});
  daemon.start();
  EXPECT_EQ(run_cli({"peek", "x", "--mode", "raw"}, daemon.url()).out, "working\n");
  EXPECT_EQ(daemon.requests()[0].query_parameter("mode"), "raw");
}

TEST(Version, WorksWithoutADaemon) {
  const auto outcome = run_cli({"version"}, "http://127.0.0.1:1");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, ::testing::StartsWith("Client Version: "));
  EXPECT_THAT(outcome.err, HasSubstr("http://127.0.0.1:1"));
  EXPECT_EQ(run_cli({"version", "--client"}).err, "");
}

TEST(Server, UnreachableNamesTheAddressAndTheRemedy) {
  const auto outcome = run_cli({"list"}, "http://127.0.0.1:1");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, ::testing::StartsWith("error: the controlplane at http://127.0.0.1:1 cannot be reached: "));
  EXPECT_THAT(outcome.err, HasSubstr("--server, FRACTA_SERVER or control_plane_api.url"));
}

TEST(Server, FlagWinsOverEnvironmentOverConfig) {
  auto directory = TemporaryDirectory::create();
  ASSERT_TRUE(directory);
  const std::string file = *directory / "fracta.yaml";
  std::ofstream(file) << "control_plane_api:\n  url: http://127.0.0.1:3\nruntime:\n  backend: kubernetes\n";
  EXPECT_THAT(run_cli({"list", "--config", file}).err, HasSubstr("http://127.0.0.1:3 cannot"));
  EXPECT_THAT(run_cli({"list", "--config", file}, "http://127.0.0.1:2").err, HasSubstr("http://127.0.0.1:2 cannot"));
  EXPECT_THAT(run_cli({"list", "--config", file, "--server", "http://127.0.0.1:1"}, "http://127.0.0.1:2").err,
              HasSubstr("http://127.0.0.1:1 cannot"));
  EXPECT_THAT(run_cli({"list", "--server", "not a url"}).err, HasSubstr("address of the controlplane"));
}

TEST(Completion, ScriptsAreValidShell) {
  auto directory = TemporaryDirectory::create();
  ASSERT_TRUE(directory);
  const auto bash = run_cli({"completion", "bash"});
  EXPECT_EQ(bash.code, 0);
  std::ofstream(*directory / "fracta.bash")
      << bash.out << "COMP_WORDS=(fracta config va); COMP_CWORD=2; _fracta; echo ${COMPREPLY[*]}\n"
      << "COMP_WORDS=(fracta list -o ''); COMP_CWORD=3; _fracta; echo ${COMPREPLY[*]}\n"
      << "COMP_WORDS=(fracta spawn --ti); COMP_CWORD=2; _fracta; echo ${COMPREPLY[*]}\n";
  const std::string command = "bash " + (*directory / "fracta.bash") + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) output += static_cast<char>(c);
  EXPECT_EQ(pclose(pipe), 0);
  EXPECT_EQ(output, "validate\njson name wide yaml\n--tier --timeout\n");
  EXPECT_THAT(run_cli({"completion", "zsh"}).out, ::testing::StartsWith("#compdef fracta\n"));
  EXPECT_THAT(run_cli({"completion", "fish"}).out, HasSubstr("complete -c fracta -n __fish_use_subcommand -a spawn"));
}

}  // namespace
}  // namespace fracta::cli
