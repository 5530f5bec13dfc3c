// Transport on cpp-httplib 0.11.4. httplib writes requests and takes answers apart (status line, lengths, chunks);
// everything it cannot do or does unsafely (libraries.md 4.x, 6) is done around it: connecting, TLS and its strict host
// check, deadlines, cancelling, header checks, limits and the pool. Redirects, decompression, cookies and proxies are
// never used.
#include "fracta/net/transport.hpp"

#include <algorithm>
#include <exception>

#include "fracta/base/text.hpp"
#include "fracta/version.hpp"
#include "net/connection_pool.hpp"
#include "net/dialer.hpp"
#include "net/response_head.hpp"
#include "net/tokens.hpp"
#include "net/wire_stream.hpp"

namespace fracta::net {
namespace {

using Clock = std::chrono::steady_clock;

// httplib's client without its socket: request writing and response reading on a stream of ours.
class Codec final : public httplib::ClientImpl {
 public:
  Codec() : httplib::ClientImpl("unused", 80) {
    set_url_encode(false);       // targets come encoded; a second encoding would change them
    set_decompress(false);       // a small gzip body may hold gigabytes
    set_follow_location(false);  // would send Authorization to another host
    set_keep_alive(true);
  }
  using httplib::ClientImpl::process_request;
};

Error invalid(std::string_view message) {
  return make_error(ErrorCode::kInvalid, "HTTP request: " + std::string(message));
}

// What httplib would put on the wire as it is: CR LF in a value or target starts a header or request of the attacker's.
Result<void> check_request(const Request& request) {
  if (!is_token(request.method)) return invalid("malformed method");
  if (!is_target(request.target) || request.target.front() != '/') {
    return invalid("target must begin with '/' and hold no spaces or control characters");
  }
  for (const auto& [name, value] : request.headers.entries()) {
    if (!is_token(name)) return invalid("malformed header name");
    if (!is_header_value(value)) return invalid("control character in the value of header " + name);
    for (const auto* ours : {"Content-Length", "Transfer-Encoding", "Connection"}) {
      if (iequals(name, ours)) return invalid("header " + name + " is set by the client itself");
    }
  }
  return {};
}

// One request's way through httplib and what came of it.
struct Exchange {
  const Request& request;
  const StreamHandler& handler;  // on_data gets body bytes; on_head the parsed head
  WireLimits limits;
  std::optional<Response> head;
  std::optional<Error> error;
  bool reusable = false;  // the connection may carry another request
  bool got_bytes = false;
};

class HttpTransport final : public Transport {
 public:
  HttpTransport(const Url& url, const TransportOptions& options, std::unique_ptr<Dialer> dialer)
      : authority_(host_header(url)),
        prefix_(url.path),
        peer_(options.unix_socket.empty() ? url.authority() : options.unix_socket),
        dialer_(std::move(dialer)),
        pool_(options.max_idle_connections, options.idle_connection_lifetime) {}

  Result<Response> request(const Request& request, const CallOptions& options) override;
  Result<void> stream(const Request& request, const StreamOptions& options, const StreamHandler& handler) override;

 private:
  struct Limits {
    std::chrono::milliseconds head;
    std::chrono::milliseconds idle{0};
  };
  static std::string host_header(const Url& url);
  Result<Response> run(const Request& request, const Limits& limits, const std::stop_token& stop,
                       const StreamHandler& handler);
  void exchange(Channel& channel, Waiter& waiter, Exchange& exchange) const;
  [[nodiscard]] httplib::Request to_httplib(const Request& request) const;
  void read_head(const WireStream& wire, Exchange& exchange) const;

