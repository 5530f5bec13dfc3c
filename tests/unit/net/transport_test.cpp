// The transport against servers that misbehave.
#include "fracta/net/transport.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <random>

#include "fracta/base/stop.hpp"
#include "fracta/net/lines.hpp"
#include "unit/net/helpers.hpp"

namespace fracta::net {
namespace {

using testing::ScriptedServer;
using testing::transport_to;
using namespace std::chrono_literals;

Request get(const std::string& target = "/") {
  Request request;
  request.target = target;
  return request;
}

// Answers every request of a connection with the same bytes.
ScriptedServer::Script answering(std::string bytes) {
  return [bytes = std::move(bytes)](int fd, int) {
    while (!ScriptedServer::read_head(fd).empty() && ScriptedServer::send(fd, bytes)) {
    }
  };
}

struct Streamed {
  Result<void> result;
  std::string body;
  int status = 0;
};

Streamed stream(Transport& transport, const StreamOptions& options = {}) {
  std::string body;
  int status = 0;
  StreamHandler handler;
  handler.on_head = [&](const Response& head) {
    status = head.status;
    return true;
  };
  handler.on_data = [&](std::string_view bytes) {
    body.append(bytes);
    return true;
  };
  auto result = transport.stream(get("/watch"), options, handler);
  return {std::move(result), body, status};
}

const std::string kChunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST(Transport, AnyStatusIsASuccessAndConnectionsAreKept) {
  ScriptedServer server(answering("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nX-A: b\r\n\r\nno"));
  const auto transport = transport_to(server.url());
  for (int i = 0; i < 10; ++i) {
    const auto response = transport->request(get(), {});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 404);
    EXPECT_EQ(response->body, "no");
    EXPECT_EQ(response->headers.get("x-a"), "b");
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(Transport, RequestsLookAsTheyShould) {
  std::promise<std::string> seen;
  ScriptedServer server([&](int fd, int) {
    std::string head = ScriptedServer::read_head(fd);
    seen.set_value(head);
    ScriptedServer::send(fd, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  });
  auto url = server.url();
  url.path = "/k8s/c-1";
  Request request;
  request.method = "PATCH";
  request.target = "/api/v1/x%2Fy?labelSelector=a%3Db%2Cc";
  request.headers.add("Content-Type", "application/merge-patch+json");
  request.headers.add("Authorization", "Bearer " + std::string(4000, 't'));
  request.body = "{}";
  ASSERT_TRUE(transport_to(url)->request(request, {}));
  const auto head = seen.get_future().get();
  EXPECT_THAT(head, ::testing::StartsWith("PATCH /k8s/c-1/api/v1/x%2Fy?labelSelector=a%3Db%2Cc HTTP/1.1\r\n"));
  EXPECT_THAT(head, ::testing::HasSubstr("\r\nHost: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"));
  EXPECT_THAT(head, ::testing::HasSubstr("\r\nContent-Type: application/merge-patch+json\r\n"));
  EXPECT_THAT(head, ::testing::HasSubstr("\r\nContent-Length: 2\r\n"));
  EXPECT_THAT(head, ::testing::HasSubstr("\r\nUser-Agent: fracta/"));
  EXPECT_THAT(head, ::testing::Not(::testing::HasSubstr("Accept-Encoding")));
}

TEST(Transport, RefusesInjection) {
  const auto transport = transport_to(*parse_url("http://127.0.0.1:1"));
  const std::vector<Request> bad = {
      {"GET", "/a b", {}, ""},
      {"GET", "/a\r\nX: y", {}, ""},
      {"GET", "relative", {}, ""},
      {"GET", "", {}, ""},
      {"GE T", "/", {}, ""},
      {"GET", "/", {{"Authorization", "Bearer x\r\nX-Evil: 1"}}, ""},
      {"GET", "/", {{"Authorization", "Bearer x\n"}}, ""},
      {"GET", "/", {{"Bad Name", "x"}}, ""},
      {"GET", "/", {{"Transfer-Encoding", "chunked"}}, ""},
      {"GET", "/", {{"content-length", "5"}}, ""},
  };
  for (const auto& request : bad) {
    const auto response = transport->request(request, {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::kInvalid) << request.target;
    EXPECT_EQ(response.error().message.find("Bearer"), std::string::npos);
  }
}

TEST(Transport, HeaderValuesAreNotDecoded) {
  ScriptedServer server(answering("HTTP/1.1 200 OK\r\nWarning: a%0d%0aX: y\r\nContent-Length: 0\r\n\r\n"));
  const auto response = transport_to(server.url())->request(get(), {});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->headers.get("Warning"), "a%0d%0aX: y");
}

TEST(Transport, BodilessAnswers) {
  for (const std::string status : {"204 No Content", "304 Not Modified"}) {
    ScriptedServer server(answering("HTTP/1.1 " + status + "\r\n\r\n"));
    const auto response = transport_to(server.url())->request(get(), {.timeout = 10s});
    ASSERT_TRUE(response) << status << response.error().message;
    EXPECT_EQ(response->body, "");
  }
  ScriptedServer server(answering("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"));
  const auto transport = transport_to(server.url());
  Request head = get();
  head.method = "HEAD";
  for (int i = 0; i < 3; ++i) {
    const auto response = transport->request(head, {});
    ASSERT_TRUE(response);
    EXPECT_EQ(response->headers.get("Content-Length"), "5000");
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(Transport, InterimContinueIsSkipped) {
  ScriptedServer server(answering("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  const auto response = transport_to(server.url())->request(get(), {});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "ok");
}

TEST(Transport, RedirectsAreNotFollowed) {
  ScriptedServer other(answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  ScriptedServer server(answering("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:" + std::to_string(other.port()) +
                                  "/\r\nContent-Length: 0\r\n\r\n"));
  Request request = get();
  request.headers.add("Authorization", "Bearer secret");
  const auto response = transport_to(server.url())->request(request, {});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(other.connections(), 0);
}

TEST(Transport, ChunksSplitAndMergedGiveTheSameLines) {
  ScriptedServer server([](int fd, int) {
    ScriptedServer::read_head(fd);
    // Byte by byte first, then several chunks in one segment.
    for (const char c : kChunkedHead + "5\r\nab\ncd\r\n") ScriptedServer::send(fd, std::string_view(&c, 1));
    ScriptedServer::send(fd, "1\r\n\n\r\n4\r\ne\nf\n\r\n0\r\n\r\n");
  });
  std::vector<std::string> lines;
  LineReader reader([&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  });
  StreamHandler handler;
  handler.on_data = [&](std::string_view bytes) { return reader.feed(bytes); };
  const auto result = transport_to(server.url())->stream(get(), {}, handler);
  EXPECT_TRUE(result) << result.error().message;
  EXPECT_THAT(lines, ::testing::ElementsAre("ab", "cd", "e", "f"));
}

TEST(Transport, EndsThatAreNoEnds) {
  const std::vector<std::pair<std::string, std::string>> answers = {
      {"no last chunk", kChunkedHead + "3\r\nabc\r\n"},
      {"half a chunk", kChunkedHead + "ff\r\nabc"},
      {"bad chunk size", kChunkedHead + "zz\r\nabc\r\n0\r\n\r\n"},
      {"short body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"},
      {"half a head", "HTTP/1.1 200 OK\r\nContent-Le"},
      {"no answer", ""},
      {"no HTTP", "SSH-2.0-OpenSSH\r\n\r\n"},
      {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"},
      {"length and chunks",
       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"},
  };
  for (const auto& [name, bytes] : answers) {
    ScriptedServer server([&bytes = bytes](int fd, int) {
      ScriptedServer::read_head(fd);
      ScriptedServer::send(fd, bytes);
    });
    const auto streamed = stream(*transport_to(server.url()));
    ASSERT_FALSE(streamed.result) << name;
    EXPECT_EQ(streamed.result.error().code, ErrorCode::kUnavailable) << name << ": " << streamed.result.error().message;
  }
}

TEST(Transport, ResetIsUnavailable) {
  ScriptedServer server([](int fd, int) {
    ScriptedServer::read_head(fd);
    ScriptedServer::send(fd, kChunkedHead + "3\r\nabc\r\n");
    ScriptedServer::reset(fd);
  });
  const auto streamed = stream(*transport_to(server.url()));
  ASSERT_FALSE(streamed.result);
  EXPECT_EQ(streamed.result.error().code, ErrorCode::kUnavailable);
}

TEST(Transport, RefusedConnectionNamesThePeer) {
  int port = 0;
  {
    port = ScriptedServer([](int, int) {}).port();
  }
  const auto response = transport_to(*parse_url("http://127.0.0.1:" + std::to_string(port)))->request(get(), {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(response.error().message, ::testing::HasSubstr("127.0.0.1:" + std::to_string(port)));
}

TEST(Transport, SilenceEndsInDeadlineExceeded) {
  ScriptedServer silent([](int fd, int) { ScriptedServer::wait_for_end(fd); });
  auto response = transport_to(silent.url())->request(get(), {.timeout = 60ms});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(stream(*transport_to(silent.url()), {.head_timeout = 60ms}).result.error().code,
            ErrorCode::kDeadlineExceeded);

  ScriptedServer idle([](int fd, int) {
    ScriptedServer::read_head(fd);
    ScriptedServer::send(fd, kChunkedHead + "3\r\nabc\r\n");
    ScriptedServer::wait_for_end(fd);
  });
  const auto streamed = stream(*transport_to(idle.url()), {.idle_timeout = 60ms});
  EXPECT_EQ(streamed.body, "abc");
  ASSERT_FALSE(streamed.result);
  EXPECT_EQ(streamed.result.error().code, ErrorCode::kDeadlineExceeded);
}

TEST(Transport, TimeoutIsForTheWholeCallEvenWhenBytesKeepComing) {
  ScriptedServer dripping([](int fd, int) {
    ScriptedServer::read_head(fd);
    ScriptedServer::send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    while (ScriptedServer::send(fd, "x")) wait_for({}, 5ms);
  });
  const auto response = transport_to(dripping.url())->request(get(), {.timeout = 100ms});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kDeadlineExceeded);
}

TEST(Transport, AnswersAreBounded) {
  const std::string flood = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
  std::string many = flood;
  for (int i = 0; i < 5000; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  const std::vector<std::string> answers = {
      "HTTP/1.1 200 OK\r\nContent-Length: 300000000\r\n\r\n" + std::string(100000, 'x'),
      kChunkedHead + "186a0\r\n" + std::string(100000, 'x') + "\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\r\n" + std::string(100000, 'x'),
      many + "\r\n",
  };
  for (const auto& bytes : answers) {
    ScriptedServer server(answering(bytes));
    const auto response = transport_to(server.url())->request(get(), {.max_response_bytes = 50000});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::kResourceExhausted) << response.error().message;
  }
  // One endless header line.
  ScriptedServer endless([&](int fd, int) {
    ScriptedServer::read_head(fd);
    ScriptedServer::send(fd, flood + "X: ");
    while (ScriptedServer::send(fd, std::string(65536, 'y'))) {
    }
  });
  EXPECT_FALSE(transport_to(endless.url())->request(get(), {}).ok());
}

TEST(Transport, GzipIsNotInflated) {
  ScriptedServer server(answering("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"));
  const auto response = transport_to(server.url())->request(get(), {});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "abcd");
}

TEST(Transport, ReceiverEndsTheStream) {
  ScriptedServer server([](int fd, int) {
    ScriptedServer::read_head(fd);
    ScriptedServer::send(fd, kChunkedHead);
    while (ScriptedServer::send(fd, "3\r\nabc\r\n")) {
    }
  });
  const auto transport = transport_to(server.url());
  StreamHandler on_data;
  on_data.on_data = [](std::string_view) { return false; };
  EXPECT_EQ(transport->stream(get(), {}, on_data).error().code, ErrorCode::kCanceled);
  StreamHandler on_head;
  on_head.on_head = [](const Response&) { return false; };
  EXPECT_EQ(transport->stream(get(), {}, on_head).error().code, ErrorCode::kCanceled);
}

// The server answers once on each connection and closes it, always just before the next request is written.
TEST(Transport, StaleConnectionsAreReplaced) {
  ScriptedServer server([](int fd, int) {
    ScriptedServer::read_head(fd);
    ScriptedServer::send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  const auto transport = transport_to(server.url());
  for (int i = 0; i < 200; ++i) {
    const auto response = transport->request(get(), {});
    ASSERT_TRUE(response) << i << ": " << response.error().message;
  }
}

TEST(Transport, OnlySafeRequestsAreSentAgain) {
  for (const std::string method : {"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH"}) {
    // The first connection answers once, reads the second request and dies; later ones answer.
    ScriptedServer server([](int fd, int number) {
      ScriptedServer::read_head(fd);
      ScriptedServer::send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      if (!ScriptedServer::read_head(fd).empty() && number > 0) ScriptedServer::send(fd, "HTTP/1.1 200 OK\r\n\r\n");
    });
    const auto transport = transport_to(server.url());
    ASSERT_TRUE(transport->request(get(), {}));
    Request second = get();
    second.method = method;
    const auto response = transport->request(second, {});
    const bool safe = method == "GET" || method == "HEAD";
    EXPECT_EQ(response.ok(), safe) << method;
    if (!safe) {
      EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
    }
    EXPECT_EQ(server.connections(), safe ? 2 : 1) << method;
  }
}

TEST(Transport, ConnectionCloseAndSurplusBytesEndReuse) {
  for (const std::string answer : {"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n",
                                   "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
                                   "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 smuggled\r\n\r\n"}) {
    ScriptedServer server(answering(answer));
    const auto transport = transport_to(server.url());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(transport->request(get(), {})->status, 200);
    EXPECT_EQ(server.connections(), 3) << answer;
  }
}

TEST(Transport, ParallelCallsDoNotWaitForEachOther) {
  std::mutex mutex;
  std::condition_variable both;
  int waiting = 0;
  ScriptedServer server([&](int fd, int) {
    ScriptedServer::read_head(fd);
    std::unique_lock lock(mutex);
    ++waiting;
    both.notify_all();
    both.wait(lock, [&] { return waiting == 8; });  // answers only when all eight are here
    lock.unlock();
    ScriptedServer::send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  const auto transport = transport_to(server.url());
  std::vector<std::jthread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { good += transport->request(get(), {}).ok() ? 1 : 0; });
  threads.clear();
  EXPECT_EQ(good, 8);
}

TEST(Transport, CancelAtAnyMoment) {
  ScriptedServer server([](int fd, int) {
    ScriptedServer::read_head(fd);
    ScriptedServer::send(fd, kChunkedHead);
    ScriptedServer::send(fd, "3\r\nabc\r\n");
    ScriptedServer::wait_for_end(fd);
  });
  std::mt19937 random(7);
  for (int i = 0; i < 100; ++i) {
    const auto transport = transport_to(server.url());
    std::stop_source stop;
    std::promise<ErrorCode> ended;
    std::jthread caller([&] {
      const auto streamed = stream(*transport, {.head_timeout = 1h, .idle_timeout = 1h, .stop = stop.get_token()});
      ended.set_value(streamed.result ? ErrorCode::kInternal : streamed.result.error().code);
    });
    wait_for({}, std::chrono::microseconds(std::uniform_int_distribution<int>(0, 5000)(random)));
    stop.request_stop();
    auto future = ended.get_future();
    ASSERT_EQ(future.wait_for(20s), std::future_status::ready) << i;
    EXPECT_EQ(future.get(), ErrorCode::kCanceled) << i;
  }
}

TEST(Transport, StoppedBeforeItStarts) {
  ScriptedServer server(answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  std::stop_source stop;
  stop.request_stop();
  CallOptions options;
  options.stop = stop.get_token();
  EXPECT_EQ(transport_to(server.url())->request(get(), options).error().code, ErrorCode::kCanceled);
  EXPECT_EQ(server.connections(), 0);
}

TEST(Transport, UnknownHostIsUnavailable) {
  const auto response = transport_to(*parse_url("http://does-not-exist.invalid"))->request(get(), {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(response.error().message, ::testing::HasSubstr("does-not-exist.invalid"));
}

}  // namespace
}  // namespace fracta::net
