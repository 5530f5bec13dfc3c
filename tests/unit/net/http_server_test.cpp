// The server as an ordinary client sees it.
#include "fracta/net/http_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <condition_variable>
#include <future>

#include "fracta/base/file.hpp"
#include "fracta/base/stop.hpp"
#include "unit/net/helpers.hpp"

namespace fracta::net {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

ServerResponse describe(const ServerRequest& request) {
  return ServerResponse::text(
      200, request.method + " " + request.path + " " + request.peer_address + " " + request.body + "\n");
}

std::string ask(int port, const std::string& request) {
  RawClient client(port);
  client.send(request);
  return client.read_all();
}

TEST(HttpServer, KeepAliveAndPipelining) {
  const auto server = run_server(describe);
  RawClient client(server.port());
  client.send(
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
      "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"
      "GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const auto text = client.read_all();
  EXPECT_THAT(text, HasSubstr("GET /1 127.0.0.1 \n"));
  EXPECT_THAT(text, HasSubstr("POST /2 127.0.0.1 body\n"));
  EXPECT_THAT(text, EndsWith("Connection: close\r\n\r\nGET /3 127.0.0.1 \n"));
}

TEST(HttpServer, Http10) {
  const auto server = run_server(describe);
  const auto text = ask(server.port(), "GET / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(text, ::testing::StartsWith("HTTP/1.0 200 OK\r\n"));
  EXPECT_THAT(text, HasSubstr("Connection: close\r\n"));
  RawClient keeping(server.port());
  for (int i = 0; i < 2; ++i) {
    keeping.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_THAT(keeping.read_until("/ 127.0.0.1 \n"), HasSubstr("Connection: keep-alive\r\n"));
  }
}

TEST(HttpServer, HeadHasTheLengthButNoBody) {
  const auto server = run_server(describe);
  const auto text = ask(server.port(), "HEAD /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(text, HasSubstr("Content-Length: 19\r\n"));
  EXPECT_THAT(text, EndsWith("\r\n\r\n"));
}

TEST(HttpServer, ExpectContinue) {
  const auto server = run_server(describe);
  RawClient client(server.port());
  client.send("POST /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ab");
  EXPECT_THAT(client.read_until("ab\n"), HasSubstr("POST /x 127.0.0.1 ab\n"));
  // A body that will not be taken is refused before it is sent.
  EXPECT_EQ(RawClient(server.port())
                .status_of("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"),
            413);
}

TEST(HttpServer, RefusedAnswersReachAClientThatKeepsSending) {
  ServerOptions options;
  options.max_body_bytes = 1000;
  const auto server = run_server(options, describe);
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\n");
  std::jthread sender([&] { client.send(std::string(5000000, 'x')); });
  EXPECT_THAT(client.read_until("\n\n", 10s), HasSubstr("HTTP/1.1 413 "));
}

TEST(HttpServer, ErrorsOfHandlers) {
  const auto server = run_server([](const ServerRequest& request) -> ServerResponse {
    if (request.path == "/int") throw 7;
    if (request.path == "/status") {
      ServerResponse response;
      response.status = 42;
      return response;
    }
    throw std::runtime_error("secret detail");
  });
  for (const std::string path : {"/", "/int", "/status"}) {
    const auto text = ask(server.port(), "GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(status_in(text), 500);
    EXPECT_THAT(text, Not(HasSubstr("secret")));
    EXPECT_THAT(text, Not(HasSubstr("EXCEPTION_WHAT")));
  }
}

TEST(HttpServer, HandlersCannotSplitAnswers) {
  const auto server = run_server([](const ServerRequest&) {
    auto response = ServerResponse::text(200, "ok");
    response.headers.add("X-Good", "1");
    response.headers.add("X-Bad", "a\r\nSet-Cookie: evil=1");
    response.headers.add("Bad Name", "1");
    response.headers.add("Content-Length", "9999");
    response.headers.add("Transfer-Encoding", "chunked");
    return response;
  });
  const auto text = ask(server.port(), "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(text, HasSubstr("X-Good: 1\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("evil")));
  EXPECT_THAT(text, Not(HasSubstr("Bad Name")));
  EXPECT_THAT(text, HasSubstr("Content-Length: 2\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("Transfer-Encoding")));
}

TEST(HttpServer, StreamsChunksAndKeepsTheConnection) {
  const auto server = run_server([](const ServerRequest& request) {
    ServerResponse response;
    // By reference: the request lives as long as the stream.
    response.stream = [&request](ResponseStream& stream) {
      stream.write("hello ");
      stream.write("");
      stream.write(request.path);
    };
    return response;
  });
  RawClient client(server.port());
  for (int i = 0; i < 2; ++i) {
    client.send("GET /abc HTTP/1.1\r\nHost: h\r\n\r\n");
    const auto text = client.read_until("0\r\n\r\n");
    EXPECT_THAT(text, HasSubstr("Transfer-Encoding: chunked\r\n"));
    EXPECT_THAT(text, EndsWith("\r\n\r\n6\r\nhello \r\n4\r\n/abc\r\n0\r\n\r\n"));
  }
  EXPECT_THAT(ask(server.port(), "GET /abc HTTP/1.0\r\n\r\n"), EndsWith("\r\n\r\nhello /abc"));
}

TEST(HttpServer, AnExceptionCutsTheStreamShort) {
  const auto server = run_server([](const ServerRequest&) {
    ServerResponse response;
    response.stream = [](ResponseStream& stream) {
      stream.write("part");
      throw std::runtime_error("secret detail");
    };
    return response;
  });
  const auto text = ask(server.port(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(text, EndsWith("4\r\npart\r\n"));  // no last chunk: the client sees that it is incomplete
  EXPECT_THAT(text, Not(HasSubstr("secret")));
}

TEST(HttpServer, StreamStopsWhenTheClientLeaves) {
  std::promise<bool> stopped;
  const auto server = run_server([&](const ServerRequest&) {
    ServerResponse response;
    response.stream = [&](ResponseStream& stream) {
      stream.write("hello");
      stopped.set_value(!wait_for(stream.stop(), 30s));
    };
    return response;
  });
  {
    RawClient client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    client.read_until("hello");
  }
  auto future = stopped.get_future();
  ASSERT_EQ(future.wait_for(20s), std::future_status::ready);
  EXPECT_TRUE(future.get());
}

TEST(HttpServer, AClientThatDoesNotReadIsDropped) {
  std::promise<bool> refused;
  ServerOptions options;
  options.write_timeout = 100ms;
  const auto server = run_server(options, [&](const ServerRequest& request) {
    if (request.path == "/large") return ServerResponse::text(200, std::string(64u << 20, 'x'));
    ServerResponse response;
    response.stream = [&](ResponseStream& stream) {
      while (stream.write(std::string(1u << 20, 'x'))) {
      }
      refused.set_value(true);
    };
    return response;
  });
  RawClient streaming(server.port());
  streaming.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(refused.get_future().wait_for(20s), std::future_status::ready);
  // An ordinary answer: the connection ends although half of it was never taken.
  RawClient plain(server.port());
  plain.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
  plain.read_until("\r\n\r\n");
  EXPECT_TRUE(server.server->stop(20s));
}

TEST(HttpServer, StreamsAreBounded) {
  std::atomic<int> running{0};
  ServerOptions options;
  options.max_streams = 2;
  const auto server = run_server(options, [&](const ServerRequest& request) {
    if (request.path == "/plain") return ServerResponse::text(200, "ok");
    ServerResponse response;
    response.stream = [&](ResponseStream& stream) {
      ++running;
      stream.write("on");
      wait_for(stream.stop(), 30s);
    };
    return response;
  });
  const std::string request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  RawClient first(server.port());
  RawClient second(server.port());
  first.send(request);
  second.send(request);
  first.read_until("on");
  second.read_until("on");
  RawClient third(server.port());
  EXPECT_EQ(third.status_of(request), 503);
  EXPECT_EQ(third.status_of("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n"), 200);
  EXPECT_EQ(running, 2);
}

TEST(HttpServer, Upgrade) {
  const auto server = run_server([](const ServerRequest& request) {
    ServerResponse response;
    response.status = 101;
    response.headers.add("Connection", "Upgrade");
    response.headers.add("Upgrade", request.headers.get("Upgrade").value_or(""));
    response.upgrade = [](RawConnection& raw) {
      std::array<char, 64> buffer{};
      while (true) {
        const auto got = raw.read(buffer.data(), buffer.size(), 30s);
        if (got <= 0) return;
        if (!raw.write("<" + std::string(buffer.data(), static_cast<std::size_t>(got)) + ">")) return;
      }
    };
    return response;
  });
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly");
  const auto head = client.read_until("<early>");
  EXPECT_THAT(head, ::testing::StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_THAT(head, HasSubstr("Upgrade: echo\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Content-Length")));
  client.send("later");
  EXPECT_EQ(client.read_until("<later>"), "<later>");
  EXPECT_TRUE(server.server->stop(10s));  // a waiting read() ends, too
  EXPECT_EQ(client.read_all(), "");
}

TEST(HttpServer, UpgradeReadTimesOut) {
  std::promise<std::ptrdiff_t> result;
  const auto server = run_server([&](const ServerRequest&) {
    ServerResponse response;
    response.status = 101;
    response.upgrade = [&](RawConnection& raw) {
      char byte = 0;
      result.set_value(raw.read(&byte, 1, 20ms));
    };
    return response;
  });
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
  EXPECT_EQ(result.get_future().get(), -2);
}

TEST(HttpServer, APortIsNeverShared) {
  const auto server = run_server(describe);
  ServerOptions options;
  options.port = server.port();
  const auto second = HttpServer::create(options, describe);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kAlreadyExists);
  EXPECT_THAT(second.error().message, HasSubstr("127.0.0.1:" + std::to_string(server.port())));
}

TEST(HttpServer, BadSettingsAreInvalid) {
  ServerOptions no_certificate;
  no_certificate.tls.certificate_pem = "nonsense";
  EXPECT_EQ(HttpServer::create(no_certificate, describe).error().code, ErrorCode::kInvalid);
  ServerOptions no_address;
  no_address.host = "192.0.2.1";  // TEST-NET, not ours
  EXPECT_EQ(HttpServer::create(no_address, describe).error().code, ErrorCode::kInvalid);
}

TEST(HttpServer, Ipv6) {
  ServerOptions options;
  options.host = "::1";
  auto created = HttpServer::create(options, describe);
  if (!created) GTEST_SKIP() << created.error().message;
  (*created)->start();
  EXPECT_EQ((*created)->address(), "[::1]:" + std::to_string((*created)->port()));
  const auto response = transport_to(*parse_url("http://" + (*created)->address()))->request({.target = "/six"}, {});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "GET /six ::1 \n");
}

TEST(HttpServer, UnixSocket) {
  const auto directory = TemporaryDirectory::create();
  ASSERT_TRUE(directory);
  ServerOptions options;
  options.unix_socket = *directory / "s.sock";
  TransportOptions client;
  client.unix_socket = options.unix_socket;
  const auto url = *parse_url("http://localhost");
  for (int round = 0; round < 2; ++round) {
    const auto server = run_server(options, describe);
    struct stat info {};
    ASSERT_EQ(::stat(options.unix_socket.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    const auto response = transport_to(url, client)->request({.target = "/u"}, {});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, "GET /u unix \n");
    EXPECT_EQ(HttpServer::create(options, describe).error().code, ErrorCode::kAlreadyExists);
  }
  struct stat info {};
  EXPECT_NE(::stat(options.unix_socket.c_str(), &info), 0) << "the socket file must not stay behind";
}

TEST(HttpServer, CertificateFilesAreReloaded) {
  const auto directory = TemporaryDirectory::create();
  ASSERT_TRUE(directory);
  const auto other_authority = *make_certificate_authority("other");
  CertificateRequest request;
  request.ip_addresses = {"127.0.0.1"};
  const auto first = *issue_certificate(test_authority(), request);
  const auto second = *issue_certificate(other_authority, request);
  ServerOptions options;
  options.tls.certificate_file = *directory / "tls.crt";
  options.tls.key_file = *directory / "tls.key";
  ASSERT_TRUE(write_file_atomic(options.tls.certificate_file, first.certificate_pem));
  ASSERT_TRUE(write_file_atomic(options.tls.key_file, first.key_pem));
  const auto server = run_server(options, describe);
  const auto trusts = [&](const KeyPair& authority) {
    TransportOptions client;
    client.tls.ca_pem = authority.certificate_pem;
    return transport_to(server.url(), client)->request({.target = "/"}, {}).ok();
  };
  EXPECT_TRUE(trusts(test_authority()));
  // Half of a rotation: the old pair goes on serving.
  ASSERT_TRUE(write_file_atomic(options.tls.certificate_file, second.certificate_pem));
  EXPECT_TRUE(trusts(test_authority()));
  ASSERT_TRUE(write_file_atomic(options.tls.key_file, second.key_pem));
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!trusts(other_authority) && std::chrono::steady_clock::now() < deadline) wait_for({}, 20ms);
  EXPECT_TRUE(trusts(other_authority));
}

TEST(HttpServerStop, RunningHandlersEndInOrder) {
  std::promise<void> started;
  std::promise<void> release;
  auto may_end = release.get_future().share();
  const auto server = run_server([&, may_end](const ServerRequest&) {
    started.set_value();
    may_end.wait();
    return ServerResponse::text(200, "finished");
  });
  RawClient client(server.port());
  RawClient idle(server.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  started.get_future().wait();
  std::jthread stopper([&] { EXPECT_TRUE(server.server->stop(20s)); });
  EXPECT_EQ(idle.read_all(), "");  // idle connections go at once
  release.set_value();
  EXPECT_THAT(client.read_all(), EndsWith("finished"));
  stopper.join();
  const auto refused = transport_to(server.url())->request({.target = "/"}, {});
  EXPECT_FALSE(refused);
}

TEST(HttpServerStop, StreamsAreToldAndEndInOrder) {
  const auto server = run_server([](const ServerRequest&) {
    ServerResponse response;
    response.stream = [](ResponseStream& stream) {
      stream.write("on");
      wait_for(stream.stop(), 60s);
    };
    return response;
  });
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  client.read_until("on");
  EXPECT_TRUE(server.server->stop(20s));
  EXPECT_THAT(client.read_all(), EndsWith("0\r\n\r\n"));
}

TEST(HttpServerStop, AStuckHandlerDoesNotHoldItUp) {
  std::promise<void> started;
  std::promise<void> release;
  auto may_end = release.get_future().share();
  const auto server = run_server([&, may_end](const ServerRequest&) {
    started.set_value();
    may_end.wait();
    return ServerResponse::text(200, "too late");
  });
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  started.get_future().wait();
  EXPECT_FALSE(server.server->stop(50ms));
  EXPECT_EQ(client.read_all(), "");
  release.set_value();
}

TEST(HttpServerStop, BeforeStartAndTwice) {
  auto server = HttpServer::create({}, describe);
  ASSERT_TRUE(server);
  EXPECT_TRUE((*server)->stop(1s));
  EXPECT_TRUE((*server)->stop(1s));
  (*server)->start();
}

}  // namespace
}  // namespace fracta::net
