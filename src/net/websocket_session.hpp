// One end of an open WebSocket over any raw connection; client and server differ only in who masks.
#pragma once

#include <mutex>
#include <string>

#include "fracta/net/websocket.hpp"
#include "net/websocket_frame.hpp"

namespace fracta::net {

class WebSocketSession final : public WebSocket {
 public:
  enum class Side { kServer, kClient };
  // `raw` outlives the session.
  WebSocketSession(RawConnection& raw, Side side, std::string protocol, const WebSocketOptions& options);
  ~WebSocketSession() override;
  WebSocketSession(const WebSocketSession&) = delete;
  WebSocketSession& operator=(const WebSocketSession&) = delete;

  Result<WebSocketMessage> receive(std::chrono::milliseconds timeout) override;
  bool send_text(std::string_view text) override { return send(Opcode::kText, text); }
  bool send_binary(std::string_view bytes) override { return send(Opcode::kBinary, bytes); }
  void close(std::uint16_t code, std::string_view reason) override;
  [[nodiscard]] const std::optional<WebSocketClose>& peer_close() const override { return peer_close_; }
  [[nodiscard]] const std::string& protocol() const override { return protocol_; }
  [[nodiscard]] std::stop_token stop() const override { return raw_.stop(); }

 private:
  using Clock = std::chrono::steady_clock;
  bool send(Opcode opcode, std::string_view payload);
  // A message when the frame completes one.
  std::optional<WebSocketMessage> take(Frame frame);
  void control(const Frame& frame);
  void close_received(const std::string& payload);
  Error fail(std::uint16_t code, const std::string& what);
  Error end(ErrorCode code, std::string what);
  // How long to wait for bytes, pinging when it is time; nothing when the peer is dead.
  std::optional<std::chrono::milliseconds> patience(Clock::time_point deadline);

  RawConnection& raw_;
  const Side side_;
  const std::string protocol_;
  const WebSocketOptions options_;

  // The receiving thread's.
  FrameReader reader_;
  bool in_message_ = false;
  WebSocketMessage message_;
  std::optional<Error> over_;
  std::optional<WebSocketClose> peer_close_;
  Clock::time_point heard_ = Clock::now();
  bool pinged_ = false;

  std::mutex mutex_;  // one frame at a time, none behind a close frame
  bool close_sent_ = false;
};

}  // namespace fracta::net
