// The client's end: dial, shake hands, talk.
#include <openssl/rand.h>
#include <poll.h>

#include <algorithm>
#include <array>

#include "fracta/base/text.hpp"
#include "fracta/version.hpp"
#include "net/dialer.hpp"
#include "net/response_head.hpp"
#include "net/stream_io.hpp"
#include "net/tokens.hpp"
#include "net/websocket_handshake.hpp"
#include "net/websocket_session.hpp"

namespace fracta::net {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kMaxHeadBytes = 64u << 10;
constexpr std::size_t kMaxRefusalText = 1024;
constexpr milliseconds kWriteTimeout{30'000};

// The dialed connection as the session wants it. A fired stop token aborts it, which wakes reader and writers.
class ClientConnection final : public RawConnection {
 public:
  ClientConnection(std::unique_ptr<Channel> channel, std::stop_token stop)
      : channel_(std::move(channel)), stop_(std::move(stop)), on_stop_(stop_, Abort{channel_.get()}) {}

  std::ptrdiff_t read(char* buffer, std::size_t size, milliseconds timeout) override {
    if (!rest_.empty()) {
      const auto take = std::min(size, rest_.size());
      std::copy_n(rest_.data(), take, buffer);
      rest_.erase(0, take);
      return static_cast<std::ptrdiff_t>(take);
    }
    const auto deadline = Clock::now() + timeout;
    while (true) {
      const auto result = channel_->read(buffer, size);
      if (result.state == IoState::kDone) return static_cast<std::ptrdiff_t>(result.bytes);
      if (result.state == IoState::kEnd) return stop_.stop_requested() ? -1 : 0;
      if (result.state == IoState::kFailed) return -1;
      const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) return -2;
      pollfd entry{channel_->fd(), static_cast<short>(result.state == IoState::kWantWrite ? POLLOUT : POLLIN), 0};
      (void)::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left, 1'000'000)));
    }
  }
  bool write(std::string_view bytes) override {
    const std::lock_guard lock(write_mutex_);
    return write_all(*channel_, bytes, kWriteTimeout);
  }
  [[nodiscard]] std::stop_token stop() const override { return stop_; }

  void put_back(std::string bytes) { rest_ = std::move(bytes); }

 private:
  struct Abort {
    Channel* channel;
    void operator()() const { channel->abort(); }
  };
  std::unique_ptr<Channel> channel_;
  std::mutex write_mutex_;
  std::string rest_;  // came with the handshake's answer
  std::stop_token stop_;
  std::stop_callback<Abort> on_stop_;
};

// Session and connection in one, in the order they must go.
class ClientWebSocket final : public WebSocket {
 public:
  ClientWebSocket(std::unique_ptr<ClientConnection> connection, std::string protocol, const WebSocketOptions& options)
      : connection_(std::move(connection)),
        session_(*connection_, WebSocketSession::Side::kClient, std::move(protocol), options) {}
  Result<WebSocketMessage> receive(milliseconds timeout) override { return session_.receive(timeout); }
  bool send_text(std::string_view text) override { return session_.send_text(text); }
  bool send_binary(std::string_view bytes) override { return session_.send_binary(bytes); }
  void close(std::uint16_t code, std::string_view reason) override { session_.close(code, reason); }
  [[nodiscard]] const std::optional<WebSocketClose>& peer_close() const override { return session_.peer_close(); }
  [[nodiscard]] const std::string& protocol() const override { return session_.protocol(); }
  [[nodiscard]] std::stop_token stop() const override { return connection_->stop(); }

 private:
  std::unique_ptr<ClientConnection> connection_;
  WebSocketSession session_;
};

