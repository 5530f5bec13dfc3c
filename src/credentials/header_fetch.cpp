// http_header_token: one request, the token is a header of its answer.
#include <fmt/format.h>

#include "fracta/base/text.hpp"
#include "fracta/credentials/resolver.hpp"
#include "fracta/net/transport.hpp"

namespace fracta::credentials {
namespace {

constexpr std::size_t kMaxBody = 1u << 20;  // nobody reads it

Error invalid(std::string message) { return make_error(ErrorCode::kInvalid, std::move(message)); }

// Neither path nor query: a token may stand in them.
std::string host_of(const net::Url& url) { return shorten(url.host, 200); }

}  // namespace

Result<std::string> fetch_header(const config::AuthOrigin& origin, std::chrono::milliseconds timeout,
                                 const std::stop_token& stop) {
  const auto url = net::parse_url(origin.request_url);
  if (!url) return invalid("request.url is no http or https address");
  if (origin.extract_header.empty()) return invalid("extract.header names no header");
  net::Url server = *url;
  server.path.clear();
  server.query.clear();
  auto transport = net::make_http_transport(server, {});
  if (!transport) return invalid("the request could not be prepared: " + transport.error().message);
  net::Request request;
  request.method = origin.request_method.empty() ? "GET" : origin.request_method;
  request.target = (url->path.empty() ? "/" : url->path) + (url->query.empty() ? "" : "?" + url->query);
  for (const auto& [name, value] : origin.request_headers) request.headers.add(name, value);
  const auto answer =
      (*transport)->request(request, {.timeout = timeout, .max_response_bytes = kMaxBody, .stop = stop});
  if (!answer) {
    if (answer.error().code == ErrorCode::kCanceled) return answer.error();
    return invalid(fmt::format("no answer from {} ({})", host_of(*url), to_string(answer.error().code)));
  }
  // A redirect may well carry the header; an error's header is no token.
  if (answer->status < 200 || answer->status >= 400)
    return invalid(fmt::format("{} answered {}", host_of(*url), answer->status));
  const auto value = answer->headers.get(origin.extract_header);
  if (!value || trim(*value).empty())
    return invalid(
        fmt::format("the answer of {} has no header \"{}\"", host_of(*url), shorten(origin.extract_header, 80)));
  return std::string(*value);
}

}  // namespace fracta::credentials
