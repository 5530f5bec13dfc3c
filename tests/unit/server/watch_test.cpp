// Server-sent events and followed logs over a real socket: resume, gaps, shutdown.
#include <atomic>
#include <thread>

#include "fracta/net/lines.hpp"
#include "fracta/net/transport.hpp"
#include "fracta/server/api_server.hpp"
#include "unit/controlplane/fixture.hpp"

namespace fracta {
namespace {

using ::testing::ElementsAre;
using testing::eventually;
using ::testing::HasSubstr;

// A client of one event stream on a thread of its own.
class Watcher {
 public:
  Watcher(int port, std::string target, std::string last_id = "")
      : thread_([this, port, target, last_id](const std::stop_token& stop) { run(port, target, last_id, stop); }) {}
  ~Watcher() { thread_.request_stop(); }

  [[nodiscard]] std::vector<net::ServerSentEvent> frames() const {
    std::lock_guard lock(mutex_);
    return frames_;
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& frame : frames()) out.push_back(frame.event);
    return out;
  }
  [[nodiscard]] bool saw(const std::string& event) const {
    return eventually([&] {
      auto all = names();
      return std::find(all.begin(), all.end(), event) != all.end();
    });
  }
  [[nodiscard]] std::string raw() const {
    std::lock_guard lock(mutex_);
    return raw_;
  }
  [[nodiscard]] bool ended_in_order() const {
    return eventually([&] {
      std::lock_guard lock(mutex_);
      return result_ == "ok";
    });
  }

 private:
  void run(int port, const std::string& target, const std::string& last_id, const std::stop_token& stop) {
    auto transport = net::make_http_transport({"http", "127.0.0.1", port, "", ""}, {});
    ASSERT_TRUE(transport) << transport.error().message;
    net::Request request;
    request.target = target;
    if (!last_id.empty()) request.headers.add("Last-Event-ID", last_id);
    net::SseReader reader([this](const net::ServerSentEvent& event) {
      std::lock_guard lock(mutex_);
      frames_.push_back(event);
      return true;
    });
    net::StreamOptions options;
    options.stop = stop;
    auto result = (*transport)
                      ->stream(request, options,
                               {[](const net::Response&) { return true; },
                                [&](std::string_view bytes) {
                                  {
                                    std::lock_guard lock(mutex_);
                                    raw_ += bytes;
                                  }
                                  return reader.feed(bytes);
                                }});
    std::lock_guard lock(mutex_);
    result_ = result ? "ok" : result.error().message;
  }

  mutable std::mutex mutex_;
  std::vector<net::ServerSentEvent> frames_;
  std::string raw_, result_;
  std::jthread thread_;  // last
};

class WatchTest : public testing::ControlPlaneTest {
 protected:
  void SetUp() override {
    ControlPlaneTest::SetUp();
    serve();
  }
  void TearDown() override { server_.reset(); }
  void serve() {
    server_.reset();
    auto& plane = ready();
    auto options = options_for_server_;
    options.heartbeat = std::chrono::milliseconds(50);
    auto server = server::ApiServer::create(plane, clock_, *metrics_, options);
    ASSERT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
    server_->start();
  }
  void spawn(const std::string& name) {
    ASSERT_TRUE(plane().spawn(request(name)));
    ASSERT_TRUE(eventually([&] { return phase(name) != "-"; }));
  }

  // From here on callers have names (?as=NAME) and may do what `answer_` says.
  void serve_callers() {
    options_for_server_.authenticate = [](const net::ServerRequest& request) -> Result<server::Identity> {
      server::Identity identity;
      identity.name = request.query_parameter("as").value_or("alice");
      return identity;
    };
    options_for_server_.authorize = [this](const server::Identity&, const server::Attributes&) -> Result<void> {
      if (answer_ == Answer::kYes) return {};
      return make_error(answer_ == Answer::kNo ? ErrorCode::kForbidden : ErrorCode::kUnavailable,
                        "alice cannot watch agents");
    };
    options_for_server_.look_at_streams_every = std::chrono::milliseconds(5);
    serve();
  }

