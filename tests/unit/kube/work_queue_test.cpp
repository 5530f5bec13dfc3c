#include "fracta/kube/work_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "fracta/base/stop.hpp"

namespace fracta::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class WorkQueueTest : public ::testing::Test {
 protected:
  // What is due right now, or "".
  std::string next() {
    std::stop_source stop;
    // A key that is due comes at once; the watchdog only ends the wait for one that is not.
    std::jthread watchdog([&](const std::stop_token& token) {
      if (wait_for(token, 30ms)) stop.request_stop();
    });
    return queue_.get(stop.get_token()).value_or("");
  }
  FakeClock clock_;
  MetricsRegistry registry_;
  WorkQueue queue_{clock_, "agents", &registry_};
};

TEST_F(WorkQueueTest, HandsOutInOrderAndOnce) {
  queue_.add("a");
  queue_.add("b");
  queue_.add("a");
  EXPECT_EQ(queue_.size(), 2u);
  EXPECT_EQ(next(), "a");
  EXPECT_EQ(next(), "b");
  EXPECT_EQ(next(), "");
}

TEST_F(WorkQueueTest, AKeyInWorkIsNotHandedOutAgainUntilDone) {
  queue_.add("a");
  EXPECT_EQ(next(), "a");
  queue_.add("a");
  queue_.add("a");
  EXPECT_EQ(next(), "");
  queue_.done("a");
  EXPECT_EQ(next(), "a");
  queue_.done("a");
  EXPECT_EQ(next(), "");
}

TEST_F(WorkQueueTest, DelayedKeysComeWhenDueAndTheEarlierTimeWins) {
  queue_.add_after("late", 100s);
  queue_.add_after("late", 10s);
  queue_.add_after("late", 50s);
  queue_.add_after("now", 0s);
  EXPECT_EQ(next(), "now");
  clock_.advance(9999ms);
  EXPECT_EQ(next(), "");
  clock_.advance(1ms);
  EXPECT_EQ(next(), "late");
  queue_.done("late");
  clock_.advance(1000s);
  EXPECT_EQ(next(), "") << "one delayed key is one piece of work";
}

TEST_F(WorkQueueTest, FailuresBackOffFrom5MillisecondsTo1000Seconds) {
  std::chrono::milliseconds expected = 5ms;
  for (int failure = 0; failure < 25; ++failure) {
    queue_.add_rate_limited("a");
    clock_.advance(expected - 1ms);
    EXPECT_EQ(queue_.size(), 0u);
    clock_.advance(1ms);
    ASSERT_EQ(next(), "a") << failure;
    queue_.done("a");
    expected = std::min<std::chrono::milliseconds>(expected * 2, 1000s);
  }
  queue_.forget("a");
  queue_.add_rate_limited("a");
  clock_.advance(5ms);
  EXPECT_EQ(next(), "a");
}

TEST_F(WorkQueueTest, StopWakesAWaitingWorker) {
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(queue_.get(stop.get_token()), std::nullopt);
}

TEST_F(WorkQueueTest, MetricsByControllerRuntimesNames) {
  queue_.add("a");
  queue_.add("b");
  EXPECT_EQ(next(), "a");
  clock_.advance(3s);
  auto text = registry_.expose();
  for (const char* line : {R"(workqueue_depth{controller="agents",name="agents"} 1)",
                           R"(workqueue_adds_total{controller="agents",name="agents"} 2)",
                           R"(workqueue_unfinished_work_seconds{controller="agents",name="agents"} 3)",
                           R"(workqueue_longest_running_processor_seconds{controller="agents",name="agents"} 3)"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  queue_.done("a");
  queue_.add_rate_limited("a");
  text = registry_.expose();
  EXPECT_THAT(text, HasSubstr(R"(workqueue_work_duration_seconds_sum{controller="agents",name="agents"} 3)"));
  EXPECT_THAT(text, HasSubstr(R"(workqueue_retries_total{controller="agents",name="agents"} 1)"));
}

TEST(WorkQueueLife, TheRegistryMayOutliveTheQueue) {
  FakeClock clock;
  MetricsRegistry registry;
  { WorkQueue queue(clock, "gone", &registry); }
  EXPECT_THAT(registry.expose(), HasSubstr("workqueue_depth"));
}

// Many workers and producers: no key is ever worked on twice at once, none is lost.
TEST(WorkQueueThreads, NoKeyTwiceAtOnceAndNoneLost) {
  RealClock clock;
  WorkQueue queue(clock, "threads");
  constexpr std::size_t kKeys = 20;
  std::array<std::atomic<int>, kKeys> wanted{};
  std::array<std::atomic<int>, kKeys> done{};
  std::array<std::atomic<bool>, kKeys> busy{};
  std::atomic<bool> twice = false;
  std::mutex mutex;
  std::condition_variable all_seen;
  {
    std::vector<std::jthread> workers;
    for (int w = 0; w < 4; ++w) {
      workers.emplace_back([&](const std::stop_token& stop) {
        while (auto key = queue.get(stop)) {
          const auto i = static_cast<std::size_t>(std::stoi(*key));
          if (busy[i].exchange(true)) twice = true;
          const int seen = wanted[i].load();
          std::this_thread::yield();
          done[i].store(seen);
          busy[i].store(false);
          queue.done(*key);
          std::lock_guard lock(mutex);
          all_seen.notify_all();
        }
      });
    }
    std::vector<std::jthread> producers;
    for (unsigned p = 0; p < 3; ++p) {
      producers.emplace_back([&, p] {
        std::mt19937 random(p);
        for (int n = 0; n < 500; ++n) {
          const auto i = random() % kKeys;
          wanted[i].fetch_add(1);
          if (n % 3 == 0)
            queue.add_after(std::to_string(i), std::chrono::milliseconds(random() % 3));
          else
            queue.add(std::to_string(i));
        }
      });
    }
    producers.clear();
    std::unique_lock lock(mutex);
    EXPECT_TRUE(all_seen.wait_for(lock, 20s, [&] {
      for (std::size_t i = 0; i < kKeys; ++i) {
        if (done[i].load() != wanted[i].load()) return false;
      }
      return true;
    })) << "the last change of some key was never worked on";
  }
  EXPECT_FALSE(twice);
}

}  // namespace
}  // namespace fracta::kube
