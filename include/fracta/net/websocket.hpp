// WebSockets (RFC 6455), both ends: the server's over HttpServer's upgraded connections, the client's over a connection
// of its own. No extensions (no compression). Whatever breaks the protocol ends the connection with the close code RFC
// 6455 7.4 gives it: 1002 for bad frames, 1007 for text that is not UTF-8, 1009 for messages above the limit.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/net/http_server.hpp"
#include "fracta/net/transport.hpp"

namespace fracta::net {

inline constexpr std::uint16_t kCloseNormal = 1000, kCloseGoingAway = 1001, kCloseProtocolError = 1002,
                               kCloseNoStatus = 1005,  // the peer's close frame named no code
    kCloseBadText = 1007, kClosePolicy = 1008, kCloseTooLarge = 1009, kCloseInternal = 1011;

struct WebSocketMessage {
  bool text = false;  // else binary
  std::string data;   // whole, however many frames it came in
};

struct WebSocketClose {
  std::uint16_t code = kCloseNoStatus;
  std::string reason;
};

struct WebSocketOptions {
  std::size_t max_message_bytes = 4u << 20;        // of received messages
  std::chrono::milliseconds ping_interval{0};      // silence after which receive() pings; 0 = never
  std::chrono::milliseconds pong_timeout{15'000};  // silence after that ping before the peer counts as dead
};

// One thread receives; any number of threads send at the same time. Pings are answered, and ping_interval is kept, only
// while somebody is in receive().
class WebSocket {
 public:
  virtual ~WebSocket() = default;  // closes with 1001 when nobody has closed it
  // The next message. kDeadlineExceeded: none came in `timeout`, call again. Everything else is the end:
  // kUnavailable (closed by the peer, see peer_close(); reset; silent for too long), kInvalid (the peer broke the
  // protocol), kResourceExhausted (message too large), kCanceled (stopped).
  virtual Result<WebSocketMessage> receive(std::chrono::milliseconds timeout) = 0;
  // False when the connection is over. `text` must be UTF-8.
  virtual bool send_text(std::string_view text) = 0;
  virtual bool send_binary(std::string_view bytes) = 0;
  // Sends a close frame (once). The peer's answer, if anybody still wants to see it, ends receive(). At most 123 bytes
  // of `reason` are sent.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  // The peer's close frame, once receive() has met it.
  [[nodiscard]] virtual const std::optional<WebSocketClose>& peer_close() const = 0;
  [[nodiscard]] virtual const std::string& protocol() const = 0;  // the subprotocol agreed on; may be empty
  [[nodiscard]] virtual std::stop_token stop() const = 0;
};

// Server side.

[[nodiscard]] bool is_websocket_request(const ServerRequest& request);
// Sec-WebSocket-Protocol, in the client's order.
[[nodiscard]] std::vector<std::string> offered_protocols(const ServerRequest& request);

struct WebSocketAccept {
  std::string protocol;  // answered as it is; empty = none. The caller has chosen among offered_protocols().
  WebSocketOptions options;
  std::function<void(WebSocket&)> handler;  // runs on the connection's own thread; the connection ends with it
};
// The 101 answer, or 400/405/426 with text when the request is no proper handshake.
ServerResponse accept_websocket(const ServerRequest& request, WebSocketAccept accept);

// Client side.

struct WebSocketRequest {
  std::string target = "/";  // behind the URL's own path, percent-encoded
  Headers headers;           // Authorization, ...
  std::vector<std::string> protocols;
  std::chrono::milliseconds head_timeout{30'000};  // for the answer to the handshake
  std::stop_token stop;                            // ends the connection whenever it fires
};
// Connects and shakes hands; `url` is the http(s) one (a ws:// address is http:// on the wire). A refusal becomes the
// error of its status (401 kUnauthenticated, 403 kForbidden, 404 kNotFound, else kUnavailable) with the beginning of
// the answer's text; redirects are not followed.
Result<std::unique_ptr<WebSocket>> connect_websocket(const Url& url, const TransportOptions& transport,
                                                     const WebSocketRequest& request,
                                                     const WebSocketOptions& options = {});

}  // namespace fracta::net