  server::Options options_for_server_;
  enum class Answer { kYes, kNo, kUnknown };
  std::atomic<Answer> answer_ = Answer::kYes;
  std::unique_ptr<server::ApiServer> server_;
};

TEST_F(WatchTest, SnapshotFirstThenEventsInUpstreamsForm) {
  spawn("a1");
  Watcher watcher(server_->port(), "/api/v1/agents/a1/watch");
  ASSERT_TRUE(watcher.saw("snapshot"));
  EXPECT_EQ(watcher.frames()[0].event, "snapshot");
  auto snapshot = Json::parse(watcher.frames()[0].data);
  EXPECT_EQ(snapshot["task"], "a1");
  EXPECT_EQ(snapshot["agent"]["name"], "a1");
  set_running("a1");
  ASSERT_TRUE(watcher.saw("lifecycle.started"));
  auto frames = watcher.frames();
  auto started =
      std::find_if(frames.begin(), frames.end(), [](const auto& f) { return f.event == "lifecycle.started"; });
  auto data = Json::parse(started->data);
  EXPECT_EQ(data["ID"], started->id);
  EXPECT_EQ(data["Task"], "a1");
  EXPECT_EQ(data["Attrs"]["phase"], "Running");
  EXPECT_EQ(data["Agent"]["status"], "Running");
  EXPECT_TRUE(eventually([&] { return watcher.raw().find(": heartbeat\n\n") != std::string::npos; }));
}

TEST_F(WatchTest, ResumesAfterTheLastId) {
  spawn("a1");
  std::string id;
  {
    Watcher watcher(server_->port(), "/api/v1/agents/a1/watch");
    ASSERT_TRUE(watcher.saw("snapshot"));
    set_running("a1");
    ASSERT_TRUE(watcher.saw("lifecycle.started"));
    for (const auto& frame : watcher.frames())
      if (frame.event == "lifecycle.started") id = frame.id;
  }
  set_completed("a1");
  ASSERT_TRUE(shows("a1", "Completed"));
  ASSERT_TRUE(eventually([&] { return actions("a1").back() == "lifecycle.completed"; }));
  for (const auto& [target, header] : std::initializer_list<std::pair<std::string, std::string>>{
           {"/api/v1/agents/a1/watch", id}, {"/api/v1/agents/a1/watch?since=" + id, ""}, {"/api/v1/watch", id}}) {
    Watcher again(server_->port(), target, header);
    ASSERT_TRUE(again.saw("snapshot"));
    EXPECT_THAT(again.names(), ElementsAre("lifecycle.completed", "snapshot")) << target;
  }
}

TEST_F(WatchTest, ARestartedDaemonSaysSoAndSendsASnapshot) {
  spawn("a1");
  auto id = plane().events().id_of(*plane().events().recent("a1", 1)[0]);
  serve();
  Watcher watcher(server_->port(), "/api/v1/agents/a1/watch", id);
  ASSERT_TRUE(watcher.saw("snapshot"));
  EXPECT_THAT(watcher.names(), ElementsAre("gap", "snapshot"));
  EXPECT_EQ(Json::parse(watcher.frames()[0].data)["reason"], "restarted");
}

TEST_F(WatchTest, AllAgentsInOneStream) {
  spawn("a1");
  Watcher watcher(server_->port(), "/api/v1/watch");
  ASSERT_TRUE(watcher.saw("snapshot"));
  EXPECT_EQ(Json::parse(watcher.frames()[0].data)["agents"].size(), 1u);
  spawn("a2");
  ASSERT_TRUE(watcher.saw("job_create"));
  ASSERT_TRUE(plane().kill("a1"));
  ASSERT_TRUE(watcher.saw("removed"));
}

TEST_F(WatchTest, AnUnknownAgentIs404) {
  auto transport = net::make_http_transport({"http", "127.0.0.1", server_->port(), "", ""}, {});
  net::Request request;
  request.target = "/api/v1/agents/nobody/watch";
  auto answer = (*transport)->request(request, {});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 404);
}

