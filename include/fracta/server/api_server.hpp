// The daemon's HTTP API (docs/api.md): routes, health, metrics, server-sent events. It decides nothing about agents;
// everything it knows comes from controlplane. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/base/metrics.hpp"
#include "fracta/base/result.hpp"
#include "fracta/controlplane/control_plane.hpp"
#include "fracta/net/http_server.hpp"
#include "fracta/server/access.hpp"

namespace fracta::server {

struct Options {
  std::string host = "127.0.0.1";               // "" = every address
  int port = 0;                                 // 0 = any free one
  std::chrono::milliseconds heartbeat{15'000};  // of event streams
  Authenticator authenticate;                   // empty: everybody, anonymously
  Authorizer authorize;                         // empty: everything
  Rate per_identity, per_peer;                  // of requests; the rest gets 429
  std::size_t streams_per_identity = 16;        // watches and followed logs at a time; the rest gets 429
  // Whose token or right is gone by then loses its streams. Besides, answers about callers are remembered for seconds.
  std::chrono::milliseconds look_at_streams_every{15'000};
  net::ServerTlsOptions tls;  // empty: plain HTTP
  std::string version = "unknown", commit = "unknown";
};

// "127.0.0.1:0", ":9090" (every address), "[::1]:9090", "9090". kInvalid names what is wrong.
struct ListenAddress {
  std::string host;
  int port = 0;
};
Result<ListenAddress> parse_listen_address(std::string_view text);
bool is_loopback(std::string_view host);

class ApiServer {
 public:
  // Binds. `control_plane` and `metrics` outlive it.
  static Result<std::unique_ptr<ApiServer>> create(controlplane::ControlPlane& control_plane, const Clock& clock,
                                                   MetricsRegistry& metrics, Options options);
  ~ApiServer();

  void start();
  [[nodiscard]] std::string address() const;
  [[nodiscard]] int port() const;
  void begin_shutdown();                          // readyz fails and mutating calls get 503 from here on
  bool stop(std::chrono::milliseconds deadline);  // true when every handler ended in time

 private:
  class Impl;
  explicit ApiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The routes without a socket: what ApiServer serves. For tests and for other listeners (a Unix socket).
class Api {
 public:
  Api(controlplane::ControlPlane& control_plane, const Clock& clock, MetricsRegistry& metrics, Options options);
  ~Api();
  [[nodiscard]] net::ServerResponse handle(const net::ServerRequest& request) const;
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> routes() const;  // (method, pattern)
  void begin_shutdown();
  bool wait_for_streams(std::chrono::milliseconds timeout);  // after begin_shutdown(): true when all have ended

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fracta::server
