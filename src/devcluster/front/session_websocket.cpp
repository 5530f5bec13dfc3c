// The session over WebSocket: every message begins with its channel's number. v5.channel.k8s.io adds the message
// 255,<channel>: the client has closed that channel. In the base64 protocols numbers are digits and the rest is base64.
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "devcluster/front/session.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/net/websocket.hpp"

namespace fracta::devcluster {
namespace {

constexpr std::string_view kV5 = "v5.channel.k8s.io";
constexpr char kCloseMark = '\xff';
constexpr std::chrono::milliseconds kReceive{500};
// A client that says nothing, not even pong, is gone.
constexpr std::chrono::seconds kPing{60};

bool is_base64(std::string_view protocol) { return protocol.find("base64.") != std::string_view::npos; }
// Only since version 4 the error channel carries a Status; before it is text, and nothing on success.
bool has_status(std::string_view protocol) { return protocol.starts_with("v4.") || protocol.starts_with("v5."); }

class WebSocketStreams final : public SessionStreams {
 public:
  WebSocketStreams(net::WebSocket& socket, const SessionOptions& options)
      : SessionStreams(options), socket_(socket), base64_(is_base64(socket.protocol())) {}

  // Until the connection ends.
  void receive(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      auto message = socket_.receive(kReceive);
      if (!message && message.error().code == ErrorCode::kDeadlineExceeded) continue;
      if (!message || !take(message->data)) break;
    }
    client_gone();
  }

  void greet() {
    (void)send(options_.out   ? SessionChannel::kStdout
               : options_.err ? SessionChannel::kStderr
                              : SessionChannel::kError,
               "");
  }
  bool send_error(std::string_view bytes) { return send(SessionChannel::kError, bytes); }

 private:
  bool send(SessionChannel channel, std::string_view bytes) override {
    const auto number = static_cast<char>(channel);
    if (base64_) return socket_.send_text(static_cast<char>('0' + number) + base64_encode(bytes));
    return socket_.send_binary(std::string(1, number).append(bytes));
  }

  bool take(std::string_view message) {
    if (message.empty()) return true;
    std::string decoded;
    char channel = message.front();
    message.remove_prefix(1);
    if (base64_) {
      auto bytes = base64_decode(message);
      if (!bytes) return false;
      decoded = std::move(*bytes);
      message = decoded;
      channel = static_cast<char>(channel - '0');
    } else if (channel == kCloseMark && socket_.protocol() == kV5) {
      if (message == std::string_view("\0", 1)) end_of_input();
      return true;
    }
    if (channel == static_cast<char>(SessionChannel::kStdin)) return input(message);
    if (channel == static_cast<char>(SessionChannel::kResize)) resize(message);
    return true;  // a real server, too, drops what comes on other channels
  }

  net::WebSocket& socket_;
  const bool base64_;
};

void run(net::WebSocket& socket, const Session& session) {
  WebSocketStreams streams(socket, session.options);
  streams.greet();
  const bool v5 = socket.protocol() == kV5;
  std::jthread receiver([&](const std::stop_token& stop) { streams.receive(stop); });
  const Result<int> result =
      session.refusal.empty() ? session.work(streams) : Result<int>(make_error(ErrorCode::kNotFound, session.refusal));
  const Json status = session_status(session, result, v5);
  if (has_status(socket.protocol())) {
    (void)streams.send_error(dump_json(status));
  } else if (!result || *result != 0) {
    (void)streams.send_error(string_at(status, "message"));
  }
  socket.close(net::kCloseNormal, "");
  streams.client_gone();
}

std::optional<std::string> choose_protocol(const std::vector<std::string>& offered) {
  if (offered.empty()) return "";
  for (const auto& protocol : offered) {
    for (const auto known : {kV5, std::string_view("v4.channel.k8s.io"), std::string_view("v4.base64.channel.k8s.io"),
                             std::string_view("channel.k8s.io"), std::string_view("base64.channel.k8s.io")})
      if (protocol == known) return protocol;
  }
  return std::nullopt;
}

}  // namespace

net::ServerResponse serve_websocket_session(const Call& call, Session session) {
  const auto protocol = choose_protocol(net::offered_protocols(*call.http));
  if (!protocol) {
    net::ServerResponse response;
    response.status = 403;  // as the real server's WebSocket library answers, without a body
    return response;
  }
  if (!session.refusal.empty()) {
    // Version 5 is the API server's own; older ones are passed on to the kubelet, whose answer comes back as it is.
    if (*protocol != kV5) {
      const bool options = session.refusal.starts_with("you must specify");
      return net::ServerResponse::text(options ? 400 : 500, session.refusal);
    }
    session.failure_prefix = "unable to upgrade connection: ";
  }
  net::WebSocketAccept accept;
  accept.protocol = *protocol;
  accept.options.ping_interval = accept.options.pong_timeout = kPing;
  accept.handler = [session = std::move(session)](net::WebSocket& socket) { run(socket, session); };
  return net::accept_websocket(*call.http, std::move(accept));
}

}  // namespace fracta::devcluster
