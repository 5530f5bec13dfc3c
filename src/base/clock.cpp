#include "fracta/base/clock.hpp"

namespace fracta {

FakeClock::FakeClock(SystemTime start) : system_(start) {}

SystemTime FakeClock::system_now() const {
  std::lock_guard lock(mutex_);
  return system_;
}

SteadyTime FakeClock::steady_now() const {
  std::lock_guard lock(mutex_);
  return steady_;
}

void FakeClock::advance(std::chrono::nanoseconds by) {
  std::lock_guard lock(mutex_);
  system_ += std::chrono::duration_cast<SystemTime::duration>(by);
  steady_ += std::chrono::duration_cast<SteadyTime::duration>(by);
}

}  // namespace fracta
