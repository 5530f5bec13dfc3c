#include "net/wire_stream.hpp"

#include <poll.h>
#include <algorithm>
#include <cstring>

namespace fracta::net {
namespace {

constexpr std::size_t kFlushAt = 64u << 10;

}  // namespace

ssize_t WireStream::fail(ErrorCode code, std::string message) {
  if (!failure_) failure_ = make_error(code, std::move(message));
  return -1;
}

bool WireStream::wait(IoState state) {
  switch (waiter_.wait(channel_.fd(), state == IoState::kWantWrite ? POLLOUT : POLLIN, deadline_)) {
    case WaitResult::kReady:
      return true;
    case WaitResult::kStopped:
      fail(ErrorCode::kCanceled, "canceled");
      return false;
    case WaitResult::kTimeout:
      fail(ErrorCode::kDeadlineExceeded, head_complete_ ? "the answer did not arrive in time" : "no answer in time");
      return false;
  }
  return false;
}

ssize_t WireStream::write(const char* data, size_t size) {
  if (failure_) return -1;
  outbox_.append(data, size);
  if (outbox_.size() >= kFlushAt && !flush()) return -1;
  return static_cast<ssize_t>(size);
}

bool WireStream::flush() {
  std::size_t sent = 0;
  while (sent < outbox_.size()) {
    if (waiter_.stopped()) return fail(ErrorCode::kCanceled, "canceled") >= 0;
    const auto result = channel_.write(std::string_view(outbox_).substr(sent));
    if (result.state == IoState::kDone) {
      sent += result.bytes;
    } else if (result.state == IoState::kFailed || result.state == IoState::kEnd) {
      // The peer may have answered before it closed (413, 401): what it said is worth more than a broken pipe.
      outbox_.clear();
      return true;
    } else if (!wait(result.state)) {
      return false;
    }
  }
  outbox_.clear();
  return true;
}

ssize_t WireStream::fill() {
  if (!flush()) return -1;
  while (true) {
    if (waiter_.stopped()) return fail(ErrorCode::kCanceled, "canceled");
    const auto result = channel_.read(inbox_.data(), inbox_.size());
    switch (result.state) {
      case IoState::kDone:
        got_bytes_ = true;
        position_ = 0;
        end_ = result.bytes;
        if (head_complete_ && limits_.idle.count() > 0) deadline_ = std::chrono::steady_clock::now() + limits_.idle;
        return static_cast<ssize_t>(result.bytes);
      case IoState::kEnd:
        return 0;
      case IoState::kFailed:
        if (channel_.certificate_refused()) {
          return fail(ErrorCode::kUnauthenticated,
                      "the server did not accept our client certificate: " + channel_.error());
        }
        return fail(ErrorCode::kUnavailable, "connection lost: " + channel_.error());
      default:
        if (!wait(result.state)) return -1;
    }
  }
}

ssize_t WireStream::read(char* buffer, size_t size) {
  if (failure_) return -1;
  if (position_ == end_) {
    if (const auto got = fill(); got <= 0) return got;
  }
  auto take = std::min(size, end_ - position_);
  // httplib reads a head byte by byte, so `take` never reaches beyond it.
  if (!head_complete_) take = 1;
  std::memcpy(buffer, inbox_.data() + position_, take);
  position_ += take;
  if (!head_complete_) watch_head(buffer, take);
  if (failure_) return -1;
  return static_cast<ssize_t>(take);
}

void WireStream::watch_head(const char* data, std::size_t size) {
  head_.append(data, size);
  if (head_.size() + interim_bytes_ > limits_.max_head_bytes) {
    fail(ErrorCode::kResourceExhausted, "the answer's head is too large");
    return;
  }
  if (!head_.ends_with("\r\n\r\n")) return;
  if (head_.starts_with("HTTP/1.1 100")) {  // an interim answer; the real one follows
    interim_bytes_ += head_.size();
    head_.clear();
    return;
  }
  head_complete_ = true;
  deadline_ = limits_.idle.count() > 0 ? std::chrono::steady_clock::now() + limits_.idle : limits_.body_deadline;
}

}  // namespace fracta::net
