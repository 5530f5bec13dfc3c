// The HTTP API's answers: shapes, status codes, refusals. No socket: Api::handle() is what the listener serves.
#include "fracta/server/api_server.hpp"
#include "unit/controlplane/fixture.hpp"

namespace fracta {
namespace {

using net::ServerRequest;
using net::ServerResponse;
using testing::eventually;
using testing::FakeCluster;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ApiTest : public testing::ControlPlaneTest {
 protected:
  void SetUp() override {
    ControlPlaneTest::SetUp();
    serve(ready());
  }
  void TearDown() override { api_.reset(); }
  void serve(controlplane::ControlPlane& plane) {
    server::Options options;
    options.host = "127.0.0.1";
    options.version = "1.2.3";
    api_ = std::make_unique<server::Api>(plane, clock_, *metrics_, options);
  }

  static ServerRequest make(const std::string& method, const std::string& target, const std::string& body = "") {
    ServerRequest request;
    request.method = method;
    request.target = target;
    auto mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string::npos) request.query = net::parse_query(target.substr(mark + 1));
    std::istringstream pieces(request.path.substr(1));
    for (std::string piece; std::getline(pieces, piece, '/');) request.segments.push_back(piece);
    request.headers.add("Host", "127.0.0.1:9090");
    if (!body.empty()) request.headers.add("Content-Type", "application/json");
    request.body = body;
    return request;
  }
  ServerResponse call(const std::string& method, const std::string& target, const std::string& body = "") {
    return api_->handle(make(method, target, body));
  }
  static Json json(const ServerResponse& response) { return Json::parse(response.body); }
  static std::string error(const ServerResponse& response) { return string_at(json(response), "error"); }

