// What the net tests share: a raw client that sends exactly the bytes it is told, a scripted server that misbehaves,
// and certificates.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "fracta/net/certificates.hpp"
#include "fracta/net/http_server.hpp"
#include "fracta/net/transport.hpp"

namespace fracta::net::testing {

// A blocking TCP connection to 127.0.0.1.
class RawClient {
 public:
  explicit RawClient(int port);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool send(std::string_view bytes);
  // Until `marker` was seen, the peer closed or the time is over; everything read since the last call.
  std::string read_until(std::string_view marker, std::chrono::milliseconds timeout = std::chrono::seconds(20));
  std::string read_all() { return read_until({}); }
  // Sends a request and reads until the peer closes or the body of a small answer is there.
  int status_of(std::string_view request);
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

int status_in(std::string_view answer);

// Accepts on 127.0.0.1 and runs the script for every connection on a thread of its own; the connection is closed (or
// reset) when the script returns.
class ScriptedServer {
 public:
  using Script = std::function<void(int fd, int connection_number)>;
  explicit ScriptedServer(Script script);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] Url url() const;
  [[nodiscard]] int connections() const { return connections_; }

  static std::string read_head(int fd);  // one request's head
  static bool send(int fd, std::string_view bytes);
  static void reset(int fd);         // the next close sends RST
  static void wait_for_end(int fd);  // until the client closes

 private:
  void serve(int fd, int number);
  Script script_;
  int listener_;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  std::set<int> open_;
  std::vector<std::jthread> threads_;
  std::jthread acceptor_;
};

// An HttpServer that runs, and its URL.
struct RunningServer {
  std::unique_ptr<HttpServer> server;
  [[nodiscard]] Url url() const;
  [[nodiscard]] int port() const { return server->port(); }
  std::string scheme = "http";
};
RunningServer run_server(ServerOptions options, RequestHandler handler);
RunningServer run_server(RequestHandler handler);

// One CA for the whole test program.
const KeyPair& test_authority();
ServerTlsOptions tls_options(const CertificateRequest& request, bool ask_for_client_certificate = false);
ServerTlsOptions localhost_tls(bool ask_for_client_certificate = false);

std::unique_ptr<Transport> transport_to(const Url& url, TransportOptions options = {});
TransportOptions trusting_options();

}  // namespace fracta::net::testing
