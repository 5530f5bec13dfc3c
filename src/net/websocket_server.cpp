// The opening handshake as a server answers it.
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "fracta/base/text.hpp"
#include "net/websocket_handshake.hpp"
#include "net/websocket_session.hpp"

namespace fracta::net {

std::string websocket_accept_key(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1) return {};
  return base64_encode({reinterpret_cast<const char*>(digest.data()), size});
}

std::vector<std::string> header_tokens(const Headers& headers, std::string_view name) {
  std::vector<std::string> tokens;
  for (const auto& [key, value] : headers.entries()) {
    if (!iequals(key, name)) continue;
    for (const auto& piece : split(value, ',')) {
      if (const auto token = trim(piece); !token.empty()) tokens.emplace_back(token);
    }
  }
  return tokens;
}

bool header_has_token(const Headers& headers, std::string_view name, std::string_view token) {
  const auto tokens = header_tokens(headers, name);
  return std::any_of(tokens.begin(), tokens.end(), [&](const auto& one) { return iequals(one, token); });
}

bool is_websocket_request(const ServerRequest& request) {
  return header_has_token(request.headers, "Connection", "upgrade") &&
         header_has_token(request.headers, "Upgrade", "websocket");
}

namespace {

// Built from two pieces because g++ 12 at -O2 misreads moves of strings it knows to be long (-Wstringop-overread).
std::string header_name(std::string_view suffix) { return "Sec-WebSocket-" + std::string(suffix); }

}  // namespace

std::vector<std::string> offered_protocols(const ServerRequest& request) {
  return header_tokens(request.headers, "Sec-WebSocket-Protocol");
}

ServerResponse accept_websocket(const ServerRequest& request, WebSocketAccept accept) {
  if (request.method != "GET") return ServerResponse::text(405, "a WebSocket is opened with GET\n");
  if (!is_websocket_request(request)) return ServerResponse::text(400, "this is no WebSocket handshake\n");
  if (request.headers.get("Sec-WebSocket-Version") != "13") {
    auto response = ServerResponse::text(426, "only version 13 of the WebSocket protocol is spoken here\n");
    response.headers.add(header_name("Version"), "13");
    return response;
  }
  const std::string key(trim(request.headers.get("Sec-WebSocket-Key").value_or("")));
  if (const auto nonce = base64_decode(key); !nonce || nonce->size() != 16)
    return ServerResponse::text(400, "Sec-WebSocket-Key must be 16 bytes in base64\n");
  ServerResponse response;
  response.status = 101;
  response.headers = {
      {"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", websocket_accept_key(key)}};
  if (!accept.protocol.empty()) response.headers.add(header_name("Protocol"), accept.protocol);
  response.upgrade = [accept = std::move(accept)](RawConnection& raw) {
    WebSocketSession session(raw, WebSocketSession::Side::kServer, accept.protocol, accept.options);
    accept.handler(session);
  };
  return response;
}

}  // namespace fracta::net
