#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fracta/base/json.hpp"
#include "kube/list_reader.hpp"
#include "unit/kube/fake_transport.hpp"

namespace fracta::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string page(const std::vector<std::string>& names, const std::string& token = "",
                 const std::string& version = "7") {
  std::string out = R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":")" + version +
                    R"(","continue":")" + token + R"("},"items":[)";
  for (std::size_t i = 0; i < names.size(); ++i)
    out += (i ? "," : "") + std::string(R"({"metadata":{"name":")") + names[i] + R"("}})";
  return out + "]}";
}

struct Listed {
  std::vector<std::string> names;
  Result<std::string> version = std::string();
};

Listed list_all(FakeServer& server, ListOptions options = {}) {
  Listed out;
  if (!options.on_restart) options.on_restart = [&] { out.names.emplace_back("RESTART"); };
  out.version = server.client->list(
      kPods, "ns", options, [&](const Json& object) { out.names.push_back(string_at(object, "metadata/name")); });
  return out;
}

TEST(List, FollowsPagesWithoutNamingTheVersionAgain) {
  FakeServer server;
  server.transport->script({ok(page({"a", "b"}, "t/1")), ok(page({"c"}))});
  auto listed = list_all(server, {.label_selector = "app=fracta", .resource_version = "5", .limit = 2});
  ASSERT_TRUE(listed.version);
  EXPECT_EQ(*listed.version, "7");
  EXPECT_THAT(listed.names, ElementsAre("a", "b", "c"));
  EXPECT_EQ(server.requests().at(0).target,
            "/api/v1/namespaces/ns/pods?labelSelector=app%3Dfracta&limit=2&resourceVersion=5");
  EXPECT_EQ(server.requests().at(1).target,
            "/api/v1/namespaces/ns/pods?labelSelector=app%3Dfracta&limit=2&continue=t%2F1");
}

TEST(List, AnExpiredTokenStartsOverWithoutPages) {
  FakeServer server;
  server.transport->script({ok(page({"a"}, "t1")), status(410, "Expired", "too old"), ok(page({"a", "b"}, "", "9"))});
  auto listed = list_all(server, {.resource_version = "0"});
  ASSERT_TRUE(listed.version);
  EXPECT_EQ(*listed.version, "9");
  EXPECT_THAT(listed.names, ElementsAre("a", "RESTART", "a", "b"));
  EXPECT_EQ(server.requests().at(2).target, "/api/v1/namespaces/ns/pods?resourceVersion=0");
}

TEST(List, GoneOnTheFirstPageIsTheAnswer) {
  FakeServer server;
  server.transport->script({status(410, "Expired", "too old")});
  auto listed = list_all(server);
  ASSERT_FALSE(listed.version);
  EXPECT_EQ(listed.version.error().code, ErrorCode::kGone);
}

TEST(List, ABusyServerIsAskedAgain) {
  FakeServer server;
  server.transport->script({status(429, "TooManyRequests", "", {{"Retry-After", "1"}}), ok(page({"a"}))});
  EXPECT_THAT(list_all(server).names, ElementsAre("a"));
}

