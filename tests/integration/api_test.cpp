// The HTTP API of a whole daemon on a real cluster: streams, limits, health.
#include <thread>

#include "fracta/net/lines.hpp"
#include "integration/daemon_fixture.hpp"

namespace fracta {
namespace {

using ::testing::HasSubstr;

class ApiIntegration : public testing::DaemonTest {
 protected:
  // Reads a stream until it ends; the text is complete afterwards.
  std::string read_all(const std::string& target, const std::stop_token& stop = {}) {
    std::string text;
    net::Request request;
    request.target = target;
    net::StreamOptions stream_options;
    stream_options.stop = stop;
    auto result = transport_->stream(request, stream_options,
                                     {[](const net::Response&) { return true; },
                                      [&](std::string_view bytes) {
                                        text += bytes;
                                        return true;
                                      }});
    if (!result) text += "\n<" + result.error().message + ">";
    return text;
  }
};

TEST_F(ApiIntegration, MetricsVersionAndHealth) {
  start();
  EXPECT_EQ(call("GET", "/livez").body, "ok");
  EXPECT_EQ(json("GET", "/healthz")["status"], "ok");
  EXPECT_FALSE(string_at(json("GET", "/version"), "version").empty());
  auto metrics = call("GET", "/metrics").body;
  for (const char* name : {"process_resident_memory_bytes", "fracta_build_info", "fracta_config_info", "fracta_agents{",
                           "rest_client_requests_total", "workqueue_depth", "controller_runtime_reconcile_total"})
    EXPECT_THAT(metrics, HasSubstr(name));
}

TEST_F(ApiIntegration, AFollowedLogEndsWithItsAgent) {
  if (!runs_pods()) GTEST_SKIP() << "this cluster runs no pods; name an image in FRACTA_TEST_IMAGE";
  start();
  ASSERT_EQ(call("POST", "/api/v1/agents",
                 {{"task", "a1"}, {"command", {"sh", "-c", "for i in 1 2 3; do echo line $i; sleep 0.2; done"}}})
                .status,
            201);
  ASSERT_TRUE(testing::within(std::chrono::seconds(10), [&] { return !status("a1").empty(); }));
  EXPECT_EQ(read_all("/api/v1/agents/a1/logs?follow=true&lines=0"), "line 1\nline 2\nline 3\n");
}

TEST_F(ApiIntegration, AWatchTellsTheWholeLife) {
  if (!runs_pods()) GTEST_SKIP() << "this cluster runs no pods; name an image in FRACTA_TEST_IMAGE";
  start();
  std::string text;
  std::mutex mutex;
  std::jthread watcher([&](const std::stop_token& stop) {
    net::Request request;
    request.target = "/api/v1/watch";
    net::StreamOptions stream_options;
    stream_options.stop = stop;
    static_cast<void>(transport_->stream(request, stream_options,
                                         {[](const net::Response&) { return true; },
                                          [&](std::string_view bytes) {
                                            std::lock_guard lock(mutex);
                                            text += bytes;
                                            return true;
                                          }}));
  });
  auto seen = [&](const std::string& what) {
    std::lock_guard lock(mutex);
    return text.find(what) != std::string::npos;
  };
  ASSERT_TRUE(testing::within(std::chrono::seconds(10), [&] { return seen("event: snapshot"); }));
  ASSERT_EQ(call("POST", "/api/v1/agents", {{"task", "a1"}}).status, 201);
  for (const char* event : {"event: job_create", "event: lifecycle.started", "event: lifecycle.completed"})
    EXPECT_TRUE(testing::within(std::chrono::seconds(60), [&] { return seen(event); })) << event;
}

TEST_F(ApiIntegration, StopEndsOpenStreamsAndTheAgentGoesOn) {
  start();
  ASSERT_EQ(call("POST", "/api/v1/agents", {{"task", "a1"}, {"command", {"sh", "-c", "sleep 300"}}}).status, 201);
  ASSERT_TRUE(testing::within(std::chrono::seconds(10), [&] { return !status("a1").empty(); }));
  std::string text;
  std::jthread reader([&] { text = read_all("/api/v1/agents/a1/watch"); });
  ASSERT_TRUE(testing::within(std::chrono::seconds(10), [&] { return call("GET", "/metrics").status == 200; }));
  EXPECT_TRUE(daemon_->stop());
  reader.join();
  if (text.find("event: snapshot") != std::string::npos) {
    EXPECT_THAT(text, HasSubstr("event: shutdown"));
    EXPECT_THAT(text, ::testing::Not(HasSubstr("\n<"))) << "the stream ended in order";
  }
  EXPECT_TRUE(cluster().client().get(kube::kJobs, cluster().ns(), "fracta-agent-a1")) << "agents outlive the daemon";
}

TEST_F(ApiIntegration, ABodyOverTheLimitIs413) {
  start();
  auto answer = call("POST", "/api/v1/agents", {{"task", "a1"}, {"contract", std::string(5u << 20, 'x')}});
  EXPECT_EQ(answer.status, 413) << answer.body.substr(0, 200);
  EXPECT_EQ(call("POST", "/api/v1/agents", {{"task", "a1"}, {"contract", std::string(2u << 20, 'x')}}).status, 422)
      << "no ConfigMap holds that";
}

}  // namespace
}  // namespace fracta
