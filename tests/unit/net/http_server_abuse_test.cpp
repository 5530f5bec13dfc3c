// The server in front of strangers: libraries.md 5.2 and 5.4, each attack with what it must come to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "fracta/base/stop.hpp"
#include "fracta/net/http_server.hpp"
#include "unit/net/helpers.hpp"

namespace fracta::net {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

const std::string kHealth = "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

ServerResponse ok(const ServerRequest&) { return ServerResponse::text(200, "ok"); }

// 0 under a sanitizer, whose own bookkeeping (quarantine, shadow memory) is far larger than what is looked for.
std::size_t resident_kib() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 0;
#endif
  std::ifstream file("/proc/self/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  }
  return 0;
}

class Abuse : public ::testing::Test {
 protected:
  Abuse() {
    ServerOptions options;
    options.max_body_bytes = 1u << 20;
    options.worker_threads = 2;
    server_ = run_server(options, ok);
  }
  // Nobody else has to wait: with one attack still running a health request is answered.
  void expect_healthy() { EXPECT_EQ(RawClient(server_.port()).status_of(kHealth), 200); }
  RunningServer server_;
};

TEST_F(Abuse, ChunkedBomb) {
  const auto before = resident_kib();
  RawClient client(server_.port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(65536, 'x') + "\r\n";
  for (int i = 0; i < 800 && client.send(chunk); ++i) {
  }
  EXPECT_EQ(status_in(client.read_until("\r\n\r\n")), 413);
  EXPECT_LT(resident_kib(), before + 30 * 1024);
  expect_healthy();
}

TEST_F(Abuse, GzipBody) {
  RawClient client(server_.port());
  EXPECT_EQ(client.status_of("POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 300000\r\n\r\n"),
            415);
}

TEST_F(Abuse, HeaderFlood) {
  const auto before = resident_kib();
  RawClient client(server_.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n");
  for (int i = 0; i < 200'000 && client.send("X-" + std::to_string(i) + ": y\r\n"); ++i) {
  }
  EXPECT_EQ(status_in(client.read_until("\r\n\r\n")), 431);
  EXPECT_LT(resident_kib(), before + 30 * 1024);
}

TEST_F(Abuse, EndlessHeaderLine) {
  const auto before = resident_kib();
  RawClient client(server_.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\nX: ");
  const std::string piece(65536, 'y');
  for (int i = 0; i < 1000 && client.send(piece); ++i) {
  }
  EXPECT_EQ(status_in(client.read_until("\r\n\r\n")), 431);
  EXPECT_LT(resident_kib(), before + 30 * 1024);
}

TEST_F(Abuse, LongTarget) {
  EXPECT_EQ(RawClient(server_.port()).status_of("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n"),
            414);
}

TEST_F(Abuse, TwoHundredHalfRequestsAndSilentConnections) {
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<RawClient>(server_.port()));
    if (i % 4 == 1) clients.back()->send("GET / HT");
    if (i % 4 == 2) clients.back()->send("GET / HTTP/1.1\r\nHost: h\r\nX: y");
    if (i % 4 == 3) clients.back()->send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc");
  }
  for (int i = 0; i < 20; ++i) expect_healthy();
}

TEST_F(Abuse, DrippingBodies) {
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<RawClient>(server_.port()));
    clients.back()->send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
  }
  std::jthread dripping([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      for (const auto& client : clients) client->send("x");
      wait_for(stop, 1ms);
    }
  });
  for (int i = 0; i < 20; ++i) expect_healthy();
}

TEST(AbuseTls, SilentHandshakesDelayNobody) {
  ServerOptions options;
  options.tls = localhost_tls();
  options.worker_threads = 2;
  const auto server = run_server(options, ok);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    if (i % 2 == 1) clients.back()->send("\x16\x03\x01");
  }
  for (int i = 0; i < 5; ++i) {
    const auto response = transport_to(server.url(), trusting_options())->request({.target = "/healthz"}, {});
    ASSERT_TRUE(response) << response.error().message;
  }
}