TEST(List, APageThatBreaksOffIsAnErrorAndNotAShortList) {
  FakeServer server;
  Answer broken = ok(page({"a", "b"}).substr(0, 110));
  broken.error = make_error(ErrorCode::kUnavailable, "reset");
  server.transport->script({broken, ok(page({"a"})), stream({page({"a"}).substr(0, 100)})});
  auto listed = list_all(server);
  ASSERT_FALSE(listed.version);
  EXPECT_EQ(listed.version.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(List, TheSamePageForEverEnds) {
  FakeServer server;
  server.transport->script(std::vector<Answer>(5, ok(page({"a"}, "same"))));
  EXPECT_THAT(list_all(server).version.error().message, HasSubstr("the same page for ever"));
}

TEST(List, EndsAtItsDeadlineAcrossPages) {
  FakeServer server;
  std::vector<Answer> pages;
  for (int i = 0; i < 10; ++i) {
    pages.push_back(ok(page({"a"}, "t" + std::to_string(i))));
    pages.back().takes = 8s;
  }
  server.transport->script(pages);
  auto listed = list_all(server);
  ASSERT_FALSE(listed.version);
  EXPECT_EQ(listed.version.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_LE(server.requests().size(), 5u);
}

// Every way of cutting the bytes gives the same items.
TEST(ListReader, CutsDoNotMatter) {
  const std::string text =
      " {\"kind\":\"L\", \"x\":{\"items\":[1,2]}, \"items\" : [ {\"a\":\"}]\\\"{\"} ,\n{\"items\":[{}]}, {} "
      "],\"metadata\":{\"resourceVersion\":\"3\"} }\n";
  for (std::size_t size : {1u, 2u, 3u, 7u, 1000u}) {
    std::vector<std::string> items;
    ListReader reader([&](const Json& item) { items.push_back(dump_json(item)); });
    for (std::size_t at = 0; at < text.size(); at += size)
      ASSERT_TRUE(reader.feed(std::string_view(text).substr(at, size)));
    auto envelope = reader.finish();
    ASSERT_TRUE(envelope) << envelope.error().message;
    EXPECT_THAT(items, ElementsAre(R"({"a":"}]\"{"})", R"({"items":[{}]})", "{}"));
    EXPECT_EQ(string_at(*envelope, "metadata/resourceVersion"), "3");
  }
}

TEST(ListReader, RefusesWhatIsNoList) {
  const std::string deep(100'000, '[');
  const std::vector<std::string> bad{
      "",
      "null",
      "[]",
      "<html>",
      "{}",
      R"({"items":[]})",
      R"({"metadata":{},"items":[1]})",
      R"({"metadata":{},"items":["a"]})",
      R"({"metadata":{},"items":[{}{}]})",
      R"({"metadata":{},"items":[{},]})",
      R"({"metadata":{},"items":[,{}]})",
      R"({"metadata":{},"items":[{"a":}]})",
      R"({"metadata":{},"items":[{}],"items":[{}]})",
      R"({"metadata":{},"items":{}})",
      R"({"metadata":{},"items":[{})",
      R"({"metadata":{},"items":[{"a":"b)",
      R"({"metadata":{},"items":[]}})",
      R"({"metadata":{},"items":[]} {)",
      "]",
      deep,
      R"({"metadata":{},"items":[{"a":)" + deep,
  };
  for (const auto& text : bad) {
    ListReader reader([](const Json&) {});
    const bool fed = reader.feed(text);
    EXPECT_FALSE(fed && reader.finish().ok()) << text.substr(0, 80);
  }
}

TEST(ListReader, ItemsOfNullAreNone) {
  ListReader reader([](const Json&) { FAIL(); });
  ASSERT_TRUE(reader.feed(R"({"metadata":{"resourceVersion":"1"},"items":null})"));
  EXPECT_TRUE(reader.finish());
}

TEST(ListReader, ErrorsDoNotQuoteItems) {
  ListReader reader([](const Json&) {});
  EXPECT_FALSE(reader.feed(R"({"metadata":{},"items":[{"data":{"token":"hunter2" "x"}}]})"));
  EXPECT_THAT(reader.error().message, ::testing::Not(HasSubstr("hunter2")));
}

TEST(ListReader, OneItemIsBounded) {
  ListReader reader([](const Json&) {});
  ASSERT_TRUE(reader.feed(R"({"metadata":{},"items":[{"a":")"));
  const std::string mebibyte(1u << 20, 'x');
  bool alive = true;
  for (int i = 0; alive && i < 20; ++i) alive = reader.feed(mebibyte);
  EXPECT_FALSE(alive);
  EXPECT_EQ(reader.error().code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace fracta::kube
