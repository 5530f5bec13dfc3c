#include "net/websocket_session.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "fracta/base/text.hpp"

namespace fracta::net {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kReadBytes = 32u << 10;
constexpr std::size_t kMaxReason = 123;

// Fresh and unpredictable for every frame (RFC 6455 10.3).
std::string new_mask() {
  std::array<unsigned char, 4> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  return {bytes.begin(), bytes.end()};
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
  if (code == kCloseNoStatus) return {};
  std::string payload{static_cast<char>(code >> 8U), static_cast<char>(code & 0xffU)};
  std::size_t size = std::min(reason.size(), kMaxReason);
  while (size > 0 && !is_valid_utf8(reason.substr(0, size))) --size;  // never cut a character in two
  return payload.append(reason.substr(0, size));
}

}  // namespace

WebSocketSession::WebSocketSession(RawConnection& raw, Side side, std::string protocol, const WebSocketOptions& options)
    : raw_(raw),
      side_(side),
      protocol_(std::move(protocol)),
      options_(options),
      reader_(side == Side::kServer, options.max_message_bytes) {}

WebSocketSession::~WebSocketSession() {
  if (!over_) WebSocketSession::close(kCloseGoingAway, "");
}

bool WebSocketSession::send(Opcode opcode, std::string_view payload) {
  const std::lock_guard lock(mutex_);
  if (close_sent_) return false;
  close_sent_ = opcode == Opcode::kClose;
  return raw_.write(encode_frame(opcode, payload, side_ == Side::kClient ? new_mask() : std::string()));
}

void WebSocketSession::close(std::uint16_t code, std::string_view reason) {
  (void)send(Opcode::kClose, close_payload(code, reason));
}

Error WebSocketSession::end(ErrorCode code, std::string what) {
  over_ = make_error(code, "WebSocket: " + std::move(what));
  return *over_;
}

Error WebSocketSession::fail(std::uint16_t code, const std::string& what) {
  close(code, what);
  return end(code == kCloseTooLarge ? ErrorCode::kResourceExhausted : ErrorCode::kInvalid, what);
}

std::optional<milliseconds> WebSocketSession::patience(Clock::time_point deadline) {
  const auto now = Clock::now();
  const auto left = [now](Clock::time_point until) {
    return std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(until - now));
  };
  if (options_.ping_interval.count() <= 0) return left(deadline);
  const auto ping_at = heard_ + options_.ping_interval, dead_at = ping_at + options_.pong_timeout;
  if (now >= dead_at) return std::nullopt;
  if (!pinged_ && now >= ping_at) pinged_ = send(Opcode::kPing, "");
  return std::min(left(deadline), left(now < ping_at ? ping_at : dead_at));
}

Result<WebSocketMessage> WebSocketSession::receive(milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (!over_) {
    while (auto frame = reader_.next()) {
      if (auto message = take(std::move(*frame))) return *std::move(message);
      if (over_) return *over_;
    }
    if (reader_.error()) return fail(reader_.error()->code, reader_.error()->what);
    const auto wait = patience(deadline);
    if (!wait) return end(ErrorCode::kUnavailable, "the peer has not been heard of for too long");
    std::array<char, kReadBytes> buffer;  // NOLINT: filled by read()
    const auto got = raw_.read(buffer.data(), buffer.size(), *wait);
    if (got > 0) {
      heard_ = Clock::now();
      pinged_ = false;
      reader_.feed({buffer.data(), static_cast<std::size_t>(got)});
    } else if (got == -2) {
      if (Clock::now() >= deadline)
        return make_error(ErrorCode::kDeadlineExceeded, "WebSocket: no message within the time given");
    } else if (raw_.stop().stop_requested()) {
      return end(ErrorCode::kCanceled, "stopped");
    } else {
      return end(ErrorCode::kUnavailable, "the connection was lost");
    }
  }
  return *over_;
}

std::optional<WebSocketMessage> WebSocketSession::take(Frame frame) {
  if (is_control(frame.opcode)) {
    control(frame);
    return std::nullopt;
  }
  if ((frame.opcode == Opcode::kContinuation) != in_message_) {
    (void)fail(kCloseProtocolError, in_message_ ? "a new message inside another" : "a continuation of nothing");
    return std::nullopt;
  }
  if (!in_message_) message_ = {frame.opcode == Opcode::kText, {}};
  if (message_.data.size() + frame.payload.size() > options_.max_message_bytes) {
    (void)fail(kCloseTooLarge, "message too large");
    return std::nullopt;
  }
  message_.data.append(frame.payload);
  in_message_ = !frame.final;
  if (in_message_) return std::nullopt;
  if (message_.text && !is_valid_utf8(message_.data)) {
    (void)fail(kCloseBadText, "text that is not UTF-8");
    return std::nullopt;
  }
  return std::move(message_);
}

void WebSocketSession::control(const Frame& frame) {
  if (frame.opcode == Opcode::kPing) (void)send(Opcode::kPong, frame.payload);
  if (frame.opcode == Opcode::kClose) close_received(frame.payload);
}

void WebSocketSession::close_received(const std::string& payload) {
  WebSocketClose closed;
  if (!payload.empty()) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(payload[i])); };
    const unsigned code = payload.size() < 2 ? 0 : byte(0) << 8U | byte(1);
    if (!is_close_code(code)) {
      (void)fail(kCloseProtocolError, "malformed close frame");
      return;
    }
    closed = {static_cast<std::uint16_t>(code), payload.substr(2)};
    if (!is_valid_utf8(closed.reason)) {
      (void)fail(kCloseBadText, "reason that is not UTF-8");
      return;
    }
  }
  close(closed.code, "");  // the answer, unless we were first
  std::string what = "closed by the peer with code " + std::to_string(closed.code);
  if (!closed.reason.empty()) what += ": " + closed.reason;
  peer_close_ = std::move(closed);
  (void)end(ErrorCode::kUnavailable, std::move(what));
}

}  // namespace fracta::net