TEST(AbuseTimeouts, SlowHeadAndBodyGet408AndIdleConnectionsAreClosed) {
  ServerOptions options;
  options.head_timeout = 100ms;
  options.body_timeout = 100ms;
  options.keep_alive = 100ms;
  const auto server = run_server(options, ok);
  RawClient head(server.port());
  RawClient body(server.port());
  RawClient silent(server.port());
  RawClient idle(server.port());
  head.send("GET / HTTP/1.1\r\nHo");
  body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(idle.status_of("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 200);
  EXPECT_EQ(status_in(head.read_all()), 408);
  EXPECT_EQ(status_in(body.read_all()), 408);
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_EQ(status_in(idle.read_all()), 0);
}

TEST(AbuseLimits, ConnectionsAndBodiesTogether) {
  ServerOptions options;
  options.max_connections = 4;
  options.max_body_bytes = 1000;
  options.max_total_body_bytes = 1500;
  const auto server = run_server(options, ok);
  const std::string part = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + std::string(900, 'x');
  RawClient first(server.port());
  RawClient second(server.port());
  first.send(part);
  second.send(part);
  // Which of the two came second is not ours to say.
  const auto refused = [](RawClient& client) { return status_in(client.read_until("\r\n\r\n", 300ms)) == 503; };
  EXPECT_NE(refused(first), refused(second));

  std::vector<std::unique_ptr<RawClient>> many;
  for (int i = 0; i < 4; ++i) many.push_back(std::make_unique<RawClient>(server.port()));
  EXPECT_EQ(RawClient(server.port()).status_of(kHealth), 200) << "the oldest without a request had to go";
}

TEST(AbuseLimits, WhoIsBeingServedKeepsThePlace) {
  std::atomic<bool> go{false};
  std::atomic<int> inside{0};
  ServerOptions options;
  options.max_connections = 2;
  const auto server = run_server(options, [&](const ServerRequest&) {
    ++inside;
    while (!go) wait_for({}, 1ms);
    return ServerResponse::text(200, "ok");
  });
  RawClient first(server.port()), second(server.port());
  first.send(kHealth);
  second.send(kHealth);
  while (inside < 2) wait_for({}, 1ms);
  EXPECT_EQ(RawClient(server.port()).read_all(), "") << "closed without a word";
  go = true;
  EXPECT_EQ(status_in(first.read_all()), 200);
  EXPECT_EQ(status_in(second.read_all()), 200);
}

TEST(AbuseHandlers, UrgentRequestsDoNotWaitForSlowHandlers) {
  std::atomic<bool> go{false};
  std::atomic<int> inside{0};
  ServerOptions options;
  options.worker_threads = 2;
  options.is_urgent = [](const ServerRequest& request) { return request.path == "/healthz"; };
  const auto server = run_server(options, [&](const ServerRequest& request) {
    ++inside;
    while (request.path != "/healthz" && !go) wait_for({}, 1ms);
    return ServerResponse::text(200, "ok");
  });
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 20; ++i) {
    slow.push_back(std::make_unique<RawClient>(server.port()));
    slow.back()->send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  while (inside < 2) wait_for({}, 1ms);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(RawClient(server.port()).status_of(kHealth), 200);
  go = true;
}

TEST(AbuseTls, ACertificateFromAFunctionIsFollowed) {
  std::mutex mutex;
  const auto make = [](const std::string& name) {
    return *issue_certificate(test_authority(), {.common_name = name, .dns_names = {name}, .ip_addresses = {}});
  };
  KeyPair current = make("localhost");
  ServerOptions options;
  options.tls.certificate_source = [&] {
    const std::lock_guard lock(mutex);
    return current;
  };
  auto server = run_server(options, ok);
  server.scheme = "https";
  auto asks = [&](const std::string& name) {
    auto wanted = trusting_options();
    wanted.tls.server_name = name;
    return transport_to(server.url(), wanted)->request({.method = "GET", .target = "/"}, {}).ok();
  };
  EXPECT_TRUE(asks("localhost"));
  EXPECT_FALSE(asks("renewed"));
  {
    const std::lock_guard lock(mutex);
    current = {"broken", "broken"};
  }
  EXPECT_TRUE(asks("localhost")) << "the last good one stays";
  {
    const std::lock_guard lock(mutex);
    current = make("renewed");
  }
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (!asks("renewed") && std::chrono::steady_clock::now() < until) wait_for({}, 50ms);
  EXPECT_TRUE(asks("renewed"));
}

TEST(AbuseHeaders, NothingIsDecodedOrShadowed) {
  const auto server = run_server([](const ServerRequest& request) {
    return ServerResponse::text(200, request.peer_address + "|" + request.headers.get("X").value_or("") + "|" +
                                         request.headers.get("REMOTE_ADDR").value_or(""));
  });
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\nREMOTE_ADDR: 6.6.6.6\r\nX: a%0d%0aY: b\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.read_all(), HasSubstr("\r\n\r\n127.0.0.1|a%0d%0aY: b|6.6.6.6"));
}

TEST(AbuseSigpipe, WritingToClosedConnectionsKillsNobody) {
  // The default action of SIGPIPE would end this process.
  const auto previous = std::signal(SIGPIPE, SIG_DFL);
  for (const bool tls : {false, true}) {
    ServerOptions options;
    if (tls) options.tls = localhost_tls();
    std::atomic<int> ended{0};
    const auto server = run_server(options, [&](const ServerRequest&) {
      ServerResponse response;
      response.stream = [&](ResponseStream& stream) {
        while (stream.write(std::string(10000, 'x'))) {
        }
        ++ended;
      };
      return response;
    });
    const auto transport = transport_to(server.url(), trusting_options());
    for (int i = 0; i < 10; ++i) {
      StreamHandler handler;
      handler.on_data = [](std::string_view) { return false; };
      EXPECT_EQ(transport->stream({.target = "/"}, {}, handler).error().code, ErrorCode::kCanceled);
    }
    EXPECT_TRUE(server.server->stop(20s));
    EXPECT_EQ(ended, 10);
  }
  std::signal(SIGPIPE, previous);
}

}  // namespace
}  // namespace fracta::net
