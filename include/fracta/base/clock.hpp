// The only door to time. Stamps that leave the process (annotations, logs, Events) use system_now(); intervals,
// time-outs and back-off use steady_now(). Tests pass a FakeClock.
#pragma once

#include <chrono>
#include <mutex>

namespace fracta {

using SystemTime = std::chrono::system_clock::time_point;
using SteadyTime = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual SystemTime system_now() const = 0;
  [[nodiscard]] virtual SteadyTime steady_now() const = 0;
};

// Thread-safe. One for the whole process, built by the composition root.
class RealClock final : public Clock {
 public:
  [[nodiscard]] SystemTime system_now() const override { return std::chrono::system_clock::now(); }
  [[nodiscard]] SteadyTime steady_now() const override { return std::chrono::steady_clock::now(); }
};

// Stands still until advanced. Thread-safe.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(SystemTime start = SystemTime{std::chrono::seconds{1'767'225'600}});  // 2026-01-01T00:00:00Z
  [[nodiscard]] SystemTime system_now() const override;
  [[nodiscard]] SteadyTime steady_now() const override;
  void advance(std::chrono::nanoseconds by);

 private:
  mutable std::mutex mutex_;
  SystemTime system_;
  SteadyTime steady_{};
};

}  // namespace fracta
