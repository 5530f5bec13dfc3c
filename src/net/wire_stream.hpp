// The stream cpp-httplib's client reads from and writes to: our channel with one call's deadline, stop token and
// limits. It also keeps the head of the answer as sent, and remembers why the call failed (httplib says only "Read").
#pragma once

#include <httplib.h>
#include <chrono>
#include <cstddef>
#include <string>

#include "fracta/base/result.hpp"
#include "net/channel.hpp"
#include "net/waiter.hpp"

namespace fracta::net {

struct WireLimits {
  std::chrono::steady_clock::time_point head_deadline;  // until the answer's head is complete
  std::chrono::steady_clock::time_point body_deadline;  // of the last body byte; ignored with an idle time
  std::chrono::milliseconds idle{0};                    // instead: longest silence in the body
  std::size_t max_head_bytes = 256u << 10;
};

class WireStream final : public httplib::Stream {
 public:
  WireStream(Channel& channel, Waiter& waiter, const WireLimits& limits)
      : channel_(channel), waiter_(waiter), limits_(limits), deadline_(limits.head_deadline) {}

  [[nodiscard]] bool is_readable() const override { return true; }
  [[nodiscard]] bool is_writable() const override { return true; }
  ssize_t read(char* buffer, size_t size) override;
  ssize_t write(const char* data, size_t size) override;
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  [[nodiscard]] socket_t socket() const override { return channel_.fd(); }

  // The head of the final answer, complete or not.
  [[nodiscard]] const std::string& head() const { return head_; }
  [[nodiscard]] bool head_complete() const { return head_complete_; }
  [[nodiscard]] bool got_bytes() const { return got_bytes_; }
  // Bytes came that belong to no answer we asked for: the connection must not be used again.
  [[nodiscard]] bool has_rest() const { return position_ < end_; }
  // Why reading or writing failed; nothing when it did not.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

 private:
  bool flush();
  ssize_t fill();
  bool wait(IoState state);
  ssize_t fail(ErrorCode code, std::string message);
  void watch_head(const char* data, std::size_t size);

  Channel& channel_;
  Waiter& waiter_;
  WireLimits limits_;
  std::chrono::steady_clock::time_point deadline_;
  std::string outbox_;  // head and small body leave in one segment
  std::array<char, 32u << 10> inbox_;
  std::size_t position_ = 0;
  std::size_t end_ = 0;
  std::string head_;
  std::size_t interim_bytes_ = 0;  // of 1xx answers dropped from head_
  bool head_complete_ = false;
  bool got_bytes_ = false;
  std::optional<Error> failure_;
};

}  // namespace fracta::net
