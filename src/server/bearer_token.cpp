#include "fracta/base/text.hpp"
#include "fracta/server/access.hpp"

namespace fracta::server {

namespace {

constexpr std::size_t kMaxToken = 16u << 10;

// RFC 6750: b64token.
bool is_token(std::string_view text) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=";
  return !text.empty() && text.size() <= kMaxToken && text.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace

Result<std::string> bearer_token(const net::ServerRequest& request) {
  std::optional<std::string_view> header;
  for (const auto& [name, text] : request.headers.entries()) {
    if (!iequals(name, "Authorization")) continue;
    // Two may be read differently by a proxy in front and by us.
    if (header) return make_error(ErrorCode::kInvalid, "more than one Authorization header");
    header = text;
  }
  if (!header) return make_error(ErrorCode::kUnauthenticated, "a bearer token is needed: `fracta login`");
  const auto value = *header;
  const auto space = value.find(' ');
  if (!iequals(value.substr(0, space), "Bearer"))
    return make_error(ErrorCode::kUnauthenticated, "Authorization must be of the scheme Bearer");
  const auto token = space == std::string_view::npos ? std::string_view() : trim(value.substr(space));
  if (!is_token(token)) return make_error(ErrorCode::kUnauthenticated, "Authorization: Bearer holds no token");
  return std::string(token);
}

}  // namespace fracta::server
