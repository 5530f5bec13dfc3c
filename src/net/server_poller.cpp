// The poller: accepts, waits for sockets, and ends what takes too long.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <algorithm>
#include <cerrno>

#include "fracta/base/log.hpp"
#include "net/server_engine.hpp"

namespace fracta::net {
namespace {

constexpr std::chrono::milliseconds kSweepEvery{50};
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr int kAcceptsPerEvent = 64;
constexpr std::chrono::milliseconds kBeforeRefusal{100};  // whoever asked for it gets an answer

std::string address_text(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  if (address.ss_family == AF_INET) bytes = &reinterpret_cast<const sockaddr_in*>(&address)->sin_addr;
  if (address.ss_family == AF_INET6) bytes = &reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr;
  if (bytes == nullptr) return "unix";
  inet_ntop(address.ss_family, bytes, text.data(), text.size());
  return text.data();
}

void set_socket_options(int fd, int family) {
  if (family != AF_INET && family != AF_INET6) return;
  const auto set = [fd](int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof value); };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  // A peer that vanished without a FIN must not keep a stream for ever.
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

}  // namespace

void ServerEngine::poll_loop() {
  std::array<epoll_event, 256> events{};
  auto next_sweep = Clock::now();
  while (!poller_done_) {
    const int count = epoll_wait(epoll_.get(), events.data(), events.size(), static_cast<int>(kSweepEvery.count()));
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == kListenerId) {
        accept_all();
      } else if (event.data.u64 == kWakeId) {
        eventfd_t value = 0;
        eventfd_read(wake_.get(), &value);
        next_sweep = Clock::now();
      } else {
        on_event(event.data.u64, event.events);
      }
    }
    if (const auto now = Clock::now(); now >= next_sweep) {
      sweep(now);
      next_sweep = now + kSweepEvery;
    }
  }
}

void ServerEngine::watch_listener(bool on) {
  epoll_event event{};
  event.events = on ? EPOLLIN : 0U;
  event.data.u64 = kListenerId;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, listener_.fd(), &event) != 0) {
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_.fd(), &event);
  }
  accepting_ = on;
}

void ServerEngine::accept_all() {
  for (int i = 0; i < kAcceptsPerEvent; ++i) {
    if (!accept_one()) return;
  }
}

// False: nobody is waiting, or the process has no descriptor left.
bool ServerEngine::accept_one() {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  Descriptor socket(
      ::accept4(listener_.fd(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket.valid()) {
    if (errno == ECONNABORTED || errno == EINTR) return true;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
    // The listener would stay readable and spin the loop.
    accept_again_ = Clock::now() + kAcceptPause;
    watch_listener(false);
    return false;
  }
  set_socket_options(socket.get(), address.ss_family);
  const int fd = socket.get();
  auto connection = std::make_shared<Connection>(next_id_++, std::move(socket), limits_);
  connection->peer_address = address_text(address);
  connection->deadline = Clock::now() + options_.head_timeout;
  if (tls_.enabled()) {
    connection->phase = Phase::kHandshake;
    if (!connection->channel.start_tls(tls_.current().get(), true)) return true;
  }
  if (!make_room()) return true;  // closed by leaving scope
  {
    const std::lock_guard lock(table_mutex_);
    table_.emplace(connection->id, connection);
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.u64 = connection->id;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    const std::lock_guard lock(connection->mutex);
    close(connection);
  }
  return true;
}

// At the limit the oldest connection that holds no complete request goes, so that those who only hold connections open
// cannot keep others out. False: all of them are being served.
bool ServerEngine::make_room() {
  {
    const std::lock_guard lock(table_mutex_);
    if (table_.size() < options_.max_connections) return true;
  }
  auto connections = all_connections();
  std::sort(connections.begin(), connections.end(), [](const auto& a, const auto& b) { return a->id < b->id; });
  for (const auto& connection : connections) {
    const std::unique_lock lock(connection->mutex, std::try_to_lock);
    if (!lock.owns_lock()) continue;
    const auto phase = connection->phase;
    if (phase != Phase::kHandshake && phase != Phase::kReading && phase != Phase::kLinger) continue;
    close(connection);
    return true;
  }
  return false;
}

void ServerEngine::on_event(std::uint64_t id, std::uint32_t events) {
  ConnectionPtr connection;
  {
    const std::lock_guard lock(table_mutex_);
    const auto found = table_.find(id);
    if (found == table_.end()) return;
    connection = found->second;
  }
  std::optional<std::stop_source> gone;
  {
    const std::lock_guard lock(connection->mutex);
    if (connection->phase == Phase::kStreaming) {
      if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) gone = connection->stop;
    } else if (connection->phase != Phase::kBusy && connection->phase != Phase::kClosed) {
      step(connection);
    }
  }
  // Outside the lock: stop callbacks are the handler's code.
  if (gone) gone->request_stop();
}

// Poller thread: starts and ends the time in which nobody is let in.
void ServerEngine::step_refusal(Clock::time_point now) {
  if (const auto asked = refuse_ms_.exchange(0); asked > 0 && options_.unix_socket.empty()) {
    refuse_from_ = now + kBeforeRefusal;
    refuse_until_ = refuse_from_ + std::chrono::milliseconds(asked);
  }
  if (refuse_from_ != Clock::time_point{} && now >= refuse_from_) {
    refuse_from_ = {};
    accepting_ = false;
    listener_.close();
    for (const auto& connection : all_connections()) connection->channel.abort();
  }
  if (refuse_until_ == Clock::time_point{} || now < refuse_until_) return;
  auto again = Listener::tcp(options_.host, port_);
  if (!again) return;  // somebody else has the port for a moment; the next sweep tries again
  listener_ = std::move(*again);
  refuse_until_ = {};
}

void ServerEngine::sweep(Clock::time_point now) {
  const bool stopping = stopping_;
  if (!stopping) step_refusal(now);
  if (stopping && listener_.fd() >= 0) {
    accepting_ = false;
    listener_.close();
  } else if (!accepting_ && !stopping && listener_.fd() >= 0 && now >= accept_again_) {
    watch_listener(true);
  }
  for (const auto& connection : all_connections()) {
    std::optional<std::stop_source> stream;
    {
      // Whoever holds it is stepping it right now; there is another sweep.
      const std::unique_lock lock(connection->mutex, std::try_to_lock);
      if (!lock.owns_lock()) continue;
      if (stopping) close_idle(connection);
      if (stopping && connection->phase == Phase::kStreaming) stream = connection->stop;
      const bool timed = connection->phase != Phase::kBusy && connection->phase != Phase::kStreaming;
      if (timed && now >= connection->deadline) expire(connection);
    }
    if (stream) stream->request_stop();
  }
}

// The server stops: whatever holds no complete request goes at once.
void ServerEngine::close_idle(const ConnectionPtr& connection) {
  if (connection->phase == Phase::kHandshake || connection->phase == Phase::kReading ||
      connection->phase == Phase::kLinger) {
    connection->channel.end_output();
    close(connection);
  }
}

void ServerEngine::expire(const ConnectionPtr& connection) {
  if (connection->phase == Phase::kReading && (connection->parser.started() || !connection->inbox.empty())) {
    refuse(*connection, 408, "the request did not arrive in time");
    step(connection);
    return;
  }
  if (connection->phase == Phase::kReading) connection->channel.end_output();
  close(connection);
}

}  // namespace fracta::net
