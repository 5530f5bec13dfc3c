#include "fracta/base/text.hpp"
#include "fracta/server/api_server.hpp"

namespace fracta::server {

namespace {

Error bad_address(std::string_view text, std::string_view why) {
  return make_error(ErrorCode::kInvalid, "listen address \"" + shorten(text, 100) + "\": " + std::string(why) +
                                             "; use HOST:PORT, :PORT or [IPV6]:PORT");
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  auto whole = text;
  ListenAddress address;
  if (text.starts_with('[')) {
    auto end = text.find(']');
    if (end == std::string_view::npos || end == 1) return bad_address(whole, "brackets without an address");
    address.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    if (!text.starts_with(':')) return bad_address(whole, "no port");
    text.remove_prefix(1);
  } else if (auto colon = text.rfind(':'); colon != std::string_view::npos) {
    address.host = text.substr(0, colon);
    if (address.host.find(':') != std::string::npos) return bad_address(whole, "an IPv6 address needs brackets");
    text.remove_prefix(colon + 1);
  }
  auto port = parse_int(text);
  if (!port || *port < 0 || *port > 65'535) return bad_address(whole, "the port must be a number from 0 to 65535");
  address.port = static_cast<int>(*port);
  return address;
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.ends_with(".localhost") ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

}  // namespace fracta::server
