// Server-sent events and followed logs over a real socket: resume, gaps, shutdown.
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
    server::Options options;
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

}  // namespace
}  // namespace fracta
