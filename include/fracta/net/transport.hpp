// The client side: the only door to the network. One implementation on cpp-httplib (make_http_transport) and fakes in
// tests. All time limits are deadlines for the whole step they name; nothing here retries except one re-send of an
// idempotent request on a kept-alive connection that the server had already closed.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "fracta/net/http.hpp"

namespace fracta::net {

struct Request {
  std::string method = "GET";
  std::string target;  // "/path?query", already percent-encoded, sent as it is behind the URL's own path ("/k8s/c-1");
                       // control characters and spaces are refused
  Headers headers;     // control characters in a value are refused (kInvalid)
  std::string body;
};

struct Response {
  int status = 0;
  Headers headers;
  std::string body;  // empty for streamed answers
};

struct CallOptions {
  std::chrono::milliseconds timeout{30'000};   // from the first byte sent to the last byte received
  std::size_t max_response_bytes = 64u << 20;  // more is kResourceExhausted
  std::stop_token stop;                        // kCanceled within about 20 ms
};

struct StreamOptions {
  std::chrono::milliseconds head_timeout{30'000};
  std::chrono::milliseconds idle_timeout{60'000};  // longest silence between two reads; kDeadlineExceeded
  std::stop_token stop;
};

struct StreamHandler {
  // Status and headers, before any body. Return false to end the stream (result: kCanceled).
  std::function<bool(const Response& head)> on_head;
  // Body bytes as they arrive (dechunked); false ends the stream.
  std::function<bool(std::string_view bytes)> on_data;
};

// Thread-safe: any number of threads may call at once; each running call uses its own connection from a bounded pool of
// idle ones. An HTTP answer of any status is a success here.
// Errors: kUnavailable (resolve, connect, reset, truncated), kDeadlineExceeded, kCanceled, kResourceExhausted,
// kInvalid (bad request values), kUnauthenticated (TLS verification of the server failed).
class Transport {
 public:
  virtual ~Transport() = default;
  virtual Result<Response> request(const Request& request, const CallOptions& options) = 0;
  // Returns when the body ended in order (success), on error, or when stopped.
  virtual Result<void> stream(const Request& request, const StreamOptions& options, const StreamHandler& handler) = 0;
};

// PEM texts; empty = not given. `ca` empty means the system's store. Never logged.
struct TlsClientOptions {
  std::string ca_pem;
  std::string certificate_pem;
  std::string key_pem;
  std::string server_name;  // verified (and sent as SNI) instead of the URL's host
  bool insecure_skip_verify = false;
};

struct TransportOptions {
  TlsClientOptions tls;
  std::chrono::milliseconds connect_timeout{5'000};
  std::size_t max_idle_connections = 16;
  std::chrono::milliseconds idle_connection_lifetime{60'000};
  std::string unix_socket;  // connect here instead of to the URL's host (development only)
};

// The URL's path is put in front of every target; its query is not used. TLS settings do not follow files on disk: make
// a new transport when they change. kInvalid when certificates do not parse or key and certificate do not belong
// together. Host verification is strict: SAN only (never the CN), IP SANs for IP hosts, TLS 1.2 or newer.
Result<std::unique_ptr<Transport>> make_http_transport(const Url& url, const TransportOptions& options);

}  // namespace fracta::net
