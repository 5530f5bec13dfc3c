// How a connection goes on, one phase after the other, without ever waiting.
#include <sys/epoll.h>
#include <algorithm>

#include "net/response_writer.hpp"
#include "net/server_engine.hpp"

namespace fracta::net {
namespace {

// At least a TLS record, so that a read never leaves decrypted bytes behind that epoll knows nothing of.
constexpr std::size_t kReadBytes = 32u << 10;
constexpr int kReadsPerStep = 16;  // then others get their turn
constexpr std::chrono::seconds kLingerTime{2};
constexpr std::size_t kKeepBuffer = 16u << 10;

}  // namespace

void ServerEngine::step(const ConnectionPtr& connection) {
  bool go_on = true;
  while (go_on) {
    switch (connection->phase) {
      case Phase::kHandshake:
        go_on = step_handshake(connection);
        break;
      case Phase::kReading:
        go_on = step_reading(connection);
        break;
      case Phase::kWriting:
        go_on = step_writing(connection);
        break;
      case Phase::kLinger:
        go_on = step_linger(connection);
        break;
      default:
        go_on = false;
    }
  }
}

void ServerEngine::wait_for(const ConnectionPtr& connection, IoState state) {
  if (state == IoState::kWantRead) return arm(*connection, EPOLLIN);
  if (state == IoState::kWantWrite) return arm(*connection, EPOLLOUT);
  close(connection);
}

void ServerEngine::arm(Connection& connection, std::uint32_t events) {
  epoll_event event{};
  event.events = events | EPOLLONESHOT;
  event.data.u64 = connection.id;
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.channel.fd(), &event);
}

bool ServerEngine::step_handshake(const ConnectionPtr& connection) {
  const auto result = connection->channel.handshake();
  if (result.state == IoState::kFailed) {
    linger(*connection);  // or the alert that tells the client why would be lost
    return true;
  }
  if (result.state != IoState::kDone) {
    wait_for(connection, result.state);
    return false;
  }
  connection->identity = peer_identity(connection->channel.ssl());
  connection->phase = Phase::kReading;
  return true;
}

bool ServerEngine::step_reading(const ConnectionPtr& connection) {
  std::array<char, kReadBytes> buffer;  // NOLINT: filled by read()
  if (!connection->inbox.empty() && parse(connection)) return true;
  for (int i = 0; i < kReadsPerStep; ++i) {
    const auto result = connection->channel.read(buffer.data(), buffer.size());
    if (result.state != IoState::kDone) {
      wait_for(connection, result.state);
      return false;
    }
    const auto now = Clock::now();
    const bool first = !connection->parser.started() && connection->inbox.empty();
    if (first) connection->deadline = now + options_.head_timeout;
    connection->inbox.append(buffer.data(), result.bytes);
    if (parse(connection)) return true;
  }
  arm(*connection, EPOLLIN);
  return false;
}

// True when the connection has left kReading.
bool ServerEngine::parse(const ConnectionPtr& connection) {
  auto& parser = connection->parser;
  const auto before = parser.state();
  const auto state = parser.advance(connection->inbox);
  if (before == RequestParser::State::kHead && state == RequestParser::State::kBody) {
    connection->deadline = Clock::now() + options_.body_timeout;
  }
  if (state == RequestParser::State::kFailed) {
    refuse(*connection, parser.error_status(), parser.error_message());
    return true;
  }
  if (!count_body(*connection)) {
    refuse(*connection, 503, "too many request bodies at once; try again");
    return true;
  }
  if (state == RequestParser::State::kDone) {
    connection->phase = Phase::kBusy;
    enqueue(connection);
    return true;
  }
  if (parser.take_continue()) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    const auto sent = connection->channel.write(kContinue);
    // These few bytes always fit unless the peer has stopped reading; then it does not get served.
    if (sent.state != IoState::kDone || sent.bytes != kContinue.size()) {
      close(connection);
      return true;
    }
  }
  return false;
}

// Keeps the server's total of body bytes; false when it is over the limit.
bool ServerEngine::count_body(Connection& connection) {
  const auto now = connection.parser.request().body.size();
  if (now <= connection.counted_bytes) return true;
  const auto more = now - connection.counted_bytes;
  connection.counted_bytes = now;
  return body_bytes_.fetch_add(more) + more <= options_.max_total_body_bytes;
}

// Answers a request that no handler will see, and ends the connection.
void ServerEngine::refuse(Connection& connection, int status, const std::string& message) {
  auto response = ServerResponse::text(status, message + "\n");
  if (status == 503) response.headers.add("Retry-After", "1");
  HeadOptions options;
  options.keep_alive = false;
  connection.outbox = response_head(response, options) + response.body;
  connection.sent = 0;
  connection.close_after_write = true;
  connection.phase = Phase::kWriting;
  connection.deadline = Clock::now() + options_.write_timeout;
}

bool ServerEngine::step_writing(const ConnectionPtr& connection) {
  auto& out = connection->outbox;
  while (connection->sent < out.size()) {
    const auto result = connection->channel.write(std::string_view(out).substr(connection->sent));
    if (result.state != IoState::kDone) {
      wait_for(connection, result.state);
      return false;
    }
    connection->sent += result.bytes;
    connection->deadline = Clock::now() + options_.write_timeout;
  }
  release(*connection);
  if (connection->close_after_write || stopping_) {
    linger(*connection);
    return true;
  }
  next_request(*connection);
  if (!connection->inbox.empty()) return true;
  arm(*connection, EPOLLIN);  // most likely nothing is there yet: leave the read to the poller
  return false;
}

void ServerEngine::next_request(Connection& connection) {
  connection.outbox.clear();
  if (connection.outbox.capacity() > kKeepBuffer) connection.outbox.shrink_to_fit();
  if (connection.inbox.capacity() > 4 * kKeepBuffer) connection.inbox.shrink_to_fit();
  connection.sent = 0;
  connection.parser.reset();
  connection.stop.reset();
  connection.phase = Phase::kReading;
  connection.deadline = Clock::now() + (connection.inbox.empty() ? options_.keep_alive : options_.head_timeout);
}

// Closing with unread bytes in the socket makes the kernel send a reset, which may overtake the answer.
bool ServerEngine::step_linger(const ConnectionPtr& connection) {
  wait_for(connection, connection->channel.drain());
  return false;
}

void ServerEngine::linger(Connection& connection) {
  connection.channel.end_output();
  connection.inbox.clear();
  connection.phase = Phase::kLinger;
  connection.deadline = Clock::now() + kLingerTime;
}

void ServerEngine::close(const ConnectionPtr& connection) {
  connection->phase = Phase::kClosed;
  release(*connection);
  const std::lock_guard lock(table_mutex_);
  table_.erase(connection->id);
}

// The request is over: neither stop() nor the body budget counts it any longer.
void ServerEngine::release(Connection& connection) {
  body_bytes_ -= connection.counted_bytes;
  connection.counted_bytes = 0;
  if (!connection.active) return;
  connection.active = false;
  const std::lock_guard lock(active_mutex_);
  --active_;
  if (active_ == 0) idle_.notify_all();
}

}  // namespace fracta::net
