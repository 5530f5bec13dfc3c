// Waiting for a socket with a deadline and a stop token.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>

#include "net/descriptor.hpp"

namespace fracta::net {

enum class WaitResult { kReady, kTimeout, kStopped };

// One running call's waits. A fired stop token wakes a waiting poll() through an eventfd at once; nothing has to be
// repeated and nothing is lost, whenever it fires. Belongs to the thread of the call.
class Waiter {
 public:
  explicit Waiter(const std::stop_token& stop);
  // `events` as poll(2) takes them.
  WaitResult wait(int fd, short events, std::chrono::steady_clock::time_point deadline);
  [[nodiscard]] bool stopped() const { return stop_.stop_requested(); }

 private:
  struct Wake {
    int fd;
    void operator()() const;
  };
  std::stop_token stop_;
  Descriptor event_;
  std::optional<std::stop_callback<Wake>> callback_;
};

}  // namespace fracta::net
