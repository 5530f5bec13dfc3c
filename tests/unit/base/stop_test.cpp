#include "fracta/base/stop.hpp"

#include "fracta/base/clock.hpp"

namespace fracta {
namespace {
using namespace std::chrono_literals;

TEST(Stop, WaitEndsAtOnceWhenStopped) {
  std::stop_source source;
  std::jthread stopper([&] { source.request_stop(); });
  EXPECT_FALSE(wait_for(source.get_token(), 1h));
  EXPECT_TRUE(wait_for({}, 1ns));
}

TEST(Stop, EitherTokenFires) {
  std::stop_source a, b;
  StopEither either(a.get_token(), b.get_token());
  EXPECT_FALSE(either.token().stop_requested());
  b.request_stop();
  EXPECT_TRUE(either.token().stop_requested());
}

TEST(Backoff, GrowsToItsMaximumWithJitterAndResets) {
  Backoff backoff({.initial = 100ms, .maximum = 400ms, .factor = 2, .jitter = 1});
  for (const auto base : {100ms, 200ms, 400ms, 400ms}) {
    const auto delay = backoff.next();
    EXPECT_GE(delay, base);
    EXPECT_LE(delay, 2 * base);
  }
  backoff.reset();
  EXPECT_LE(backoff.next(), 200ms);
}

TEST(FakeClock, StandsStillUntilAdvanced) {
  FakeClock clock;
  const auto before = clock.steady_now();
  EXPECT_EQ(clock.steady_now(), before);
  clock.advance(5s);
  EXPECT_EQ(clock.steady_now() - before, 5s);
}

}  // namespace
}  // namespace fracta