std::string new_key() {
  std::array<unsigned char, 16> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  return base64_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<std::string> handshake_head(const Url& url, const WebSocketRequest& request, const std::string& key) {
  const std::string target = url.path + request.target;
  if (!is_target(target) || target.front() != '/')
    return make_error(ErrorCode::kInvalid, "WebSocket: the target must begin with '/' and hold no spaces");
  std::string head = "GET " + target + " HTTP/1.1\r\n";
  const auto add = [&head](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
  };
  const bool standard = url.port == (url.scheme == "https" ? 443 : 80);
  const auto authority = url.authority();
  add("Host", standard ? authority.substr(0, authority.rfind(':')) : authority);
  add("Upgrade", "websocket");
  add("Connection", "Upgrade");
  add("Sec-WebSocket-Version", "13");
  add("Sec-WebSocket-Key", key);
  if (!request.protocols.empty()) add("Sec-WebSocket-Protocol", join(request.protocols, ", "));
  if (!request.headers.has("User-Agent")) add("User-Agent", std::string("fracta/") + kVersion);
  for (const auto& [name, value] : request.headers.entries()) {
    if (!is_token(name) || !is_header_value(value))
      return make_error(ErrorCode::kInvalid, "WebSocket: malformed header " + name);
    add(name, value);
  }
  return head + "\r\n";
}

struct Answer {
  ResponseHead head;
  std::string rest;
};

Result<Answer> read_answer(ClientConnection& connection, Clock::time_point deadline) {
  std::string text;
  std::array<char, 4096> buffer;  // NOLINT: filled by read()
  auto end = std::string::npos;
  while ((end = text.find("\r\n\r\n")) == std::string::npos) {
    if (text.size() > kMaxHeadBytes) return make_error(ErrorCode::kResourceExhausted, "the answer's head is too large");
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    const auto got = connection.read(buffer.data(), buffer.size(), std::max(left, milliseconds{0}));
    if (got == -2) return make_error(ErrorCode::kDeadlineExceeded, "no answer to the WebSocket handshake in time");
    if (got <= 0) {
      if (connection.stop().stop_requested()) return make_error(ErrorCode::kCanceled, "canceled");
      return make_error(ErrorCode::kUnavailable, "the connection was lost during the WebSocket handshake");
    }
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  auto head = parse_response_head(std::string_view(text).substr(0, end + 4));
  if (!head) return head.error();
  return Answer{std::move(*head), text.substr(end + 4)};
}

Error refused(ClientConnection& connection, Answer answer) {
  const int status = answer.head.status;
  const ErrorCode code = status == 401   ? ErrorCode::kUnauthenticated
                         : status == 403 ? ErrorCode::kForbidden
                         : status == 404 ? ErrorCode::kNotFound
                                         : ErrorCode::kUnavailable;
  // What is there of the text says why; waiting for all of it would be waiting on a stranger.
  std::array<char, kMaxRefusalText> buffer;  // NOLINT: filled by read()
  if (answer.rest.empty()) {
    const auto got = connection.read(buffer.data(), buffer.size(), milliseconds{500});
    if (got > 0) answer.rest.assign(buffer.data(), static_cast<std::size_t>(got));
  }
  std::string message = "the server answered the WebSocket handshake with " + std::to_string(status);
  if (const auto text = trim(answer.rest); !text.empty()) message += ": " + shorten(std::string(text), kMaxRefusalText);
  Error error = make_error(code, std::move(message));
  error.http_status = status;
  return error;
}

// What a proxy in between or a server of another kind would get wrong.
Result<std::string> check_upgrade(const ResponseHead& head, const std::string& key,
                                  const std::vector<std::string>& protocols) {
  const auto wrong = [](const char* what) {
    return make_error(ErrorCode::kUnavailable, std::string("WebSocket handshake: ") + what);
  };
  if (!header_has_token(head.headers, "Upgrade", "websocket") ||
      !header_has_token(head.headers, "Connection", "upgrade"))
    return wrong("the answer does not upgrade to WebSocket");
  if (trim(head.headers.get("Sec-WebSocket-Accept").value_or("")) != websocket_accept_key(key))
    return wrong("the answer has a wrong Sec-WebSocket-Accept");
  if (head.headers.has("Sec-WebSocket-Extensions")) return wrong("the server uses extensions nobody asked for");
  std::string chosen(trim(head.headers.get("Sec-WebSocket-Protocol").value_or("")));
  if (!chosen.empty() && std::find(protocols.begin(), protocols.end(), chosen) == protocols.end())
    return wrong("the server chose a protocol nobody offered");
  return chosen;
}

}  // namespace

Result<std::unique_ptr<WebSocket>> connect_websocket(const Url& url, const TransportOptions& transport,
                                                     const WebSocketRequest& request, const WebSocketOptions& options) {
  const auto in_context = [&](const Error& error) { return error.with_context("WebSocket at " + url.authority()); };
  const std::string key = new_key();
  auto head = handshake_head(url, request, key);
  if (!head) return head.error();
  auto dialer = Dialer::create(url, transport);
  if (!dialer) return dialer.error();
  Waiter waiter(request.stop);
  auto channel = (*dialer)->dial(waiter, request.stop);
  if (!channel) return channel.error();
  auto connection = std::make_unique<ClientConnection>(std::move(*channel), request.stop);
  const auto deadline = Clock::now() + request.head_timeout;
  if (!connection->write(*head))
    return in_context(make_error(ErrorCode::kUnavailable, "the connection was lost during the WebSocket handshake"));
  auto answer = read_answer(*connection, deadline);
  if (!answer) return in_context(answer.error());
  if (answer->head.status != 101) return in_context(refused(*connection, std::move(*answer)));
  auto protocol = check_upgrade(answer->head, key, request.protocols);
  if (!protocol) return in_context(protocol.error());
  connection->put_back(std::move(answer->rest));
  return std::unique_ptr<WebSocket>(
      std::make_unique<ClientWebSocket>(std::move(connection), std::move(*protocol), options));
}

}  // namespace fracta::net
