#include "unit/net/helpers.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace fracta::net::testing {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

}  // namespace

RawClient::RawClient(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const auto address = loopback(port);
  EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << strerror(errno);
}

RawClient::~RawClient() { ::close(fd_); }

bool RawClient::send(std::string_view bytes) { return ScriptedServer::send(fd_, bytes); }

std::string RawClient::read_until(std::string_view marker, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::string text;
  while (marker.empty() || text.find(marker) == std::string::npos) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entry{fd_, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) <= 0) break;
    std::array<char, 4096> buffer{};
    const auto got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

int RawClient::status_of(std::string_view request) {
  send(request);
  return status_in(read_until("\r\n\r\n"));
}

int status_in(std::string_view answer) {
  if (answer.size() < 12 || !answer.starts_with("HTTP/1.")) return 0;
  return std::stoi(std::string(answer.substr(9, 3)));
}

ScriptedServer::ScriptedServer(Script script)
    : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  auto address = loopback(0);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(listener_, 128), 0);
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard lock(mutex_);
      open_.insert(fd);
      threads_.emplace_back([this, fd, number = connections_++] { serve(fd, number); });
    }
  });
}

void ScriptedServer::serve(int fd, int number) {
  script_(fd, number);
  const std::lock_guard lock(mutex_);
  open_.erase(fd);
  ::close(fd);
}

ScriptedServer::~ScriptedServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  threads_.clear();
}

Url ScriptedServer::url() const { return *parse_url("http://127.0.0.1:" + std::to_string(port_)); }

std::string ScriptedServer::read_head(int fd) {
  std::string head;
  char c = 0;
  while (!head.ends_with("\r\n\r\n") && ::recv(fd, &c, 1, 0) == 1) head += c;
  return head;
}

bool ScriptedServer::send(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void ScriptedServer::reset(int fd) {
  const linger hard{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

void ScriptedServer::wait_for_end(int fd) {
  std::array<char, 4096> buffer{};
  while (::recv(fd, buffer.data(), buffer.size(), 0) > 0) {
  }
}

Url RunningServer::url() const { return *parse_url(scheme + "://127.0.0.1:" + std::to_string(server->port())); }

RunningServer run_server(ServerOptions options, RequestHandler handler) {
  const bool tls = !options.tls.certificate_pem.empty() || !options.tls.certificate_file.empty();
  auto server = HttpServer::create(std::move(options), std::move(handler));
  EXPECT_TRUE(server.ok()) << (server.ok() ? "" : server.error().message);
  (*server)->start();
  return {std::move(*server), tls ? "https" : "http"};
}

RunningServer run_server(RequestHandler handler) { return run_server(ServerOptions{}, std::move(handler)); }

const KeyPair& test_authority() {
  static const KeyPair authority = *make_certificate_authority("fracta-test-ca");
  return authority;
}

ServerTlsOptions tls_options(const CertificateRequest& request, bool ask_for_client_certificate) {
  auto leaf = issue_certificate(test_authority(), request);
  EXPECT_TRUE(leaf.ok()) << (leaf.ok() ? "" : leaf.error().message);
  ServerTlsOptions options;
  options.certificate_pem = leaf->certificate_pem;
  options.key_pem = leaf->key_pem;
  if (ask_for_client_certificate) options.client_ca_pem = test_authority().certificate_pem;
  return options;
}

ServerTlsOptions localhost_tls(bool ask_for_client_certificate) {
  CertificateRequest request;
  request.common_name = "server";
  request.dns_names = {"localhost", "fracta.svc"};
  request.ip_addresses = {"127.0.0.1", "::1"};
  return tls_options(request, ask_for_client_certificate);
}

std::unique_ptr<Transport> transport_to(const Url& url, TransportOptions options) {
  auto transport = make_http_transport(url, options);
  EXPECT_TRUE(transport.ok()) << (transport.ok() ? "" : transport.error().message);
  return transport.ok() ? std::move(*transport) : nullptr;
}

TransportOptions trusting_options() {
  TransportOptions options;
  options.tls.ca_pem = test_authority().certificate_pem;
  return options;
}

}  // namespace fracta::net::testing
