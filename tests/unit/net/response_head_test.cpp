#include "net/response_head.hpp"

#include <gtest/gtest.h>

namespace fracta::net {
namespace {

TEST(ResponseHead, KeepsOrderAndText) {
  const auto head =
      parse_response_head("HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\nWarning: a%0d\r\nwarning:b\r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 429);
  EXPECT_TRUE(head->keep_alive);
  ASSERT_EQ(head->headers.entries().size(), 3U);
  EXPECT_EQ(head->headers.get("RETRY-AFTER"), "3");
  EXPECT_EQ(head->headers.get("Warning"), "a%0d");
}

TEST(ResponseHead, KeepAlive) {
  EXPECT_FALSE(parse_response_head("HTTP/1.0 200 OK\r\n\r\n")->keep_alive);
  EXPECT_FALSE(parse_response_head("HTTP/1.1 200 OK\r\nConnection: x, Close\r\n\r\n")->keep_alive);
  EXPECT_TRUE(parse_response_head("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n")->keep_alive);
}

TEST(ResponseHead, Malformed) {
  for (const std::string text : {
           "",
           "\r\n\r\n",
           "HTTP/1.1\r\n\r\n",
           "HTTP/1.1 2xx OK\r\n\r\n",
           "HTTP/1.1 999 Strange\r\n\r\n",
           "HTTP/2 200\r\n\r\n",
           "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
           "HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX: a\x01\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
       }) {
    EXPECT_FALSE(parse_response_head(text)) << text;
  }
}

}  // namespace
}  // namespace fracta::net
