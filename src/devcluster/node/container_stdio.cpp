#include "devcluster/node/container_stdio.hpp"

#include <fcntl.h>

#include <thread>

#include "devcluster/node/stdin_pump.hpp"
#include "devcluster/node/terminal.hpp"

namespace fracta::devcluster {
namespace {

constexpr std::size_t kMaxBehind = 4u << 20;  // what one slow reader may keep in memory

}  // namespace

void ContainerStdio::publish(bool error_stream, std::string_view bytes) {
  {
    const std::lock_guard lock(mutex_);
    for (auto* subscriber : subscribers_) {
      if (subscriber->bytes + bytes.size() > kMaxBehind) subscriber->overrun = true;
      if (subscriber->overrun) continue;
      subscriber->chunks.emplace_back(error_stream, bytes);
      subscriber->bytes += bytes.size();
    }
  }
  changed_.notify_all();
}

void ContainerStdio::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    input_.reset();
  }
  changed_.notify_all();
}

UniqueFd ContainerStdio::duplicate_input() {
  const std::lock_guard lock(mutex_);
  return UniqueFd(input_.valid() ? ::fcntl(input_.get(), F_DUPFD_CLOEXEC, 3) : -1);
}

Result<void> ContainerStdio::attach(bool with_stdin, ExecStreams& streams) {
  Subscriber self;
  {
    const std::lock_guard lock(mutex_);
    subscribers_.push_back(&self);
  }
  UniqueFd input = duplicate_input();
  const UniqueFd terminal = terminal_ ? duplicate_input() : UniqueFd();
  if (terminal.valid()) {
    streams.on_resize(
        [fd = terminal.get()](unsigned short columns, unsigned short rows) { resize_terminal(fd, columns, rows); });
  }
  std::jthread feeder;
  if (with_stdin && input.valid()) {
    // It owns the descriptor: the container sees the end of its input only when all copies are closed.
    feeder = std::jthread([this, &streams, fd = std::move(input)](const std::stop_token& stop) mutable {
      const bool ended = pump_stdin(stop, streams, fd.get());
      fd.reset();
      if (!ended || !once_ || terminal_) return;
      const std::lock_guard lock(mutex_);
      input_.reset();
    });
  }
  auto result = forward(self, streams);
  feeder = {};  // joins
  streams.on_resize({});
  const std::lock_guard lock(mutex_);
  subscribers_.remove(&self);
  return result;
}

Result<void> ContainerStdio::forward(Subscriber& subscriber, ExecStreams& streams) {
  std::unique_lock lock(mutex_);
  while (true) {
    (void)changed_.wait(lock, streams.stop(),
                        [&] { return closed_ || subscriber.overrun || !subscriber.chunks.empty(); });
    if (subscriber.overrun) return make_error(ErrorCode::kResourceExhausted, "the client reads too slowly");
    if (streams.stop().stop_requested()) return make_error(ErrorCode::kCanceled, "the client has gone");
    if (subscriber.chunks.empty()) return {};
    auto [error_stream, bytes] = std::move(subscriber.chunks.front());
    subscriber.chunks.pop_front();
    subscriber.bytes -= bytes.size();
    lock.unlock();
    const bool sent = error_stream ? streams.write_stderr(bytes) : streams.write_stdout(bytes);
    lock.lock();
    if (!sent) return make_error(ErrorCode::kCanceled, "the client has gone");
  }
}

}  // namespace fracta::devcluster
