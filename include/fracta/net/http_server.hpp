// The server side: an HTTP/1.1 server that stays up in front of strangers. A poller owns every connection until a
// complete request, head and body, has arrived under byte and time budgets, and again while the answer is being sent,
// so slow or silent peers cost a file descriptor and a buffer but never a worker. Limits are answered with 408, 411,
// 413, 414, 415, 431 or 503, malformed requests with 400; none of those reaches a handler.
//
// Thread-safe: handlers run on several worker threads at once.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/net/certificates.hpp"
#include "fracta/net/http.hpp"

namespace fracta::net {

struct ServerRequest {
  std::string method;
  std::string target;                 // as sent
  std::string path;                   // percent-decoded, no query; never contains NUL
  std::vector<std::string> segments;  // path split at '/' *before* decoding, each then decoded
  QueryParameters query;
  Headers headers;  // values as sent (not percent-decoded), control characters refused with 400
  std::string body;
  std::string peer_address;  // from the socket, never from a header
  bool tls = false;
  std::string client_common_name;  // from a verified client certificate; empty if none
  std::vector<std::string> client_organizations;

  // Filled by Router from "{name}" segments of the pattern. Mutable so that routing does not copy the body; a request
  // belongs to one handler at a time.
  mutable std::vector<std::pair<std::string, std::string>> path_parameters;

  [[nodiscard]] std::string path_parameter(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> query_parameter(std::string_view name) const;
};

// Where a streaming handler writes. Belongs to the worker thread that runs the handler.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;
  // One chunk, flushed at once. False: the client is gone, too slow (write_timeout) or the server is stopping.
  virtual bool write(std::string_view bytes) = 0;
  // Fires when the client has gone away (closing its sending side counts) or the server is stopping; wait on it instead
  // of sleeping. Callbacks on it run on the server's own threads: be quick there.
  [[nodiscard]] virtual std::stop_token stop() const = 0;
};

// A connection after "101 Switching Protocols": raw bytes both ways (WebSocket, SPDY). The handler owns it until it
// returns. One thread may read while any number of others write; a write goes out whole.
class RawConnection {
 public:
  virtual ~RawConnection() = default;
  virtual std::ptrdiff_t read(char* buffer, std::size_t size,
                              std::chrono::milliseconds timeout) = 0;  // 0 end, -1 error, -2 time-out
  virtual bool write(std::string_view bytes) = 0;
  [[nodiscard]] virtual std::stop_token stop() const = 0;
};

// How an answer ends. All but the first break the rules on purpose: the development cluster's faults.
enum class Ending {
  kOrderly,
  kReset,    // nothing is sent, the connection is reset
  kSilence,  // nothing is sent, the connection stays open
  kCut,      // the body ends after `cut_at` bytes (a stream: when its function returns), then the connection
};

struct ServerResponse {
  int status = 200;
  Headers headers;  // Content-Type; Content-Length and Transfer-Encoding are the server's business
  std::string body;
  std::function<void(ResponseStream&)> stream;  // when set, body is ignored and the answer is chunked
  std::function<void(RawConnection&)> upgrade;  // when set (status 101), called after the head has been sent
  Ending ending = Ending::kOrderly;
  std::size_t cut_at = 0;

  static ServerResponse json(int status, std::string body);
  static ServerResponse text(int status, std::string body);
};

// The request stays valid until the handler's stream or upgrade function has returned, not only until the handler has.
// Those two run on a thread of their own, the handler on a shared worker.
using RequestHandler = std::function<ServerResponse(const ServerRequest&)>;

struct ServerTlsOptions {
  std::string certificate_pem;  // empty = plain HTTP
  std::string key_pem;
  std::string client_ca_pem;  // set: client certificates are asked for and, when given, must verify
  // Re-read when set and the file changed; certificate_pem/key_pem are then ignored.
  std::string certificate_file;
  std::string key_file;
  // Instead of all of these: asked for the current certificate at most once a second, before a connection is accepted.
  // Must not wait. What it gives that cannot be used is logged, and the last good one stays.
  std::function<KeyPair()> certificate_source;
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 0;             // 0 = any free port, see HttpServer::port()
  std::string unix_socket;  // listen here instead
  ServerTlsOptions tls;
  std::size_t worker_threads = 16;     // for ordinary requests
  std::size_t max_streams = 64;        // streaming answers run on threads of their own; more is 503
  std::size_t max_connections = 1024;  // further ones take the place of the oldest without a request, if any
  // Requests that must not wait behind slow handlers (probes): a worker of its own serves these. Called by the poller
  // and by workers; must be quick. Null: none.
  std::function<bool(const ServerRequest&)> is_urgent;
  std::size_t max_head_bytes = 32u << 10;           // request line + headers; more is 431
  std::size_t max_headers = 100;                    // more is 431
  std::size_t max_body_bytes = 4u << 20;            // more is 413, chunked or not; Content-Encoding is 415
  std::size_t max_total_body_bytes = 64u << 20;     // bodies in memory of all connections together; more is 503
  std::chrono::milliseconds head_timeout{10'000};   // from the first byte to the end of the head
  std::chrono::milliseconds body_timeout{30'000};   // whole body
  std::chrono::milliseconds keep_alive{30'000};     // idle time between requests
  std::chrono::milliseconds write_timeout{10'000};  // a client that does not read
  std::string server_name = "fracta";               // thread names and logs
};

class HttpServer {
 public:
  // Binds at once: kAlreadyExists when the address is in use, kInvalid for bad certificates. Never shares a port.
  static Result<std::unique_ptr<HttpServer>> create(ServerOptions options, RequestHandler handler);
  virtual ~HttpServer() = default;  // stops

  virtual void start() = 0;
  [[nodiscard]] virtual int port() const = 0;
  [[nodiscard]] virtual std::string address() const = 0;  // "127.0.0.1:9090"
  // Refuses new connections, fires every stream's stop token, waits for running handlers until the deadline, then
  // closes their connections. Returns true when all handlers ended in time.
  virtual bool stop(std::chrono::milliseconds deadline) = 0;
  // Closes the listening socket and every connection, listens again after that time: what clients see of a server that
  // restarts. Begins a moment later, so that whoever asked for it gets an answer; TCP only.
  virtual void refuse_connections(std::chrono::milliseconds how_long) = 0;
};

// Routes by method and pattern: "/api/v1/agents/{name}/logs"; a last segment "{rest...}" takes the remainder.
// Answers 404 and 405 (with Allow) through the given functions. An exception of a handler becomes 500 without details.
class Router {
 public:
  void add(std::string method, std::string pattern, RequestHandler handler);
  void set_not_found(RequestHandler handler);
  void set_method_not_allowed(RequestHandler handler);
  [[nodiscard]] ServerResponse route(const ServerRequest& request) const;
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> routes()
      const;  // (method, pattern), for documents and tests

 private:
  struct Route {
    std::string method;
    std::string pattern;
    std::vector<std::string> segments;
    RequestHandler handler;
  };
  std::vector<Route> routes_;
  RequestHandler not_found_;
  RequestHandler method_not_allowed_;
};

}  // namespace fracta::net
