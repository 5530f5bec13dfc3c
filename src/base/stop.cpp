#include "fracta/base/stop.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>

namespace fracta {

bool wait_for(const std::stop_token& stop, std::chrono::nanoseconds duration) {
  std::mutex mutex;
  std::condition_variable_any condition;
  std::unique_lock lock(mutex);
  condition.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

StopEither::StopEither(const std::stop_token& a, const std::stop_token& b)
    : first_(a, Forward{&source_}), second_(b, Forward{&source_}) {}

Backoff::Backoff(Options options) : options_(options), current_(options.initial) {}

std::chrono::milliseconds Backoff::next() {
  const double base = static_cast<double>(current_.count());
  const double delay = base * (1.0 + options_.jitter * random_fraction());
  current_ = std::min(options_.maximum, std::chrono::milliseconds(static_cast<std::int64_t>(base * options_.factor)));
  return std::chrono::milliseconds(static_cast<std::int64_t>(delay));
}

double random_fraction() {
  thread_local std::minstd_rand engine{std::random_device{}()};
  return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
}

}  // namespace fracta
