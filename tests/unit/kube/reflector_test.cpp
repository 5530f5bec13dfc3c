// One test for each rule of reflector.hpp, on a scripted server. The clock only moves when the script or a wait moves
// it.
#include "fracta/kube/reflector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fracta/base/json.hpp"
#include "unit/kube/fake_transport.hpp"

namespace fracta::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

std::string object(const std::string& name, const std::string& version) {
  return R"({"metadata":{"namespace":"ns","name":")" + name + R"(","resourceVersion":")" + version + "\"}}";
}
std::string list_of(const std::vector<std::string>& names, const std::string& version) {
  std::string out = R"({"metadata":{"resourceVersion":")" + version + R"("},"items":[)";
  for (std::size_t i = 0; i < names.size(); ++i) out += (i ? "," : "") + object(names[i], version);
  return out + "]}";
}
std::string event(const std::string& type, const std::string& name, const std::string& version) {
  return R"({"type":")" + type + R"(","object":)" + object(name, version) + "}\n";
}
// A watch that lives long enough to count as one.
Answer lived(std::vector<std::string> chunks = {}) {
  Answer answer = stream(std::move(chunks));
  answer.takes = 10s;
  return answer;
}

class ReflectorTest : public ::testing::Test {
 protected:
  void run(std::vector<Answer> script) {
    script.push_back(held());  // the last watch stays open
    requests_ = script.size();
    server_.transport->script(std::move(script));
    ReflectorOptions options;
    options.resource = kPods;
    options.ns = "ns";
    options.label_selector = "app=fracta";
    options.name = "pods";
    options.metrics = &registry_;
    options.sleep = [this](const std::stop_token& stop, std::chrono::nanoseconds time) {
      {
        std::lock_guard lock(mutex_);
        waits_.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(time));
      }
      server_.clock.advance(time);
      return !stop.stop_requested();
    };
    reflector_.emplace(
        *server_.client, server_.clock, options, [](const Json& o) { return string_at(o, "metadata/resourceVersion"); },
        [this](const std::string& key, const std::string* before, const std::string* after) {
          std::lock_guard lock(mutex_);
          changes_.push_back(key + ":" + (before ? *before : "-") + ">" + (after ? *after : "-"));
        });
    reflector_->start();
    ASSERT_TRUE(server_.transport->wait_for_requests(requests_));
    reflector_->stop();
  }
  // "list <version>" or "watch <version>" for each request.
  std::vector<std::string> calls() const {
    std::vector<std::string> out;
    for (const auto& request : server_.requests()) {
      const auto query = net::parse_query(std::string_view(request.target).substr(request.target.find('?') + 1));
      std::string kind = "list", version = "newest";
      for (const auto& [key, value] : query) {
        if (key == "watch") kind = "watch";
        if (key == "resourceVersion") version = value;
      }
      out.push_back(kind + " " + version);
    }
    return out;
  }

  FakeServer server_;
  MetricsRegistry registry_;
  std::mutex mutex_;
  std::vector<std::string> changes_;
  std::vector<std::chrono::milliseconds> waits_;
  std::size_t requests_ = 0;
  std::optional<Reflector<std::string>> reflector_;
};

TEST_F(ReflectorTest, FirstListMayComeFromTheServersCacheThenWatchesFromItsVersion) {
  run({ok(list_of({"a", "b"}, "10"))});
  EXPECT_THAT(calls(), ElementsAre("list 0", "watch 10"));
  EXPECT_TRUE(reflector_->loop().synced());
  EXPECT_EQ(reflector_->size(), 2u);
  EXPECT_THAT(server_.requests().at(1).target,
              AllOf(HasSubstr("labelSelector=app%3Dfracta"), HasSubstr("allowWatchBookmarks=true")));
  EXPECT_THAT(waits_, SizeIs(0));
}

TEST_F(ReflectorTest, EventsChangeTheCacheAndTellWhatWasBefore) {
  run({ok(list_of({"a"}, "10")),
       lived({event("ADDED", "b", "11"), event("MODIFIED", "a", "12"), event("DELETED", "b", "13")})});
  EXPECT_THAT(changes_, ElementsAre("ns/a:->10", "ns/b:->11", "ns/a:10>12", "ns/b:11>-"));
  EXPECT_EQ(*reflector_->get("ns/a"), "12");
  EXPECT_EQ(reflector_->get("ns/b"), nullptr);
}

TEST_F(ReflectorTest, AnOrderlyEndIsFollowedByAWatchFromTheLastVersion) {
  run({ok(list_of({}, "10")), lived({event("ADDED", "a", "15")})});
  EXPECT_THAT(calls(), ElementsAre("list 0", "watch 10", "watch 15"));
  EXPECT_THAT(waits_, SizeIs(0));
}

