// A command in a pod, over the wire: channels, exit codes, refusals, limits.
#include "fracta/kube/exec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "fracta/base/json.hpp"
#include "fracta/net/http_server.hpp"
#include "fracta/net/websocket.hpp"

namespace fracta::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FixedToken final : public TokenSource {
 public:
  Result<std::string> token(const std::stop_token&) override { return std::string("t0k"); }
};

// An API server that knows one sub-resource.
class PodExec : public ::testing::Test {
 protected:
  void serve(std::function<void(net::WebSocket&)> talk) {
    start([talk = std::move(talk)](const net::ServerRequest& request) {
      return net::accept_websocket(request, {.protocol = "v4.channel.k8s.io", .options = {}, .handler = talk});
    });
  }
  void start(net::RequestHandler handler) {
    auto created = net::HttpServer::create({}, [this, handler](const net::ServerRequest& request) {
      {
        std::lock_guard lock(mutex_);
        last_ = request;
      }
      return handler(request);
    });
    ASSERT_TRUE(created) << created.error().message;
    server_ = *std::move(created);
    server_->start();
  }
  Result<PodExecResult> exec(std::chrono::milliseconds timeout = 10s, std::size_t max_output = 1000) {
    ClientConfig config;
    config.server = *net::parse_url("http://" + server_->address());
    config.token = std::make_shared<FixedToken>();
    PodExecOptions options;
    options.container = "agent";
    options.command = {"fracta", "agent check"};
    options.max_output = max_output;
    options.call.timeout = timeout;
    return exec_in_pod(config, "fracta", "p-1", options);
  }
  net::ServerRequest last() {
    std::lock_guard lock(mutex_);
    return last_;
  }
  static std::string message(char channel, const std::string& text) { return std::string(1, channel) + text; }

  std::mutex mutex_;
  net::ServerRequest last_;
  std::unique_ptr<net::HttpServer> server_;
};

constexpr const char* kSuccess = R"({"kind":"Status","status":"Success"})";

TEST_F(PodExec, ChannelsAreToldApart) {
  serve([](net::WebSocket& socket) {
    for (char channel = 1; channel <= 3; ++channel) socket.send_binary(message(channel, ""));
    socket.send_binary(message(1, "out "));
    socket.send_binary(message(2, "err"));
    socket.send_binary(message(1, "put"));
    socket.send_binary(message(3, kSuccess));
  });
  const auto result = exec();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->exit_code, 0);
  EXPECT_EQ(result->standard_output, "out put");
  EXPECT_EQ(result->standard_error, "err");
  const auto request = last();
  EXPECT_EQ(request.path, "/api/v1/namespaces/fracta/pods/p-1/exec");
  EXPECT_EQ(request.query_parameter("container"), "agent");
  std::vector<std::string> words;
  for (const auto& [key, value] : request.query)
    if (key == "command") words.push_back(value);
  EXPECT_THAT(words, ElementsAre("fracta", "agent check"));
  EXPECT_EQ(request.headers.get("authorization"), "Bearer t0k");
  EXPECT_THAT(net::offered_protocols(request), ElementsAre("v5.channel.k8s.io", "v4.channel.k8s.io"));
}

TEST_F(PodExec, AnExitCodeIsNoError) {
  serve([](net::WebSocket& socket) {
    socket.send_binary(message(3, R"({"status":"Failure","reason":"NonZeroExitCode","message":"exit 7",
                                      "details":{"causes":[{"reason":"ExitCode","message":"7"}]}})"));
  });
  EXPECT_EQ(exec()->exit_code, 7);
}

TEST_F(PodExec, WhatTheRuntimeSaysIsTheError) {
  serve([](net::WebSocket& socket) {
    socket.send_binary(message(3, R"({"status":"Failure","reason":"InternalError",
                                      "message":"exec: \"fracta\": executable file not found in $PATH"})"));
  });
  EXPECT_THAT(exec().error().message,
              HasSubstr("running a command in pod \"p-1\": exec: \"fracta\": executable file not found"));
}

TEST_F(PodExec, ARefusalHasTheServersWords) {
  start([](const net::ServerRequest&) {
    return net::ServerResponse::json(
        403, R"({"kind":"Status","reason":"Forbidden","message":"pods \"p-1\" is forbidden: nobody"})");
  });
  const auto refused = exec();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kForbidden);
  EXPECT_EQ(refused.error().message, "running a command in pod \"p-1\": pods \"p-1\" is forbidden: nobody");
}

TEST_F(PodExec, EndsWithoutAVerdictFloodsAndSilencesAreErrors) {
  serve([](net::WebSocket&) {});
  EXPECT_EQ(exec().error().code, ErrorCode::kUnavailable);
  server_.reset();
  serve([](net::WebSocket& socket) {
    while (socket.send_binary(message(1, std::string(600, 'x')))) {
    }
  });
  EXPECT_EQ(exec().error().code, ErrorCode::kResourceExhausted);
  server_.reset();
  serve([](net::WebSocket& socket) { static_cast<void>(socket.receive(10s)); });
  EXPECT_EQ(exec(100ms).error().code, ErrorCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace fracta::kube
