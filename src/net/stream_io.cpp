#include "net/stream_io.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <algorithm>
#include <cerrno>

namespace fracta::net {
namespace {

using Clock = std::chrono::steady_clock;

int remaining_ms(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000));
}

short poll_events(IoState state) { return state == IoState::kWantWrite ? POLLOUT : POLLIN; }

}  // namespace

bool write_all(Channel& channel, std::string_view bytes, std::chrono::milliseconds timeout) {
  auto deadline = Clock::now() + timeout;
  while (!bytes.empty()) {
    const auto result = channel.write(bytes);
    if (result.state == IoState::kDone) {
      bytes.remove_prefix(result.bytes);
      deadline = Clock::now() + timeout;
      continue;
    }
    if (result.state != IoState::kWantRead && result.state != IoState::kWantWrite) return false;
    pollfd entry{channel.fd(), poll_events(result.state), 0};
    if (::poll(&entry, 1, remaining_ms(deadline)) == 0 && Clock::now() >= deadline) return false;
  }
  return true;
}

bool ChunkStream::write_head(std::string_view head) {
  broken_ = broken_ || !write_all(connection_.channel, head, write_timeout_);
  return !broken_;
}

bool ChunkStream::write(std::string_view bytes) {
  if (broken_ || stop_.stop_requested()) return false;
  if (bytes.empty()) return true;  // an empty chunk would end the answer
  if (!chunked_) return write_head(bytes);
  auto chunk = fmt::format("{:x}\r\n", bytes.size());
  chunk.reserve(chunk.size() + bytes.size() + 2);
  chunk.append(bytes).append("\r\n");
  return write_head(chunk);
}

bool ChunkStream::finish() { return chunked_ ? write_head("0\r\n\r\n") : !broken_; }

std::ptrdiff_t UpgradedConnection::read(char* buffer, std::size_t size, std::chrono::milliseconds timeout) {
  // Bytes that came in the same segment as the request belong to the new protocol.
  if (!connection_.inbox.empty()) {
    const auto take = std::min(size, connection_.inbox.size());
    std::copy_n(connection_.inbox.data(), take, buffer);
    connection_.inbox.erase(0, take);
    return static_cast<std::ptrdiff_t>(take);
  }
  const auto deadline = Clock::now() + timeout;
  while (true) {
    const auto result = connection_.channel.read(buffer, size);
    if (result.state == IoState::kDone) return static_cast<std::ptrdiff_t>(result.bytes);
    if (result.state == IoState::kEnd) return 0;
    if (result.state == IoState::kFailed) return -1;
    std::array<pollfd, 2> entries = {pollfd{connection_.channel.fd(), poll_events(result.state), 0},
                                     pollfd{stop_event_, POLLIN, 0}};
    const int ready = ::poll(entries.data(), entries.size(), remaining_ms(deadline));
    if (entries[1].revents != 0) return -1;
    if (ready <= 0 && Clock::now() >= deadline) return -2;
  }
}

bool UpgradedConnection::write(std::string_view bytes) {
  const std::lock_guard lock(write_mutex_);
  return write_all(connection_.channel, bytes, write_timeout_);
}

}  // namespace fracta::net