TEST_F(ReflectorTest, BookmarksMoveOnlyTheVersion) {
  run({ok(list_of({"a"}, "10")),
       lived({R"({"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"99"}}})"
              "\n"})});
  EXPECT_THAT(calls(), ElementsAre("list 0", "watch 10", "watch 99"));
  EXPECT_THAT(changes_, SizeIs(1));
}

TEST_F(ReflectorTest, WatchTimeoutsAreSpreadOver5To10Minutes) {
  run({ok(list_of({}, "10")), lived(), lived(), lived(), lived(), lived(), lived(), lived()});
  std::set<std::string> seen;
  for (const auto& request : server_.requests()) {
    for (const auto& [key, value] :
         net::parse_query(std::string_view(request.target).substr(request.target.find('?') + 1))) {
      if (key != "timeoutSeconds") continue;
      EXPECT_GE(std::stoi(value), 300);
      EXPECT_LT(std::stoi(value), 601);
      seen.insert(value);
    }
  }
  EXPECT_GT(seen.size(), 1u);
}

TEST_F(ReflectorTest, GoneListsAgainAtOnceAndDropsWhatIsNoMore) {
  run({ok(list_of({"a", "b"}, "10")), status(410, "Expired"), ok(list_of({"b", "c"}, "20"))});
  EXPECT_THAT(calls(), ElementsAre("list 0", "watch 10", "list newest", "watch 20"));
  EXPECT_THAT(waits_, SizeIs(0));
  EXPECT_EQ(reflector_->get("ns/a"), nullptr);
  EXPECT_EQ(reflector_->size(), 2u);
  EXPECT_THAT(changes_, ::testing::Contains("ns/a:10>-"));
}

TEST_F(ReflectorTest, GoneAsAnEventDoesTheSame) {
  run({ok(list_of({}, "10")),
       stream({R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}})"
               "\n"}),
       ok(list_of({}, "20"))});
  EXPECT_THAT(calls(), ElementsAre("list 0", "watch 10", "list newest", "watch 20"));
}

TEST_F(ReflectorTest, AServerThatIsAlwaysGoneIsNotHammered) {
  run({ok(list_of({}, "10")), status(410, "Expired"), ok(list_of({}, "10")), status(410, "Expired"),
       ok(list_of({}, "10")), status(410, "Expired"), ok(list_of({}, "10"))});
  EXPECT_THAT(waits_, SizeIs(2));
}

TEST_F(ReflectorTest, AListWhoseVersionIsGoneAsksForTheNewestAtOnce) {
  run({ok(list_of({}, "10")), lived({event("ADDED", "a", "11")}), status(403, "Forbidden"), status(410, "Expired"),
       ok(list_of({}, "30"))});
  EXPECT_THAT(calls(), ElementsAre("list 0", "watch 10", "watch 11", "list 11", "list newest", "watch 30"));
  EXPECT_THAT(waits_, SizeIs(1)) << "for the 403 only";
}

TEST_F(ReflectorTest, AVersionAheadOfTheServerAsksForTheNewest) {
  Answer ahead{
      .status = 504,
      .chunks = {
          R"({"kind":"Status","reason":"Timeout","code":504,"details":{"causes":[{"reason":"ResourceVersionTooLarge"}]}})"}};
  run({ok(list_of({}, "10")), status(403, "Forbidden"), ahead, ok(list_of({}, "9"))});
  EXPECT_THAT(calls(), ElementsAre("list 0", "watch 10", "list 10", "list newest", "watch 9"));
}

TEST_F(ReflectorTest, RefusedOrBusyWatchesKeepTheVersionAndBackOff) {
  std::vector<Answer> script{ok(list_of({}, "10"))};
  script.push_back(status(429, "TooManyRequests"));
  script.push_back(status(503, "ServiceUnavailable"));
  run(script);
  EXPECT_THAT(calls(), ElementsAre("list 0", "watch 10", "watch 10", "watch 10"));
  ASSERT_THAT(waits_, SizeIs(2));
  EXPECT_GE(waits_[0], 800ms);
  EXPECT_LT(waits_[0], 1600ms);
  EXPECT_GE(waits_[1], 1600ms);
}

TEST_F(ReflectorTest, AConnectionThatBreaksAfterAWhileIsReplacedAtOnce) {
  Answer broken = lived({event("ADDED", "a", "11")});
  broken.error = make_error(ErrorCode::kUnavailable, "reset");
  run({ok(list_of({}, "10")), broken});
  EXPECT_THAT(calls(), ElementsAre("list 0", "watch 10", "watch 11"));
  EXPECT_THAT(waits_, SizeIs(0));
}

