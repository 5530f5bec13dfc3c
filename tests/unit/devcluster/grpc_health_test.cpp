// gRPC probes against a server that speaks just enough HTTP/2.
#include "devcluster/node/grpc_health.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "devcluster/node/unique_fd.hpp"

namespace fracta::devcluster {
namespace {

using namespace std::chrono_literals;

// Accepts one connection, waits for the request's last frame, answers with `bytes`, and waits for the end.
class Server {
 public:
  explicit Server(std::string bytes) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_.get(), 1), 0);
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this, bytes = std::move(bytes)] {
      const UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      std::array<char, 4096> buffer{};
      while (request_.find("application/grpc") == std::string::npos ||
             request_.find(std::string("svc")) == std::string::npos) {
        const auto got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got <= 0) return;
        request_.append(buffer.data(), static_cast<std::size_t>(got));
      }
      (void)!::write(fd.get(), bytes.data(), bytes.size());
      while (::read(fd.get(), buffer.data(), buffer.size()) > 0) {
      }
    });
  }
  [[nodiscard]] int port() const { return port_; }

 private:
  UniqueFd listener_;
  int port_ = 0;
  std::string request_;
  std::jthread thread_;
};

const std::string kSettings("\0\0\0\4\0\0\0\0\0", 9);
const std::string kHead("\0\0\1\1\4\0\0\0\1\x88", 10);      // :status 200
const std::string kTrailers("\0\0\1\1\5\0\0\0\1\x88", 10);  // ends the stream
std::string answer(char status) { return std::string("\0\0\7\0\0\0\0\0\1\0\0\0\0\2\x08", 15) + status; }

TEST(GrpcHealth, Serving) {
  Server server(kSettings + kHead + answer(1) + kTrailers);
  EXPECT_EQ(check_grpc_health("127.0.0.1", server.port(), "svc", 20s, {}), "");
}

TEST(GrpcHealth, NotServing) {
  Server server(kSettings + kHead + answer(2) + kTrailers);
  EXPECT_EQ(check_grpc_health("127.0.0.1", server.port(), "svc", 20s, {}),
            "service unhealthy (responded with \"NOT_SERVING\")");
}

TEST(GrpcHealth, AServerWithoutHealthChecks) {
  Server server(kSettings + kTrailers);
  EXPECT_THAT(check_grpc_health("127.0.0.1", server.port(), "svc", 20s, {}),
              testing::HasSubstr("does not implement the grpc health protocol"));
}

TEST(GrpcHealth, Silence) {
  Server server(kSettings);
  EXPECT_EQ(check_grpc_health("127.0.0.1", server.port(), "svc", 50ms, {}),
            "timeout: health rpc did not complete within 0s");
}

TEST(GrpcHealth, NobodyThere) {
  EXPECT_THAT(check_grpc_health("127.0.0.1", 1, "svc", 1s, {}),
              testing::StartsWith("timeout: failed to connect service \"127.0.0.1:1\" within 1s"));
}

}  // namespace
}  // namespace fracta::devcluster
