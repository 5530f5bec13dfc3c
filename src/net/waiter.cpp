#include "net/waiter.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <algorithm>
#include <array>
#include <cstdint>

namespace fracta::net {
namespace {

// Only when no eventfd was to be had (out of descriptors) is the token looked at in steps.
constexpr std::int64_t kStepWithoutEvent = 20;
constexpr std::int64_t kLongest = 60'000;

}  // namespace

void Waiter::Wake::operator()() const {
  if (fd >= 0) eventfd_write(fd, 1);
}

Waiter::Waiter(const std::stop_token& stop) : stop_(stop) {
  if (!stop_.stop_possible()) return;
  event_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  callback_.emplace(stop_, Wake{event_.get()});
}

WaitResult Waiter::wait(int fd, short events, std::chrono::steady_clock::time_point deadline) {
  while (true) {
    if (stopped()) return WaitResult::kStopped;
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) return WaitResult::kTimeout;
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
    left = std::min<std::int64_t>(left, stop_.stop_possible() && !event_.valid() ? kStepWithoutEvent : kLongest);
    std::array<pollfd, 2> entries = {pollfd{fd, events, 0}, pollfd{event_.get(), POLLIN, 0}};  // -1 is ignored by poll
    const int ready = ::poll(entries.data(), entries.size(), static_cast<int>(left));
    if (ready > 0 && entries[0].revents != 0 && entries[1].revents == 0) return WaitResult::kReady;
  }
}

}  // namespace fracta::net