TEST_F(ReflectorTest, AWatchThatEndsWithinASecondWithoutAnEventIsAFailure) {
  run({ok(list_of({}, "10")), stream({}), ok(list_of({}, "12"))});
  EXPECT_THAT(calls(), ElementsAre("list 0", "watch 10", "list 10", "watch 12"));
  EXPECT_THAT(waits_, SizeIs(1));
  EXPECT_THAT(registry_.expose(), HasSubstr(R"(reflector_short_watches_total{name="pods"} 1)"));
}

TEST_F(ReflectorTest, BackOffGrowsTo30SecondsWithJitterAndIsResetAfter2Minutes) {
  std::vector<Answer> script(9, status(403, "Forbidden"));
  script.push_back(ok(list_of({}, "10")));
  Answer healthy = stream({});
  healthy.takes = 3min;
  script.push_back(healthy);
  script.push_back(status(403, "Forbidden"));
  script.push_back(ok(list_of({}, "11")));
  run(script);
  ASSERT_THAT(waits_, SizeIs(10));
  for (std::size_t i = 0; i < 9; ++i) {
    const auto base = std::min<std::chrono::milliseconds>(30s, 800ms * (1 << i));
    EXPECT_GE(waits_[i], base);
    EXPECT_LT(waits_[i], 2 * base);
  }
  EXPECT_LT(waits_[9], 1600ms);
}

TEST_F(ReflectorTest, AFailedListChangesNothingInTheCache) {
  Answer broken = ok(list_of({"b"}, "20").substr(0, 120));
  broken.error = make_error(ErrorCode::kUnavailable, "reset");
  run({ok(list_of({"a"}, "10")), status(410, "Expired"), broken, ok(list_of({"a", "b"}, "21"))});
  EXPECT_THAT(changes_, Not(::testing::Contains(HasSubstr(">-"))));
  EXPECT_EQ(reflector_->size(), 2u);
}

TEST_F(ReflectorTest, KeysOfAnAbandonedListAreForgotten) {
  const std::string first =
      R"({"metadata":{"resourceVersion":"10","continue":"t"},"items":[)" + object("gone", "10") + "]}";
  run({ok(first), status(410, "Expired"), ok(list_of({"a"}, "12"))});
  EXPECT_EQ(reflector_->get("ns/gone"), nullptr) << "it was deleted before the list that counts";
  EXPECT_NE(reflector_->get("ns/a"), nullptr);
}

TEST_F(ReflectorTest, SaysWhatIsWrongAndForgetsItWhenHealthy) {
  std::string during;
  Answer next = ok(list_of({}, "10"));
  next.before = [&] { during = reflector_->loop().last_error(); };
  run({status(403, "Forbidden", "no list for you"), next});
  EXPECT_EQ(during, "no list for you");
  EXPECT_EQ(reflector_->loop().last_error(), "");
}

TEST_F(ReflectorTest, LastContactIsAnEventABookmarkOrAList) {
  Answer watch = lived({event("ADDED", "a", "11")});
  Answer refused = status(503, "ServiceUnavailable");
  refused.takes = 7s;
  run({ok(list_of({}, "10")), watch, refused});
  // 10 s of the watch after its event; the refused one counts nothing, the held one is a contact again.
  EXPECT_EQ(reflector_->loop().since_last_contact(), 0ms);
  const auto text = registry_.expose();
  EXPECT_THAT(text, HasSubstr(R"(reflector_last_contact_timestamp_seconds{name="pods"} )"));
  EXPECT_THAT(text, HasSubstr(R"(reflector_lists_total{name="pods"} 1)"));
}

TEST_F(ReflectorTest, NotSyncedWhileTheFirstListFails) {
  bool synced = true;
  Answer next = ok(list_of({}, "10"));
  next.before = [&] { synced = reflector_->loop().synced(); };
  run({status(403, "Forbidden"), next});
  EXPECT_FALSE(synced);
  EXPECT_TRUE(reflector_->loop().wait_until_synced(0ms));
}

TEST(ReflectorStop, EndsABackOffAtOnce) {
  FakeServer server;
  server.transport->script({status(403, "Forbidden")});
  ReflectorOptions options;
  options.resource = kPods;
  options.ns = "ns";
  options.backoff = {.initial = std::chrono::hours(1), .maximum = std::chrono::hours(1)};  // really waits
  Reflector<int> reflector(
      *server.client, server.clock, options, [](const Json&) { return 1; }, [](const auto&, auto, auto) {});
  reflector.start();
  ASSERT_TRUE(server.transport->wait_for_requests(1));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(reflector.loop().wait_until_synced(1h, stop.get_token()));
  reflector.stop();  // would hang for an hour
}

}  // namespace
}  // namespace fracta::kube