  const std::string authority_;
  const std::string prefix_;
  const std::string peer_;
  const std::unique_ptr<Dialer> dialer_;
  ConnectionPool pool_;
};

std::string HttpTransport::host_header(const Url& url) {
  const bool standard = url.port == (url.scheme == "https" ? 443 : 80);
  const auto authority = url.authority();
  return standard ? authority.substr(0, authority.rfind(':')) : authority;
}

httplib::Request HttpTransport::to_httplib(const Request& request) const {
  httplib::Request out;
  out.method = request.method;
  out.path = prefix_ + request.target;
  out.body = request.body;
  for (const auto& [name, value] : request.headers.entries()) out.headers.emplace(name, value);
  const auto set_default = [&out](const char* name, const std::string& value) {
    if (!out.has_header(name)) out.headers.emplace(name, value);
  };
  set_default("Host", authority_);
  set_default("User-Agent", std::string("fracta/") + kVersion);
  if (!out.body.empty()) set_default("Content-Type", "application/octet-stream");
  return out;
}

void HttpTransport::read_head(const WireStream& wire, Exchange& exchange) const {
  auto parsed = parse_response_head(wire.head());
  if (!parsed) {
    exchange.error = parsed.error();
    return;
  }
  exchange.head = Response{parsed->status, std::move(parsed->headers), {}};
  exchange.reusable = parsed->keep_alive;
  if (parsed->status < 200) exchange.error = make_error(ErrorCode::kUnavailable, "unexpected interim answer");
}

void HttpTransport::exchange(Channel& channel, Waiter& waiter, Exchange& exchange) const {
  WireStream wire(channel, waiter, exchange.limits);
  auto request = to_httplib(exchange.request);
  bool bodyless = false;
  bool refused = false;  // a callback of ours said stop
  request.response_handler = [&](const httplib::Response&) {
    read_head(wire, exchange);
    if (exchange.error) return false;
    // RFC 9110 15.4.5: a 304 has no body, but httplib would wait for one.
    bodyless = exchange.head->status == 304;
    if (bodyless) return false;
    refused = exchange.handler.on_head && !exchange.handler.on_head(*exchange.head);
    return !refused;
  };
  request.content_receiver = [&](const char* data, size_t size, std::uint64_t, std::uint64_t) {
    refused = exchange.handler.on_data && !exchange.handler.on_data(std::string_view(data, size));
    return !refused;
  };
  Codec codec;
  httplib::Response response;
  auto failure = httplib::Error::Success;
  const bool done = codec.process_request(wire, request, response, false, failure);
  exchange.got_bytes = wire.got_bytes();
  if (wire.failure()) {
    exchange.error = wire.failure();
  } else if (!exchange.error && refused) {
    exchange.error = make_error(ErrorCode::kCanceled, "the receiver ended the answer");
  } else if (!exchange.error && !done && !bodyless) {
    exchange.error =
        make_error(ErrorCode::kUnavailable, wire.head_complete() ? "the answer was cut short or malformed"
                                            : wire.got_bytes()   ? "malformed HTTP answer"
                                                                 : "the connection was closed without an answer");
  }
  if (!exchange.error && !exchange.head) {  // 204 and HEAD: httplib skips the response handler
    read_head(wire, exchange);
    if (!exchange.error && exchange.handler.on_head && !exchange.handler.on_head(*exchange.head)) {
      exchange.error = make_error(ErrorCode::kCanceled, "the receiver ended the answer");
    }
  }
  const bool framed = exchange.head && (exchange.head->headers.has("Content-Length") ||
                                        exchange.head->headers.has("Transfer-Encoding") ||
                                        exchange.head->status == 204 || exchange.request.method == "HEAD");
  exchange.reusable = exchange.reusable && !exchange.error && framed && !bodyless && !wire.has_rest();
}

Result<Response> HttpTransport::run(const Request& request, const Limits& limits, const std::stop_token& stop,
                                    const StreamHandler& handler) {
  FRACTA_TRY(check_request(request));
  Waiter waiter(stop);
  const auto in_context = [&](const Error& error) { return error.with_context(request.method + " at " + peer_); };
  for (int attempt = 0;; ++attempt) {
    if (waiter.stopped()) return in_context(make_error(ErrorCode::kCanceled, "canceled"));
    auto channel = attempt == 0 ? pool_.take() : nullptr;
    const bool reused = channel != nullptr;
    if (!reused) {
      auto dialed = dialer_->dial(waiter, stop);
      if (!dialed) return dialed.error();
      channel = std::move(*dialed);
    }
    const auto deadline = Clock::now() + limits.head;
    Exchange state{request, handler, WireLimits{deadline, deadline, limits.idle}, {}, {}, false, false};
    try {
      exchange(*channel, waiter, state);
    } catch (const std::exception& error) {
      return in_context(make_error(ErrorCode::kInternal, std::string("exception in the HTTP client: ") + error.what()));
    }
    if (!state.error) {
      if (state.reusable) pool_.give_back(std::move(channel));
      return std::move(*state.head);
    }
    channel->abort();
    // The server may close a kept-alive connection just as we write to it. Only what changes nothing is sent again.
    const bool safe = request.method == "GET" || request.method == "HEAD";
    const bool stale = reused && !state.got_bytes && state.error->code == ErrorCode::kUnavailable;
    if (!stale || !safe) return in_context(*state.error);
  }
}

Result<Response> HttpTransport::request(const Request& request, const CallOptions& options) {
  std::string body;
  bool too_large = false;
  StreamHandler handler;
  handler.on_head = [&](const Response& head) {
    const auto length = parse_int(head.headers.get("Content-Length").value_or("0"));
    too_large = request.method != "HEAD" && length && *length > 0 &&
                static_cast<std::size_t>(*length) > options.max_response_bytes;
    return !too_large;
  };
  handler.on_data = [&](std::string_view bytes) {
    too_large = body.size() + bytes.size() > options.max_response_bytes;
    if (!too_large) body.append(bytes);
    return !too_large;
  };
  auto response = run(request, Limits{options.timeout}, options.stop, handler);
  if (too_large) {
    return make_error(ErrorCode::kResourceExhausted, request.method + " at " + peer_ + ": the answer is larger than " +
                                                         std::to_string(options.max_response_bytes) + " bytes");
  }
  if (response) response->body = std::move(body);
  return response;
}

Result<void> HttpTransport::stream(const Request& request, const StreamOptions& options, const StreamHandler& handler) {
  auto response = run(request, Limits{options.head_timeout, options.idle_timeout}, options.stop, handler);
  if (!response) return response.error();
  return {};
}

}  // namespace

Result<std::unique_ptr<Transport>> make_http_transport(const Url& url, const TransportOptions& options) {
  if (url.scheme != "http" && url.scheme != "https") {
    return make_error(ErrorCode::kInvalid, "URL scheme must be http or https");
  }
  auto dialer = Dialer::create(url, options);
  if (!dialer) return dialer.error();
  return std::unique_ptr<Transport>(std::make_unique<HttpTransport>(url, options, std::move(*dialer)));
}

}  // namespace fracta::net