  std::unique_ptr<server::Api> api_;
};

TEST_F(ApiTest, SpawnListGetKill) {
  EXPECT_EQ(json(call("GET", "/api/v1/agents")), Json({{"agents", Json::array()}}));
  auto spawned = call("POST", "/api/v1/agents", R"({"task":"a1","contract":"x","base_branch":"main"})");
  ASSERT_EQ(spawned.status, 201) << spawned.body;
  auto body = json(spawned);
  EXPECT_EQ(body["agent"], "a1");
  EXPECT_EQ(body["status"], "running");
  EXPECT_EQ(body["mode"], "batch");
  EXPECT_EQ(body["object"], "fracta-agent-a1");
  EXPECT_EQ(body["warnings"].size(), 1u);
  set_running("a1");
  ASSERT_TRUE(shows("a1", "Running"));
  auto agent = json(call("GET", "/api/v1/agents/a1"))["agent"];
  EXPECT_EQ(agent["name"], "a1");
  EXPECT_EQ(agent["status"], "Running");
  EXPECT_EQ(agent["backend"], "kubernetes");
  EXPECT_EQ(agent["unread_messages"], 0);
  EXPECT_EQ(agent["start_time"], "2026-01-01T00:00:01Z");
  EXPECT_EQ(agent["pod_name"], "fracta-agent-a1-x1");
  EXPECT_EQ(agent["job_name"], "fracta-agent-a1");
  EXPECT_EQ(agent["node"], "node-1");
  EXPECT_GE(agent["age_seconds"], 0);
  EXPECT_EQ(json(call("GET", "/api/v1/agents"))["agents"].size(), 1u);
  auto killed = call("DELETE", "/api/v1/agents/a1", R"({"keep_files":true})");
  EXPECT_EQ(killed.status, 200);
  EXPECT_EQ(json(killed), Json({{"status", "killed"}, {"message", "Agent \"a1\" killed."}}));
  EXPECT_TRUE(eventually([&] { return call("GET", "/api/v1/agents/a1").status == 404; }));
  auto again = call("DELETE", "/api/v1/agents/a1");
  EXPECT_EQ(again.status, 404);
  EXPECT_EQ(error(again), "kill failed: agent \"a1\" not found");
}

TEST_F(ApiTest, StatusCodesOfRefusedSpawns) {
  struct Case {
    const char* body;
    int status;
    const char* text;
  };
  for (const auto& c : std::initializer_list<Case>{
           {"{", 400, "invalid request body: "},
           {"[]", 400, "invalid request body: a JSON object is expected"},
           {"{}", 400, "missing required field: task"},
           {R"({"task":null})", 400, "missing required field: task"},
           {R"({"task":7})", 400, "invalid request body: field \"task\" must be a string"},
           {R"({"task":"a","command":"ls"})", 400, "field \"command\" must be a list of strings"},
           {R"({"task":"a","active_deadline_seconds":1.5})", 400,
            "field \"active_deadline_seconds\" must be an integer"},
           {R"({"task":"a","labels":{"x":1}})", 400, "field \"labels\" must be an object of strings"},
           {R"({"task":"a b"})", 422, "spawn failed: invalid task name \"a b\""},
           {R"({"task":"a","tier":"x"})", 422, "spawn failed: invalid tier \"x\""},
           {R"({"task":"a","host_type":"x"})", 422, "runtime \"x\" not configured"},
           {R"({"task":"a","dispatch":"queued"})", 422, "not available in this version"},
           {R"({"task":"a","staged_credential_refs":{"x":"y"}})", 422, "staging is not available"},
       }) {
    auto answer = call("POST", "/api/v1/agents", c.body);
    EXPECT_EQ(answer.status, c.status) << c.body;
    EXPECT_THAT(error(answer), HasSubstr(c.text)) << c.body;
  }
  EXPECT_EQ(cluster_->object_count(), 1u) << "only the namespace";
}

TEST_F(ApiTest, DuplicateQuotaAndOutage) {
  ASSERT_EQ(call("POST", "/api/v1/agents", R"({"task":"a1"})").status, 201);
  auto duplicate = call("POST", "/api/v1/agents", R"({"task":"a1"})");
  EXPECT_EQ(duplicate.status, 409);
  EXPECT_EQ(error(duplicate), "spawn failed: agent \"a1\" already exists");
  EXPECT_EQ(json(duplicate)["reason"], "AlreadyExists");
  cluster_->set_faults([](int, const net::Request&) { return FakeCluster::Fault::kForbidden; });
  auto forbidden = call("POST", "/api/v1/agents", R"({"task":"a2"})");
  EXPECT_EQ(forbidden.status, 403);
  EXPECT_THAT(error(forbidden), HasSubstr("exceeded quota"));
  EXPECT_EQ(json(forbidden)["reason"], "Forbidden");
  cluster_->set_faults([](int, const net::Request&) { return FakeCluster::Fault::kRefused; });
  auto down = call("POST", "/api/v1/agents", R"({"task":"a3"})");
  EXPECT_EQ(down.status, 503);
  EXPECT_TRUE(down.headers.has("Retry-After"));
}

TEST_F(ApiTest, MaxConcurrentIs429WithRetryAfter) {
  config_.reaper_max_concurrent = 1;
  api_.reset();
  serve(ready());
  ASSERT_EQ(call("POST", "/api/v1/agents", R"({"task":"a1"})").status, 201);
  auto answer = call("POST", "/api/v1/agents", R"({"task":"a2"})");
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(error(answer), "spawn failed: max concurrent agents (1) reached");
  EXPECT_EQ(answer.headers.get("Retry-After"), "5");
}

TEST_F(ApiTest, TheServerNeverOpensAPathGivenAsContract) {
  auto answer =
      call("POST", "/api/v1/agents?dryRun=client", R"({"task":"a1","runtime":"codex","contract":"/etc/passwd"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr("/etc/passwd"));
  EXPECT_THAT(answer.body, ::testing::Not(HasSubstr("root:x:0")));
}

TEST_F(ApiTest, DryRuns) {
  auto client = call("POST", "/api/v1/agents?dryRun=client", R"({"task":"a1"})");
  ASSERT_EQ(client.status, 200) << client.body;
  EXPECT_EQ(json(client)["objects"][0]["kind"], "Job");
  EXPECT_EQ(json(client)["objects"][1]["kind"], "ConfigMap");
  EXPECT_EQ(call("POST", "/api/v1/agents?dryRun=server", R"({"task":"a1"})").status, 200);
  EXPECT_EQ(call("POST", "/api/v1/agents?dryRun=maybe", R"({"task":"a1"})").status, 400);
  auto upstream = call("POST", "/api/v1/agents/dry-run");
  ASSERT_EQ(upstream.status, 200) << upstream.body;
  EXPECT_EQ(json(upstream)["resolved_spec"]["runtime"], "shell");
  EXPECT_EQ(json(upstream)["resolved_spec"]["image"], "agent:1");
  EXPECT_TRUE(json(upstream)["command_spec"]["args"].is_array());
  EXPECT_EQ(cluster_->object_count(), 1u);
}

TEST_F(ApiTest, ForeignPagesAreRefused) {
  auto foreign = make("POST", "/api/v1/agents", R"({"task":"a1"})");
  foreign.headers.add("Origin", "https://evil.example");
  EXPECT_EQ(api_->handle(foreign).status, 403);
  auto opaque = make("DELETE", "/api/v1/agents/a1");
  opaque.headers.add("Origin", "null");
  EXPECT_EQ(api_->handle(opaque).status, 403);
  auto same = make("POST", "/api/v1/agents", R"({"task":"a1"})");
  same.headers.add("Origin", "http://127.0.0.1:9090");
  EXPECT_EQ(api_->handle(same).status, 201);
  auto rebound = make("GET", "/api/v1/agents");
  rebound.headers.set("Host", "evil.example:9090");
  EXPECT_EQ(api_->handle(rebound).status, 403);
  for (const char* host : {"localhost:9090", "[::1]:9090", "127.0.0.1"}) {
    rebound.headers.set("Host", host);
    EXPECT_EQ(api_->handle(rebound).status, 200) << host;
  }
}

TEST_F(ApiTest, OnlyJsonBodies) {
  auto form = make("POST", "/api/v1/agents", R"({"task":"a1"})");
  form.headers.set("Content-Type", "text/plain");
  EXPECT_EQ(api_->handle(form).status, 415);
  form.headers.set("Content-Type", "Application/JSON; charset=utf-8");
  EXPECT_EQ(api_->handle(form).status, 201);
  auto deep = std::string(10'000, '[') + std::string(10'000, ']');
  EXPECT_EQ(call("POST", "/api/v1/agents", deep).status, 400);
}

TEST_F(ApiTest, RoutesThatAreNotThere) {
  EXPECT_EQ(call("POST", "/api/v1/agents/a1/say", R"({"message":"x"})").status, 501);
  EXPECT_THAT(error(call("GET", "/api/v1/agents/a1/mission")), HasSubstr("not available in this version"));
  EXPECT_EQ(call("POST", "/api/v1/credentials/stage", "{}").status, 501);
  EXPECT_EQ(call("POST", "/api/v1/graph/query", "{}").status, 501);
  auto missing = call("GET", "/api/v1/nothing");
  EXPECT_EQ(missing.status, 404);
  EXPECT_FALSE(error(missing).empty());
  auto method = call("PUT", "/api/v1/agents", "{}");
  EXPECT_EQ(method.status, 405);
  EXPECT_THAT(method.headers.get("Allow").value_or(""), HasSubstr("POST"));
}

TEST_F(ApiTest, LogsAndPeek) {
  ASSERT_EQ(call("POST", "/api/v1/agents", R"({"task":"a1"})").status, 201);
  ASSERT_TRUE(eventually([&] { return phase("a1") != "-"; }));
  EXPECT_EQ(call("GET", "/api/v1/agents/a1/logs").status, 404);
  EXPECT_EQ(error(call("GET", "/api/v1/agents/a1/peek")), "peek failed: no output available for agent \"a1\"");
  cluster_->append_log("fracta-agent-a1-x1", "2026-01-01T00:00:01Z hello\n");
  set_running("a1");
  ASSERT_TRUE(shows("a1", "Running"));
  auto logs = call("GET", "/api/v1/agents/a1/logs?lines=10");
  ASSERT_EQ(logs.status, 200) << logs.body;
  EXPECT_EQ(json(logs), Json({{"output", "hello\n"}, {"truncated", false}}));
  EXPECT_EQ(json(call("GET", "/api/v1/agents/a1/logs?timestamps=true"))["output"], "2026-01-01T00:00:01Z hello\n");
  EXPECT_EQ(json(call("GET", "/api/v1/agents/a1/peek"))["output"], "hello\n");
  EXPECT_THAT(string_at(json(call("GET", "/api/v1/agents/a1/peek?mode=events")), "output"), HasSubstr("job_create"));
  EXPECT_EQ(call("GET", "/api/v1/agents/a1/logs?lines=x").status, 400);
  EXPECT_EQ(call("GET", "/api/v1/agents/a1/logs?since=yesterday").status, 400);
  EXPECT_EQ(call("GET", "/api/v1/agents/a1/logs?since=5m").status, 200);
  EXPECT_EQ(call("GET", "/api/v1/agents/a1/logs?container=etc").status, 400);
  EXPECT_EQ(call("GET", "/api/v1/agents/nobody/logs").status, 404);
  EXPECT_EQ(call("GET", "/api/v1/agents/nobody/logs?follow=true").status, 404);
}

TEST_F(ApiTest, EventsAreListedAndReported) {
  ASSERT_EQ(call("POST", "/api/v1/agents", R"({"task":"a1"})").status, 201);
  ASSERT_TRUE(eventually([&] { return phase("a1") != "-"; }));
  auto posted = call(
      "POST", "/api/v1/agents/a1/events",
      R"({"events":[{"component":"adapter","action":"tool.use","severity":"info","detail":"ls","attrs":{"tool":"bash"}}]})");
  EXPECT_EQ(posted.status, 202);
  EXPECT_EQ(json(posted), Json({{"accepted", 1}, {"dropped", 0}}));
  auto events = json(call("GET", "/api/v1/agents/a1/events?last=1"))["events"];
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0]["action"], "tool.use");
  EXPECT_EQ(events[0]["task"], "a1");
  EXPECT_EQ(events[0]["attrs"]["tool"], "bash");
  auto id = events[0]["id"].get<std::string>();
  EXPECT_TRUE(json(call("GET", "/api/v1/agents/a1/events?since=" + id))["events"].empty() ||
              json(call("GET", "/api/v1/agents/a1/events?since=" + id))["events"][0]["id"] != id);
  EXPECT_EQ(call("GET", "/api/v1/agents/nobody/events").status, 404);
  EXPECT_EQ(call("POST", "/api/v1/agents/nobody/events", R"({"events":[{"action":"x"}]})").status, 404);
  EXPECT_EQ(call("POST", "/api/v1/agents/a1/events", R"({"events":{}})").status, 400);
  EXPECT_EQ(json(call("POST", "/api/v1/agents/a1/events", R"({"events":[]})")),
            Json({{"accepted", 0}, {"dropped", 0}}));
}

TEST_F(ApiTest, Health) {
  EXPECT_EQ(json(call("GET", "/healthz")), Json({{"status", "ok"}}));
  EXPECT_EQ(call("GET", "/livez").body, "ok");
  EXPECT_EQ(call("GET", "/readyz").body, "ok");
  EXPECT_THAT(call("GET", "/readyz?verbose").body, HasSubstr("[+]caches ok\n"));
  EXPECT_EQ(call("GET", "/readyz/namespace").status, 200);
  EXPECT_EQ(call("GET", "/readyz/nonsense").status, 404);
  EXPECT_EQ(string_at(json(call("GET", "/version")), "version"), "1.2.3");
  api_->begin_shutdown();
  EXPECT_EQ(call("GET", "/readyz").status, 503);
  EXPECT_THAT(call("GET", "/readyz").body, HasSubstr("[-]shutdown failed"));
  EXPECT_EQ(call("GET", "/readyz?exclude=shutdown").status, 200);
  EXPECT_EQ(call("GET", "/livez").status, 200);
  EXPECT_EQ(call("POST", "/api/v1/agents", R"({"task":"a1"})").status, 503);
}

TEST_F(ApiTest, NotReadyWithoutTheApiServerOrTheNamespaceButAlive) {
  api_.reset();
  cluster_->set_down(true);
  serve(start());
  EXPECT_EQ(call("GET", "/readyz").status, 503);
  EXPECT_EQ(call("GET", "/livez").status, 200);
  EXPECT_EQ(call("GET", "/api/v1/agents").status, 503);
  cluster_->erase("/api/v1/namespaces", "fracta");
  cluster_->set_down(false);
  EXPECT_TRUE(eventually([&] { return call("GET", "/readyz/caches").status == 200; }));
  EXPECT_TRUE(eventually([&] {
    return call("GET", "/readyz").body.find("namespace \"fracta\" does not exist: create it") != std::string::npos;
  }));
  cluster_->put("/api/v1/namespaces", {{"kind", "Namespace"}, {"metadata", {{"name", "fracta"}}}});
  EXPECT_TRUE(eventually([&] { return call("GET", "/readyz").status == 200; }));
}

TEST_F(ApiTest, MetricsPage) {
  call("GET", "/api/v1/agents");
  auto answer = call("GET", "/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(answer.body, HasSubstr("fracta_http_requests_total{"));
  EXPECT_THAT(answer.body, HasSubstr("rest_client_requests_total"));
}

TEST_F(ApiTest, AnAuthenticatorGuardsEverythingButProbes) {
  server::Options options;
  options.authenticate = [](const ServerRequest& request) -> Result<server::Identity> {
    if (request.headers.get("Authorization") == "Bearer right") return server::Identity{"ann"};
    return make_error(ErrorCode::kUnauthenticated, "who are you");
  };
  server::Api guarded(plane(), clock_, *metrics_, options);
  EXPECT_EQ(guarded.handle(make("GET", "/api/v1/agents")).status, 401);
  EXPECT_EQ(guarded.handle(make("GET", "/livez")).status, 200);
  auto spawn = make("POST", "/api/v1/agents", R"({"task":"a1"})");
  spawn.headers.add("Authorization", "Bearer right");
  EXPECT_EQ(guarded.handle(spawn).status, 201);
  auto job = *cluster_->get(testing::kJobsPath, "fracta-agent-a1");
  EXPECT_EQ(job["metadata"]["annotations"]["fracta.io/requested-by"], "ann");
}

TEST(ListenAddress, Forms) {
  auto any = server::parse_listen_address(":9090");
  ASSERT_TRUE(any);
  EXPECT_EQ(any->host, "");
  EXPECT_EQ(any->port, 9090);
  EXPECT_EQ(server::parse_listen_address("127.0.0.1:0")->host, "127.0.0.1");
  EXPECT_EQ(server::parse_listen_address("[::1]:80")->host, "::1");
  EXPECT_EQ(server::parse_listen_address("[::]:9090")->port, 9090);
  EXPECT_EQ(server::parse_listen_address("9090")->port, 9090);
  for (const char* bad : {"", ":", "x", "::1:80", "[::1]", "[]:80", ":65536", ":-1", "h:8o"})
    EXPECT_FALSE(server::parse_listen_address(bad)) << bad;
  EXPECT_TRUE(server::is_loopback("127.8.9.1"));
  EXPECT_TRUE(server::is_loopback("localhost"));
  EXPECT_FALSE(server::is_loopback(""));
  EXPECT_FALSE(server::is_loopback("127.evil.com"));
}

}  // namespace
}  // namespace fracta
