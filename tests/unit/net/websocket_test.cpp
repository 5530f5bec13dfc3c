// Both ends of a WebSocket: against each other, and each against a raw peer that does what it should not.
#include "fracta/net/websocket.hpp"

#include <gmock/gmock.h>

#include <future>

#include "helpers.hpp"
#include "net/websocket_frame.hpp"
#include "net/websocket_handshake.hpp"

namespace fracta::net {
namespace {

using testing::RawClient;
using testing::run_server;
using testing::RunningServer;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr auto kSoon = 20s;
const std::string kMask = "mask";

RequestHandler websocket_handler(std::function<void(WebSocket&)> handler, WebSocketOptions options = {}) {
  return [handler = std::move(handler), options](const ServerRequest& request) {
    const auto offered = offered_protocols(request);
    return accept_websocket(request, {offered.empty() ? "" : offered.front(), options, handler});
  };
}

void echo(WebSocket& socket) {
  while (auto message = socket.receive(kSoon)) {
    if (!(message->text ? socket.send_text(message->data) : socket.send_binary(message->data))) return;
  }
}

Result<std::unique_ptr<WebSocket>> open(const RunningServer& server, WebSocketRequest request = {},
                                        const WebSocketOptions& options = {}, const TransportOptions& transport = {}) {
  return connect_websocket(server.url(), transport, request, options);
}

constexpr std::string_view kHandshake =
    "GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

// The close code in what a server sent last, 0 when there is none.
unsigned close_code(const std::string& bytes) {
  const auto at = bytes.find('\x88');
  if (at == std::string::npos || bytes.size() < at + 4) return 0;
  return static_cast<unsigned>(static_cast<unsigned char>(bytes[at + 2])) << 8U |
         static_cast<unsigned char>(bytes[at + 3]);
}

TEST(WebSocketHandshake, AnswersTheKeyOfTheStandard) {  // RFC 6455 1.3
  EXPECT_EQ(websocket_accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocket, CarriesMessagesBothWays) {
  const auto server = run_server(websocket_handler(echo));
  WebSocketRequest request;
  request.protocols = {"v5.channel.k8s.io", "other"};
  auto socket = open(server, std::move(request));
  ASSERT_TRUE(socket.ok()) << socket.error().message;
  EXPECT_EQ((*socket)->protocol(), "v5.channel.k8s.io");
  for (const std::size_t size : {0, 1, 125, 126, 127, 65'535, 65'536, 1'000'000}) {
    const std::string data(size, 'x');
    ASSERT_TRUE((*socket)->send_binary(data));
    auto answer = (*socket)->receive(kSoon);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_FALSE(answer->text);
    EXPECT_EQ(answer->data == data, true) << size;
  }
  ASSERT_TRUE((*socket)->send_text("grüße"));
  auto answer = (*socket)->receive(kSoon);
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(answer->text);
  EXPECT_EQ(answer->data, "grüße");
}

TEST(WebSocket, OverTls) {
  ServerOptions options;
  options.tls = testing::localhost_tls();
  auto server = run_server(std::move(options), websocket_handler(echo));
  server.scheme = "https";
  auto socket = open(server, {}, {}, testing::trusting_options());
  ASSERT_TRUE(socket.ok()) << socket.error().message;
  ASSERT_TRUE((*socket)->send_text("secret"));
  EXPECT_EQ((*socket)->receive(kSoon).value_or({}).data, "secret");
}

TEST(WebSocket, CloseCarriesCodeAndReasonToTheOtherEnd) {
  std::promise<std::optional<WebSocketClose>> answered;
  const auto server = run_server(websocket_handler([&](WebSocket& socket) {
    socket.close(4001, "done here");
    (void)socket.receive(kSoon);
    answered.set_value(socket.peer_close());
  }));
  auto socket = open(server);
  ASSERT_TRUE(socket.ok());
  auto end = (*socket)->receive(kSoon);
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE((*socket)->peer_close().has_value());
  EXPECT_EQ((*socket)->peer_close()->code, 4001);
  EXPECT_EQ((*socket)->peer_close()->reason, "done here");
  EXPECT_FALSE((*socket)->send_text("too late"));
  auto answer = answered.get_future();
  ASSERT_EQ(answer.wait_for(kSoon), std::future_status::ready);
  const auto closed = answer.get();
  EXPECT_TRUE(closed && closed->code == 4001) << "the client's answer";
}

TEST(WebSocket, NothingToReceiveIsATimeoutAndNotTheEnd) {
  const auto server = run_server(websocket_handler(echo));
  auto socket = open(server);
  ASSERT_TRUE(socket.ok());
  EXPECT_EQ((*socket)->receive(1ms).error().code, ErrorCode::kDeadlineExceeded);
  ASSERT_TRUE((*socket)->send_text("still here"));
  EXPECT_EQ((*socket)->receive(kSoon).value_or({}).data, "still here");
}

TEST(WebSocket, AStopTokenEndsAWaitingClient) {
  const auto server = run_server(websocket_handler(echo));
  std::stop_source stop;
  WebSocketRequest request;
  request.stop = stop.get_token();
  auto socket = open(server, std::move(request));
  ASSERT_TRUE(socket.ok());
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ((*socket)->receive(kSoon).error().code, ErrorCode::kCanceled);
}

TEST(WebSocket, APeerThatNeverAnswersPingsIsDead) {
  testing::ScriptedServer server([&](int fd, int) {
    const auto head = testing::ScriptedServer::read_head(fd);
    const auto at = head.find("Sec-WebSocket-Key: ") + 19;
    testing::ScriptedServer::send(
        fd, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
                websocket_accept_key(head.substr(at, head.find('\r', at) - at)) + "\r\n\r\n");
    testing::ScriptedServer::wait_for_end(fd);
  });
  WebSocketOptions options;
  options.ping_interval = options.pong_timeout = 20ms;
  auto socket = connect_websocket(server.url(), {}, {}, options);
  ASSERT_TRUE(socket.ok()) << socket.error().message;
  auto end = (*socket)->receive(kSoon);
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(end.error().message, HasSubstr("not been heard of"));
}

TEST(WebSocket, ARefusalSaysWhy) {
  const auto server = run_server([](const ServerRequest&) { return ServerResponse::text(403, "you may not\n"); });
  auto socket = open(server);
  ASSERT_FALSE(socket.ok());
  EXPECT_EQ(socket.error().code, ErrorCode::kForbidden);
  EXPECT_EQ(socket.error().http_status, 403);
  EXPECT_THAT(socket.error().message, HasSubstr("403: you may not"));
}

TEST(WebSocket, AnAnswerThatProvesNothingIsRefused) {
  for (const std::string extra : {"Sec-WebSocket-Accept: d3Jvbmc=\r\n", "Upgrade: h2c\r\n"}) {
    testing::ScriptedServer server([&](int fd, int) {
      (void)testing::ScriptedServer::read_head(fd);
      testing::ScriptedServer::send(fd,
                                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                    "Connection: Upgrade\r\n" +
                                        extra + "\r\n");
      testing::ScriptedServer::wait_for_end(fd);
    });
    auto socket = connect_websocket(server.url(), {}, {});
    ASSERT_FALSE(socket.ok());
    EXPECT_EQ(socket.error().code, ErrorCode::kUnavailable);
  }
}

TEST(WebSocket, HeadersCannotBeSmuggledIntoTheHandshake) {
  const auto server = run_server(websocket_handler(echo));
  WebSocketRequest request;
  request.headers.add("X", "a\r\nY: b");
  EXPECT_EQ(open(server, std::move(request)).error().code, ErrorCode::kInvalid);
  WebSocketRequest target;
  target.target = "/a b";
  EXPECT_EQ(open(server, std::move(target)).error().code, ErrorCode::kInvalid);
}

TEST(WebSocketServer, MalformedHandshakes) {
  const auto server = run_server(websocket_handler(echo));
  const auto status = [&](std::string_view from, std::string_view to) {
    std::string request(kHandshake);
    request.replace(request.find(from), from.size(), to);
    return RawClient(server.port()).status_of(request);
  };
  EXPECT_EQ(status("Version: 13", "Version: 8"), 426);
  EXPECT_EQ(status("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), 400);
  EXPECT_EQ(status("Upgrade: websocket", "Upgrade: h2c"), 400);
  EXPECT_EQ(status("GET", "DELETE"), 405);
}

// One message of the client after another; what the server answers until it closes.
std::string talk(const std::string& frames, WebSocketOptions options = {}) {
  const auto server = run_server(websocket_handler(echo, options));
  RawClient client(server.port());
  client.send(kHandshake);
  EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("101 Switching Protocols"));
  client.send(frames);
  return client.read_all();
}

std::string masked(Opcode opcode, std::string_view payload, bool final = true) {
  auto frame = encode_frame(opcode, payload, kMask);
  if (!final) frame[0] = static_cast<char>(frame[0] & 0x7f);
  return frame;
}
const std::string kGoodbye = encode_frame(Opcode::kClose, "\x03\xe8", kMask);

TEST(WebSocketServer, PutsFragmentsTogetherAndAnswersPingsBetweenThem) {
  const auto answer =
      talk(masked(Opcode::kText, "one ", false) + masked(Opcode::kPing, "p") +
           masked(Opcode::kContinuation, "two ", false) + masked(Opcode::kContinuation, "three") + kGoodbye);
  EXPECT_EQ(answer, encode_frame(Opcode::kPong, "p", "") + encode_frame(Opcode::kText, "one two three", "") +
                        encode_frame(Opcode::kClose, "\x03\xe8", ""));
}

TEST(WebSocketServer, EndsWhatBreaksTheProtocol) {
  EXPECT_EQ(close_code(talk(encode_frame(Opcode::kText, "bare", ""))), kCloseProtocolError);
  EXPECT_EQ(close_code(talk("\xc1\x80mask")), kCloseProtocolError);                      // reserved bit
  EXPECT_EQ(close_code(talk("\x83\x80mask")), kCloseProtocolError);                      // unknown opcode
  EXPECT_EQ(close_code(talk(masked(Opcode::kPing, "x", false))), kCloseProtocolError);   // fragmented control
  EXPECT_EQ(close_code(talk(masked(Opcode::kContinuation, "x"))), kCloseProtocolError);  // of nothing
  EXPECT_EQ(close_code(talk(masked(Opcode::kText, "a", false) + masked(Opcode::kText, "b"))), kCloseProtocolError);
  EXPECT_EQ(close_code(talk(std::string("\x82\xfe\x00\x05maskhello", 13))),
            kCloseProtocolError);  // length not shortest
  EXPECT_EQ(close_code(talk(masked(Opcode::kText, "\xff\xfe"))), kCloseBadText);
  EXPECT_EQ(close_code(talk(masked(Opcode::kClose, "x"))), kCloseProtocolError);
  EXPECT_EQ(close_code(talk(masked(Opcode::kClose, std::string("\x03\xed", 2)))), kCloseProtocolError);  // 1005
}

TEST(WebSocketServer, LimitsMessagesWholeAndInPieces) {
  WebSocketOptions options;
  options.max_message_bytes = 10;
  EXPECT_EQ(close_code(talk(masked(Opcode::kBinary, "01234567890"), options)), kCloseTooLarge);
  EXPECT_EQ(
      close_code(talk(masked(Opcode::kBinary, "012345", false) + masked(Opcode::kContinuation, "67890"), options)),
      kCloseTooLarge);
  // Announced, never sent: refused before it is waited for.
  EXPECT_EQ(close_code(talk(std::string("\x82\xff\x00\x00\x00\x01\x00\x00\x00\x00mask", 14), options)), kCloseTooLarge);
}

TEST(FrameReader, TakesBytesOneByOne) {
  FrameReader reader(true, 1000);
  const auto bytes = encode_frame(Opcode::kText, std::string(300, 'y'), kMask);
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    reader.feed(bytes.substr(i, 1));
    EXPECT_FALSE(reader.next().has_value());
  }
  reader.feed(bytes.substr(bytes.size() - 1));
  const auto frame = reader.next();
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->payload, std::string(300, 'y'));
  EXPECT_FALSE(reader.next().has_value());
}

}  // namespace
}  // namespace fracta::net
