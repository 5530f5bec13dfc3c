// Rings and subscriptions: resuming, gaps, slow readers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "fracta/controlplane/event_source.hpp"

namespace fracta {
namespace {

using controlplane::Event;
using controlplane::EventSource;
using controlplane::Subscription;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Event event(const std::string& task, const std::string& action) {
  Event out;
  out.task = task;
  out.action = action;
  return out;
}

std::vector<std::string> actions(const std::vector<controlplane::EventPtr>& events) {
  std::vector<std::string> out;
  for (const auto& e : events) out.push_back(e->action);
  return out;
}

class EventSourceTest : public ::testing::Test {
 protected:
  static EventSource::Options small() {
    EventSource::Options options;
    options.ring_size = 3;
    options.subscriber_buffer = 4;
    options.max_agents = 5;
    return options;
  }
  FakeClock clock_;
  EventSource source_{clock_, small()};
};

TEST_F(EventSourceTest, KeepsTheLastEventsOfEachAgent) {
  for (const char* action : {"1", "2", "3", "4"}) source_.publish(event("a", action));
  source_.publish(event("b", "x"));
  EXPECT_THAT(actions(source_.recent("a", 10)), ElementsAre("2", "3", "4"));
  EXPECT_THAT(actions(source_.recent("a", 2)), ElementsAre("3", "4"));
  auto id = source_.id_of(*source_.recent("a", 10)[1]);
  EXPECT_THAT(actions(source_.recent("a", 10, id)), ElementsAre("4"));
  EXPECT_THAT(source_.recent("none", 10), IsEmpty());
}

TEST_F(EventSourceTest, ResumesAfterTheLastIdWithoutLossOrRepetition) {
  source_.publish(event("a", "1"));
  source_.publish(event("a", "2"));
  auto id = source_.id_of(*source_.recent("a", 10)[0]);
  auto subscription = source_.subscribe("a", id);
  EXPECT_EQ(subscription->gap, "");
  EXPECT_THAT(actions(subscription->missed), ElementsAre("2"));
  source_.publish(event("a", "3"));
  source_.publish(event("b", "other"));
  auto item = subscription->next(milliseconds(1000), {});
  ASSERT_EQ(item.kind, Subscription::Kind::kEvent);
  EXPECT_EQ(item.event->action, "3");
  EXPECT_EQ(subscription->next(milliseconds(0), {}).kind, Subscription::Kind::kTimeout);
}

TEST_F(EventSourceTest, AnIdOfAnEarlierProcessIsRecognised) {
  source_.publish(event("a", "1"));
  EventSource before(clock_, small());
  before.publish(event("a", "0"));
  for (const auto& id : {before.id_of(*before.recent("a", 1)[0]), std::string("garbage"),
                         source_.id_of(*source_.recent("a", 1)[0]) + "9"}) {
    auto subscription = source_.subscribe("a", id);
    EXPECT_EQ(subscription->gap, "restarted") << id;
    EXPECT_THAT(subscription->missed, IsEmpty());
  }
}

TEST_F(EventSourceTest, AnEvictedIdIsAGap) {
  source_.publish(event("a", "1"));
  auto id = source_.id_of(*source_.recent("a", 1)[0]);
  for (const char* action : {"2", "3", "4", "5"}) source_.publish(event("a", action));
  auto subscription = source_.subscribe("a", id);
  EXPECT_EQ(subscription->gap, "evicted");
  EXPECT_THAT(actions(subscription->missed), ElementsAre("3", "4", "5"));
  EXPECT_EQ(source_.subscribe("", id)->gap, "evicted");
}

TEST_F(EventSourceTest, AllAgentsComeInOrder) {
  source_.publish(event("b", "1"));
  auto id = source_.id_of(*source_.recent("b", 1)[0]);
  source_.publish(event("b", "2"));
  source_.publish(event("a", "3"));
  source_.publish(event("b", "4"));
  auto subscription = source_.subscribe("", id);
  EXPECT_THAT(actions(subscription->missed), ElementsAre("2", "3", "4"));
}

TEST_F(EventSourceTest, ASlowReaderIsToldAboutTheGapAndNobodyWaitsForIt) {
  auto slow = source_.subscribe("a", "");
  auto quick = source_.subscribe("a", "");
  for (int i = 0; i < 10; ++i) {
    source_.publish(event("a", std::to_string(i)));
    EXPECT_EQ(quick->next(milliseconds(0), {}).event->action, std::to_string(i));
  }
  EXPECT_EQ(slow->next(milliseconds(0), {}).kind, Subscription::Kind::kGap);
  // After the gap come the events published since the overflow.
  auto item = slow->next(milliseconds(0), {});
  ASSERT_EQ(item.kind, Subscription::Kind::kEvent);
}

TEST_F(EventSourceTest, RetiredRingsGoAfterAWhileUnlessTheNameLivesOn) {
  source_.publish(event("gone", "1"));
  source_.publish(event("back", "1"));
  source_.retire("gone");
  source_.retire("back");
  source_.publish(event("back", "2"));
  clock_.advance(std::chrono::minutes(31));
  source_.publish(event("other", "1"));
  EXPECT_THAT(source_.recent("gone", 10), IsEmpty());
  EXPECT_EQ(source_.recent("back", 10).size(), 2u);
}

TEST_F(EventSourceTest, ManyRetiredAgentsDoNotGrowMemory) {
  for (int i = 0; i < 100; ++i) {
    auto task = "t" + std::to_string(i);
    source_.publish(event(task, "1"));
    source_.retire(task);
  }
  int held = 0;
  for (int i = 0; i < 100; ++i) held += source_.recent("t" + std::to_string(i), 1).empty() ? 0 : 1;
  EXPECT_LE(held, 5);
}

TEST_F(EventSourceTest, CloseEndsSubscriptionsAfterTheirEvents) {
  auto subscription = source_.subscribe("a", "");
  source_.publish(event("a", "1"));
  std::jthread closer([&] { source_.close(); });
  EXPECT_EQ(subscription->next(milliseconds(5000), {}).kind, Subscription::Kind::kEvent);
  EXPECT_EQ(subscription->next(milliseconds(5000), {}).kind, Subscription::Kind::kClosed);
  EXPECT_EQ(source_.subscribe("a", "")->next(milliseconds(0), {}).kind, Subscription::Kind::kClosed);
}

}  // namespace
}  // namespace fracta
