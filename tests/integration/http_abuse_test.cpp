// The daemon's API in front of strangers: every attack of the list in libraries.md 5.2 and 5.4, against the real thing.
// While each of them runs, probes and other callers are served, and memory stays bounded.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "integration/access_fixture.hpp"

namespace fracta::testing {
namespace {

constexpr const char* kStaticToken = "0123456789abcdef-operator";

// Sends exactly the bytes it is told.
class Raw {
 public:
  explicit Raw(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Raw() { ::close(fd_); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;
  [[nodiscard]] bool connected() const { return connected_; }
  // False: the server does not want any more.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Everything until the server closes; at most 20 seconds of silence.
  [[nodiscard]] std::string read_all() const {
    std::string text;
    char buffer[4096];
    pollfd wait{fd_, POLLIN, 0};
    while (text.size() < (1u << 20) && ::poll(&wait, 1, 20'000) > 0) {
      const auto got = ::recv(fd_, buffer, sizeof buffer, 0);
      if (got <= 0) break;
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }
  [[nodiscard]] int status() const {
    const auto text = read_all();
    return text.starts_with("HTTP/1.1 ") && text.size() > 12 ? std::stoi(text.substr(9, 3)) : 0;
  }

 private:
  int fd_;
  bool connected_ = false;
};

// 0 under a sanitizer, whose own memory is larger than what is looked for.
std::size_t resident_mib() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 0;
#endif
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * 4096 >> 20;
}

class HttpAbuse : public AccessTest {
 protected:
  void SetUp() override {
    AccessTest::SetUp();
    if (HasFatalFailure()) return;
    const std::string file = *directory_ / "tokens";
    ASSERT_TRUE(write_file_atomic(file, std::string(kStaticToken) + ",olga,operator\n"));
    static_ = "  auth: {mode: static, token_file: " + file + "}\n";
  }
  void start_plain() {
    start("control_plane_api:\n" + static_);
    port_ = port_of(daemon_->address());
    before_ = resident_mib();
  }
  static int port_of(const std::string& address) { return std::stoi(address.substr(address.rfind(':') + 1)); }
  // A probe and somebody else's call are answered as if nothing were.
  void expect_served() {
    EXPECT_EQ(call("GET", "/livez").status, 200);
    EXPECT_EQ(call("GET", "/readyz").status, 200);
    EXPECT_EQ(as(kStaticToken, "GET", "/api/v1/agents").status, 200);
  }
  [[nodiscard]] int answer(const std::string& bytes) const {
    const Raw raw(port_);
    raw.send(bytes);
    return raw.status();
  }
  void expect_bounded_memory() { EXPECT_LT(resident_mib(), before_ + 48); }

  std::string static_;
  int port_ = 0;
  std::size_t before_ = 0;
};

const std::string kPost = "POST /api/v1/agents HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                          std::string(kStaticToken) + "\r\nContent-Type: application/json\r\nConnection: close\r\n";
const std::string kGet = "GET /api/v1/agents HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                         std::string(kStaticToken) + "\r\nConnection: close\r\n";

TEST_F(HttpAbuse, ShapesThatSmuggleRequestsAreRefused) {
  start_plain();
  if (HasFatalFailure()) return;
  struct Case {
    const char* what;
    std::string bytes;
    int status;
  };
  const std::string smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
  for (const auto& c : std::initializer_list<Case>{
           {"length and chunked", kPost + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + smuggled, 400},
           {"chunked and length", kPost + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + smuggled, 400},
           {"two lengths", kPost + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400},
           {"two different lengths", kPost + "Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}", 400},
           {"list of lengths", kPost + "Content-Length: 2, 2\r\n\r\n{}", 400},
           {"signed length", kPost + "Content-Length: +2\r\n\r\n{}", 400},
           {"hex length", kPost + "Content-Length: 0x2\r\n\r\n{}", 400},
           {"chunked twice", kPost + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + smuggled,
            400},
           {"other transfer", kPost + "Transfer-Encoding: chunked, identity\r\n\r\n" + smuggled, 501},
           {"hidden transfer",
            kPost +
                "Transfer-Encoding:\x0b"
                "chunked\r\n\r\n" +
                smuggled,
            400},
           {"space before colon", kPost + "Transfer-Encoding : chunked\r\n\r\n" + smuggled, 400},
           {"folded header", kPost + "X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}", 400},
           {"folded with tab", kPost + "X: a\r\n\tb\r\nContent-Length: 2\r\n\r\n{}", 400},
           {"bare LF", "GET /livez HTTP/1.1\nHost: localhost\n\n", 400},
           {"bare LF in a header", kGet + "X: a\nY: b\r\n\r\n", 400},
           {"bare CR in a header", kGet + "X: a\rY: b\r\n\r\n", 400},
           {"NUL in a header", kGet + std::string("X: a\0b\r\n\r\n", 10), 400},
           {"chunk size -2", kPost + "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n", 400},
           {"chunk size too long",
            kPost + "Transfer-Encoding: chunked\r\n\r\n00000000000000000000002\r\n{}\r\n0\r\n\r\n", 400},
           {"chunk longer than said", kPost + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx\r\n0\r\n\r\n", 400},
           {"chunked in 1.0",
            "POST /api/v1/agents HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + smuggled, 400},
           {"no length", kPost + "\r\n", 411},
           {"two hosts", "GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n", 400},
           {"no host", "GET /livez HTTP/1.1\r\n\r\n", 400},
           {"two tokens", kGet + "Authorization: Bearer other\r\n\r\n", 400},
           {"no HTTP at all", "\x16\x03\x01\x02\r\n\r\n", 400},
           {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
           {"NUL in the path", "GET /livez%00x HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
           {"broken encoding", "GET /livez%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
       })
    EXPECT_EQ(answer(c.bytes), c.status) << c.what;
  // Of pipelined requests each is judged for itself.
  const Raw pipelined(port_);
  pipelined.send(
      "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET /api/v1/agents HTTP/1.1\r\nHost: localhost\r\n"
      "Connection: close\r\n\r\n");
  const auto both = pipelined.read_all();
  EXPECT_THAT(both, ::testing::StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(both, ::testing::HasSubstr("HTTP/1.1 401"));
  expect_served();
}

TEST_F(HttpAbuse, BombsAndFloodsCostLittle) {
  start_plain();
  if (HasFatalFailure()) return;
  {  // chunked bomb: 200 MB announced piece by piece
    const Raw raw(port_);
    raw.send(kPost + "Transfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "100000\r\n" + std::string(1u << 20, 'x') + "\r\n";
    for (int i = 0; i < 200 && raw.send(chunk); ++i) {
    }
    EXPECT_EQ(raw.status(), 413);
  }
  EXPECT_EQ(answer(kPost + "Content-Length: 99999999999\r\n\r\n"), 413);
  EXPECT_EQ(answer(kPost + "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08"), 415);
  {  // 200,000 headers
    const Raw raw(port_);
    raw.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n");
    for (int i = 0; i < 200'000 && raw.send("X-" + std::to_string(i) + ": y\r\n"); ++i) {
    }
    EXPECT_EQ(raw.status(), 431);
  }
  {  // a header line of 200 MB without an end
    const Raw raw(port_);
    raw.send("GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ");
    const std::string piece(1u << 20, 'x');
    for (int i = 0; i < 200 && raw.send(piece); ++i) {
    }
    EXPECT_EQ(raw.status(), 431);
  }
  EXPECT_EQ(answer("GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n"), 414);
  {  // trailers without an end
    const Raw raw(port_);
    raw.send(kPost + "Transfer-Encoding: chunked\r\n\r\n0\r\n");
    for (int i = 0; i < 100'000 && raw.send("X-" + std::to_string(i) + ": y\r\n"); ++i) {
    }
    EXPECT_EQ(raw.status(), 431);
  }
  const std::string deep(200'000, '[');
  EXPECT_EQ(answer(kPost + "Content-Length: " + std::to_string(deep.size()) + "\r\n\r\n" + deep), 400);
  expect_bounded_memory();
  expect_served();
}

TEST_F(HttpAbuse, HeadersDecideNothingTheyShouldNot) {
  start_plain();
  if (HasFatalFailure()) return;
  const std::string open = "GET /api/v1/agents HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  for (const char* header :
       {"REMOTE_ADDR: 127.0.0.1", "X-Forwarded-For: 127.0.0.1", "X-Remote-User: olga", "X-Forwarded-Access-Token: t",
        "Authorization%3A: Bearer x", "Authorization: Bearer%200123456789abcdef-operator",
        "X: a%0d%0aAuthorization: Bearer 0123456789abcdef-operator", "X-HTTP-Method-Override: GET",
        "Forwarded: for=127.0.0.1"}) {
    const auto status = answer(open + header + "\r\n\r\n");
    EXPECT_TRUE(status == 401 || status == 400) << header << ": " << status;
  }
  // Encoded slashes and dots name something else, they never lead somewhere else.
  for (const char* path : {"/livez/..%2fapi/v1/agents", "/livez/../api/v1/agents", "//api/v1/agents",
                           "/api/v1/agents%2f..%2f..%2flivez", "/%61pi/v1/agents", "/livez%2f..%2fapi%2fv1%2fagents"}) {
    const auto status =
        answer("GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(status == 401 || status == 404) << path << ": " << status;
  }
  EXPECT_EQ(answer("GET http://evil.example/api/v1/agents HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
            403);
  expect_served();
}

TEST_F(HttpAbuse, HalfOpenAndDrippingClientsDelayNobody) {
  start_plain();
  if (HasFatalFailure()) return;
  std::vector<std::unique_ptr<Raw>> open;
  for (int i = 0; i < 200; ++i) {
    open.push_back(std::make_unique<Raw>(port_));
    ASSERT_TRUE(open.back()->connected());
    if (i % 4 == 1) open.back()->send("GET /livez HT");
    if (i % 4 == 2) open.back()->send("GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ");
    if (i % 4 == 3) open.back()->send(kPost + "Content-Length: 1000\r\n\r\n{");
  }
  for (int i = 0; i < 20; ++i) {
    for (const auto& one : open) one->send("x");  // one byte each, for ever
    expect_served();
  }
  expect_bounded_memory();
}

TEST_F(HttpAbuse, HandshakesThatNeverFinishDelayNobody) {
  start_guarded("control_plane_api:\n  tls: {self_signed: true}\n" + static_);
  if (HasFatalFailure()) return;
  const int port = port_of(daemon_->address());
  before_ = resident_mib();
  std::vector<std::unique_ptr<Raw>> open;
  for (int i = 0; i < 200; ++i) {
    open.push_back(std::make_unique<Raw>(port));
    ASSERT_TRUE(open.back()->connected());
    if (i % 2 == 1) open.back()->send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  }
  for (int i = 0; i < 10; ++i) expect_served();
  // Plain HTTP spoken to a TLS port is nobody's request.
  const Raw plain(port);
  plain.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(plain.read_all(), ::testing::Not(::testing::HasSubstr("200 OK")));
  expect_bounded_memory();
}

TEST_F(HttpAbuse, MoreConnectionsThanTheServerTakesDoNotLockOthersOut) {
  start_plain();
  if (HasFatalFailure()) return;
  std::vector<std::unique_ptr<Raw>> open;
  for (int i = 0; i < 1'500; ++i) {
    open.push_back(std::make_unique<Raw>(port_));
    if (!open.back()->connected()) break;  // this process is out of descriptors
  }
  for (int i = 0; i < 10; ++i) {
    connect(daemon_->address());  // a connection of its own each time
    expect_served();
  }
}

}  // namespace
}  // namespace fracta::testing