TEST_F(WatchTest, StopEndsOpenStreamsInOrder) {
  spawn("a1");
  cluster_->append_log("fracta-agent-a1-x1", "2026-01-01T00:00:01Z hello\n");
  set_running("a1");
  ASSERT_TRUE(shows("a1", "Running"));
  Watcher one(server_->port(), "/api/v1/agents/a1/watch");
  Watcher all(server_->port(), "/api/v1/watch");
  Watcher log(server_->port(), "/api/v1/agents/a1/logs?follow=true");
  ASSERT_TRUE(one.saw("snapshot") && all.saw("snapshot"));
  ASSERT_TRUE(eventually([&] { return log.raw() == "hello\n"; }));
  EXPECT_TRUE(server_->stop(std::chrono::seconds(5))) << "no stream was cut";
  EXPECT_TRUE(one.saw("shutdown") && all.saw("shutdown"));
  EXPECT_TRUE(one.ended_in_order() && all.ended_in_order() && log.ended_in_order());
}

TEST_F(WatchTest, AClientThatLeavesFreesItsSubscription) {
  spawn("a1");
  {
    Watcher watcher(server_->port(), "/api/v1/agents/a1/watch");
    ASSERT_TRUE(watcher.saw("snapshot"));
    EXPECT_EQ(plane().events().subscribers(), 1u);
  }
  EXPECT_TRUE(eventually([&] { return plane().events().subscribers() == 0; }));
}

TEST_F(WatchTest, StreamsEndWhenTheirCallerMayNoLongerReadThem) {
  spawn("a1");
  cluster_->append_log("fracta-agent-a1-x1", "2026-01-01T00:00:01Z hello\n");
  set_running("a1");
  ASSERT_TRUE(shows("a1", "Running"));
  serve_callers();
  Watcher all(server_->port(), "/api/v1/watch");
  Watcher log(server_->port(), "/api/v1/agents/a1/logs?follow=true");
  ASSERT_TRUE(all.saw("snapshot"));
  ASSERT_TRUE(eventually([&] { return log.raw() == "hello\n"; }));
  answer_ = Answer::kUnknown;  // a cluster that cannot be asked takes nothing away
  std::size_t seen = 0;
  for (const auto* text : {"heartbeat", "heartbeat"}) {
    ASSERT_TRUE(eventually([&] { return all.raw().find(text, seen) != std::string::npos; }));
    seen = all.raw().size();
  }
  EXPECT_THAT(all.names(), ElementsAre("snapshot"));
  answer_ = Answer::kNo;
  ASSERT_TRUE(all.saw("error"));
  EXPECT_TRUE(all.ended_in_order() && log.ended_in_order());
  const auto told = Json::parse(all.frames().back().data);
  EXPECT_EQ(told["status"], 403);
  EXPECT_EQ(told["error"], "alice cannot watch agents");
  EXPECT_EQ(log.raw(), "hello\n[fracta] the stream ends here: alice cannot watch agents\n");
}

TEST_F(WatchTest, OneCallerDoesNotTakeTheStreamsOfAllOthers) {
  options_for_server_.streams_per_identity = 2;
  serve_callers();
  Watcher first(server_->port(), "/api/v1/watch?as=alice");
  ASSERT_TRUE(first.saw("snapshot"));
  {
    Watcher second(server_->port(), "/api/v1/watch?as=alice");
    ASSERT_TRUE(second.saw("snapshot"));
    Watcher third(server_->port(), "/api/v1/watch?as=alice");
    EXPECT_TRUE(eventually([&] { return third.raw().find("TooManyRequests") != std::string::npos; }));
    Watcher other(server_->port(), "/api/v1/watch?as=bob");
    EXPECT_TRUE(other.saw("snapshot"));
  }
  EXPECT_TRUE(eventually([&] {
    Watcher again(server_->port(), "/api/v1/watch?as=alice");
    EXPECT_TRUE(eventually([&] { return !again.raw().empty(); }));
    return again.raw().find("TooManyRequests") == std::string::npos;
  })) << "what was left is free again";
}

}  // namespace
}  // namespace fracta
