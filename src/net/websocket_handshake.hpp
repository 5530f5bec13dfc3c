// What both ends of the opening handshake (RFC 6455 4) share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fracta/net/http.hpp"

namespace fracta::net {

// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string websocket_accept_key(std::string_view key);
// Whether one of the comma-separated tokens of any such header is `token`, without case.
bool header_has_token(const Headers& headers, std::string_view name, std::string_view token);
std::vector<std::string> header_tokens(const Headers& headers, std::string_view name);

}  // namespace fracta::net
