#include "fracta/net/http.hpp"

#include <gtest/gtest.h>

namespace fracta::net {
namespace {

struct UrlCase {
  std::string text;
  std::string canonical;  // empty: refused
};

TEST(ParseUrl, Table) {
  const std::vector<UrlCase> cases = {
      {"https://kubernetes.default.svc", "https://kubernetes.default.svc:443"},
      {"http://127.0.0.1", "http://127.0.0.1:80"},
      {"https://127.0.0.1:6443/", "https://127.0.0.1:6443"},
      {"HTTPS://Example.ORG:8443/Base/", "https://example.org:8443/Base"},
      {"https://[fd00::1]:6443", "https://[fd00::1]:6443"},
      {"https://[::1]", "https://[::1]:443"},
      {"https://[::1]/k8s/clusters/c-1", "https://[::1]:443/k8s/clusters/c-1"},
      {"http://h/p?a=b&c", "http://h:80/p?a=b&c"},
      {"http://h?x=1", "http://h:80?x=1"},
      {"http://under_score", "http://under_score:80"},
      {"", ""},
      {"127.0.0.1:6443", ""},
      {"ftp://h", ""},
      {"https://", ""},
      {"https:///path", ""},
      {"https://h:0", ""},
      {"https://h:65536", ""},
      {"https://h:", ""},
      {"https://h:12x", ""},
      {"https://h:-1", ""},
      {"https://user:secret@h", ""},
      {"https://h/#fragment", ""},
      {"https://h/a b", ""},
      {"https://h/a\r\nX: y", ""},
      {"https://[::1", ""},
      {"https://[::1]x", ""},
      {"https://[localhost]", ""},
      {"https://::1:443", ""},
      {std::string("https://h\0x", 11), ""},
      {"https://h!", ""},
  };
  for (const auto& c : cases) {
    const auto url = parse_url(c.text);
    EXPECT_EQ(url.ok() ? url->to_string() : "", c.canonical) << c.text;
  }
}

TEST(ParseUrl, KeepsIpv6WithoutBracketsInHost) {
  const auto url = parse_url("https://[fd00::1]:6443");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "fd00::1");
  EXPECT_EQ(url->port, 6443);
  EXPECT_EQ(url->authority(), "[fd00::1]:6443");
}

TEST(ParseUrl, NeverRepeatsAPassword) {
  const auto url = parse_url("https://user:hunter2@h/");
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().message.find("hunter2"), std::string::npos);
}

TEST(Query, DecodesAndKeepsOrder) {
  const auto query = parse_query("b=1&a=x%20y+z&flag&=v&b=%2F&bad=%zz&&");
  const QueryParameters expected = {{"b", "1"}, {"a", "x y z"}, {"flag", ""}, {"", "v"}, {"b", "/"}};
  EXPECT_EQ(query, expected);
}

TEST(Query, RoundTrip) {
  const QueryParameters parameters = {{"labelSelector", "app=fracta,x in (a,b)"}, {"limit", "500"}, {"e", ""}};
  EXPECT_EQ(encode_query(parameters), "labelSelector=app%3Dfracta%2Cx%20in%20%28a%2Cb%29&limit=500&e=");
  EXPECT_EQ(parse_query(encode_query(parameters)), parameters);
}

TEST(Headers, NamesCompareWithoutCaseAndRepeat) {
  Headers headers{{"Accept", "a"}, {"accept", "b"}};
  EXPECT_EQ(headers.get("ACCEPT"), "a");
  EXPECT_EQ(headers.entries().size(), 2U);
  headers.set("aCCept", "c");
  EXPECT_EQ(headers.entries().size(), 1U);
  EXPECT_EQ(headers.get("accept"), "c");
  EXPECT_FALSE(headers.has("X"));
}

TEST(StatusText, KnownAndUnknown) {
  EXPECT_EQ(status_text(404), "Not Found");
  EXPECT_EQ(status_text(799), "");
}

}  // namespace
}  // namespace fracta::net
