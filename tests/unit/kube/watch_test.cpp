#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fracta/base/json.hpp"
#include "unit/kube/fake_transport.hpp"

namespace fracta::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string event(const std::string& type, const std::string& name, const std::string& version = "1") {
  return R"({"type":")" + type + R"(","object":{"metadata":{"name":")" + name + R"(","resourceVersion":")" + version +
         "\"}}}\n";
}

struct Watched {
  std::vector<std::string> seen;
  bool opened = false;
  Result<void> ended;
};

Watched watch_all(FakeServer& server, std::size_t stop_after = 1000, WatchOptions options = {}) {
  Watched out;
  options.on_open = [&] { out.opened = true; };
  out.ended = server.client->watch(kPods, "ns", options, [&](const WatchEvent& e) {
    const char* names = "AMDBE";
    out.seen.push_back(std::string(1, names[static_cast<int>(e.type)]) + string_at(e.object, "metadata/name"));
    return out.seen.size() < stop_after;
  });
  return out;
}

TEST(Watch, AsksForBookmarksAndATimeout) {
  FakeServer server;
  server.transport->script({stream({})});
  WatchOptions options;
  options.label_selector = "app=fracta";
  options.resource_version = "42";
  EXPECT_TRUE(watch_all(server, 1, options).ended);
  EXPECT_EQ(
      server.requests().at(0).target,
      "/api/v1/namespaces/ns/"
      "pods?watch=true&allowWatchBookmarks=true&labelSelector=app%3Dfracta&resourceVersion=42&timeoutSeconds=300");
}

TEST(Watch, EventsMayBeCutAnywhere) {
  const std::string text =
      event("ADDED", "a") + "\r\n" + event("MODIFIED", "a") + event("BOOKMARK", "") + event("DELETED", "a");
  for (std::size_t size : {1u, 2u, 5u, 64u, 10'000u}) {
    FakeServer server;
    std::vector<std::string> chunks;
    for (std::size_t at = 0; at < text.size(); at += size) chunks.push_back(text.substr(at, size));
    server.transport->script({stream(chunks)});
    auto watched = watch_all(server);
    EXPECT_TRUE(watched.ended);
    EXPECT_TRUE(watched.opened);
    EXPECT_THAT(watched.seen, ElementsAre("Aa", "Ma", "B", "Da"));
  }
}

TEST(Watch, TypesNobodyKnowsAreCountedAndSkipped) {
  MetricsRegistry registry;
  Client::Options options;
  options.metrics = &registry;
  FakeServer server(options);
  server.transport->script({stream({event("SURPRISE", "x"), "{\"type\":7}\n", "{}\n", event("ADDED", "a")})});
  auto watched = watch_all(server);
  EXPECT_TRUE(watched.ended);
  EXPECT_THAT(watched.seen, ElementsAre("Aa"));
  EXPECT_THAT(registry.expose(), HasSubstr("rest_client_watch_unknown_events_total 3"));
}

TEST(Watch, AnErrorEventIsItsStatus) {
  FakeServer server;
  server.transport->script(
      {stream({event("ADDED", "a"),
               R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}})"
               "\n",
               event("ADDED", "b")})});
  auto watched = watch_all(server);
  ASSERT_FALSE(watched.ended);
  EXPECT_EQ(watched.ended.error().code, ErrorCode::kGone);
  EXPECT_EQ(watched.ended.error().message, "too old");
  EXPECT_THAT(watched.seen, ElementsAre("Aa"));
}

TEST(Watch, GoneAsAnAnswer) {
  FakeServer server;
  server.transport->script({status(410, "Gone", "too old")});
  auto watched = watch_all(server);
  EXPECT_EQ(watched.ended.error().code, ErrorCode::kGone);
  EXPECT_FALSE(watched.opened);
}

TEST(Watch, BrokenTextEndsItWithoutAWordOfIt) {
  const std::vector<std::string> bad{"{\"type\":\"ADDED\",\"object\":{\"data\":\"hunter2\"\n",
                                     "hunter2\n",
                                     "[]\n",
                                     "{\"type\":\"ADDED\"}\n",
                                     "{\"type\":\"ADDED\",\"object\":[]}\n",
                                     "{\"type\":\"ERROR\"}\n",
                                     "{\"type\":\"ADDED\",\"object\":" + std::string(100'000, '[') + "\n"};
  for (const auto& text : bad) {
    FakeServer server;
    server.transport->script({stream({text})});
    auto watched = watch_all(server);
    ASSERT_FALSE(watched.ended) << text.substr(0, 60);
    EXPECT_EQ(watched.ended.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(watched.ended.error().message, Not(HasSubstr("hunter2")));
    EXPECT_THAT(watched.seen, IsEmpty());
  }
}

TEST(Watch, AnEndInTheMiddleOfAnEventIsNoOrderlyEnd) {
  FakeServer server;
  server.transport->script({stream({event("ADDED", "a"), R"({"type":"ADD)"})});
  auto watched = watch_all(server);
  ASSERT_FALSE(watched.ended);
  EXPECT_EQ(watched.ended.error().code, ErrorCode::kUnavailable);
}

TEST(Watch, ALineThatNeverEndsIsBounded) {
  FakeServer server;
  server.transport->script({stream(std::vector<std::string>(40, std::string(1u << 20, 'x')))});
  auto watched = watch_all(server);
  ASSERT_FALSE(watched.ended);
  EXPECT_THAT(watched.ended.error().message, HasSubstr("larger than any object"));
}

TEST(Watch, TheCallbackEndsIt) {
  FakeServer server;
  server.transport->script({stream({event("ADDED", "a") + event("ADDED", "b")})});
  auto watched = watch_all(server, 1);
  ASSERT_FALSE(watched.ended);
  EXPECT_EQ(watched.ended.error().code, ErrorCode::kCanceled);
  EXPECT_THAT(watched.seen, ElementsAre("Aa"));
}

}  // namespace
}  // namespace fracta::kube
