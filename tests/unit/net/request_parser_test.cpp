#include "net/request_parser.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace fracta::net {
namespace {

using State = RequestParser::State;

RequestLimits small_limits() {
  RequestLimits limits;
  limits.max_head_bytes = 1024;
  limits.max_headers = 8;
  limits.max_body_bytes = 64;
  limits.max_target_bytes = 128;
  return limits;
}

// The status a request is refused with, or 0 when it is complete, or -1 when more is needed.
int verdict(std::string bytes) {
  RequestParser parser(small_limits());
  const auto state = parser.advance(bytes);
  if (state == State::kFailed) return parser.error_status();
  return state == State::kDone ? 0 : -1;
}

// fmt instead of +: g++ 12 at -O1 with -fsanitize=thread sees overflows in chains of it that are not there.
std::string get(const std::string& headers, const std::string& target = "/") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: h\r\n{}\r\n", target, headers);
}
std::string post(const std::string& headers, const std::string& body = "") {
  return fmt::format("POST / HTTP/1.1\r\nHost: h\r\n{}\r\n{}", headers, body);
}

struct Case {
  std::string bytes;
  int expected;
};

TEST(RequestParser, Table) {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::vector<Case> cases = {
      {get(""), 0},
      {std::string("\r\n") + get(""), 0},
      {std::string("\r\n\r\n\r\n\r\n\r\n\r\n") + get(""), 400},
      {"GET / HTTP/1.0\r\n\r\n", 0},
      {"GET / HTTP/1.1\r\n\r\n", 400},  // no Host
      {get("Host: other\r\n"), 400},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"GET /\r\n\r\n", 400},
      {"GET / FTP/1.1\r\n\r\n", 400},
      {"G(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {fmt::format("{} / HTTP/1.1\r\nHost: h\r\n\r\n", std::string(40, 'G')), 400},
      {"\x16\x03\x01\x02\x01\x01\r\n", 400},  // TLS on a plain port
      {"GET / HTTP/1.1\nHost: h\n\n", 400},   // bare LF
      {get("", "/a b"), 400},
      {get("", "/a\tb"), 400},
      {get("", std::string("/a\0b", 4)), 400},
      {get("", "/%00"), 400},
      {get("", "/%zz"), 400},
      {get("", "no-slash"), 400},
      {get("", "http://other/path"), 0},
      {get("", "*"), 0},
      {get("", std::string("/") + std::string(200, 'x')), 414},
      {std::string("GET /") + std::string(5000, 'x'), 414},  // endless request line
      {get("X: a\x01\r\n"), 400},
      {get("X: a\rb\r\n"), 400},
      {get("X: tab\tok\r\n"), 0},
      {get("X: \xC3\xA4\r\n"), 0},
      {get("X : a\r\n"), 400},  // space before the colon
      {get(" folded: a\r\n"), 400},
      {get("no colon\r\n"), 400},
      {get(": empty\r\n"), 400},
      {get(fmt::format("X: {}\r\n", std::string(2000, 'y'))), 431},
      {std::string("GET / HTTP/1.1\r\nX: ") + std::string(2000, 'y'), 431},  // endless header line
      {get("A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\nF: 1\r\nG: 1\r\nH: 1\r\nI: 1\r\n"), 431},
      {get("Expect: a-miracle\r\n"), 417},
      {post(""), 411},
      {post("Content-Length: 0\r\n"), 0},
      {post("Content-Length: 3\r\n", "abc"), 0},
      {post("Content-Length: 3\r\n", "ab"), -1},
      {post("Content-Length: 65\r\n"), 413},
      {post("Content-Length: 99999999999999999999\r\n"), 400},
      {post("Content-Length: -1\r\n"), 400},
      {post("Content-Length: +1\r\n"), 400},
      {post("Content-Length: 0x3\r\n"), 400},
      {post("Content-Length: 3, 3\r\n", "abc"), 400},
      {post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400},
      {post("Content-Length: 3\r\n" + chunked, "abc"), 400},
      {post(chunked + chunked), 400},
      {post("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {fmt::format("POST / HTTP/1.0\r\n{}\r\n0\r\n\r\n", chunked), 400},
      {post("Content-Encoding: gzip\r\nContent-Length: 3\r\n", "abc"), 415},
      {post("Content-Encoding: identity\r\nContent-Length: 3\r\n", "abc"), 0},
      {post(chunked, "3\r\nabc\r\n0\r\n\r\n"), 0},
      {post(chunked, "3;name=value\r\nabc\r\n0\r\nTrailer: x\r\n\r\n"), 0},
      {post(chunked, "41\r\n"), 413},
      {post(chunked, fmt::format("40\r\n{}\r\n1\r\n", std::string(64, 'x'))), 413},
      {post(chunked, "-2\r\n"), 400},
      {post(chunked, "\r\n"), 400},
      {post(chunked, "ffffffffffffffff1\r\n"), 400},
      {post(chunked, "3\r\nabcd\r\n"), 400},
      {post(chunked, std::string("3;") + std::string(1000, 'x')), 400},
      {post(chunked, std::string("0\r\n") + std::string(2000, 'x')), 400},
      {"DELETE / HTTP/1.1\r\nHost: h\r\n\r\n", 0},
  };
  for (const auto& c : cases) EXPECT_EQ(verdict(c.bytes), c.expected) << c.bytes.substr(0, 120);
}

TEST(RequestParser, EverySplitGivesTheSameRequest) {
  const std::string text =
      "POST /a%2Fb/c?x=%31&y HTTP/1.1\r\nHost: h\r\nX-Token: a%0d%0aB\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4\r\nwiki\r\n6;e\r\npedia \r\n0\r\nT: 1\r\n\r\nGET /next";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    RequestParser parser(small_limits());
    std::string buffer = text.substr(0, cut);
    parser.advance(buffer);
    buffer += text.substr(cut);
    ASSERT_EQ(parser.advance(buffer), State::kDone) << cut;
    const auto& request = parser.request();
    EXPECT_EQ(request.body, "wikipedia ");
    EXPECT_EQ(request.path, "/a/b/c");
    EXPECT_EQ(request.segments, (std::vector<std::string>{"a/b", "c"}));
    EXPECT_EQ(request.query_parameter("x"), "1");
    EXPECT_EQ(request.headers.get("x-token"), "a%0d%0aB");  // as sent, not decoded
    EXPECT_EQ(buffer, "GET /next");
  }
}

TEST(RequestParser, ByteByByte) {
  const std::string text = post("Content-Length: 5\r\n", "hello");
  RequestParser parser(small_limits());
  std::string buffer;
  for (std::size_t i = 0; i < text.size(); ++i) {
    ASSERT_NE(parser.state(), State::kDone) << i;
    buffer += text[i];
    parser.advance(buffer);
  }
  EXPECT_EQ(parser.state(), State::kDone);
  EXPECT_EQ(parser.request().body, "hello");
}

TEST(RequestParser, KeepAlive) {
  const auto keeps = [](std::string bytes) {
    RequestParser parser(small_limits());
    EXPECT_EQ(parser.advance(bytes), State::kDone);
    return parser.keep_alive();
  };
  EXPECT_TRUE(keeps(get("")));
  EXPECT_FALSE(keeps(get("Connection: close\r\n")));
  EXPECT_FALSE(keeps(get("Connection: Upgrade, Close\r\n")));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(RequestParser, ContinueIsAskedForOnceAndOnlyWhenTheBodyIsMissing) {
  RequestParser parser(small_limits());
  std::string buffer = post("Content-Length: 2\r\nExpect: 100-continue\r\n");
  parser.advance(buffer);
  EXPECT_TRUE(parser.take_continue());
  EXPECT_FALSE(parser.take_continue());
  RequestParser eager(small_limits());
  buffer = post("Content-Length: 2\r\nExpect: 100-continue\r\n", "a");
  eager.advance(buffer);
  EXPECT_FALSE(eager.take_continue());
}

}  // namespace
}  // namespace fracta::net
