#include "fracta/net/http.hpp"

#include <arpa/inet.h>
#include <algorithm>
#include <array>
#include <cstdint>

#include "fracta/base/text.hpp"

namespace fracta::net {
namespace {

struct StatusText {
  int status;
  std::string_view text;
};
constexpr std::array kStatusTexts = {
    StatusText{100, "Continue"},
    StatusText{101, "Switching Protocols"},
    StatusText{200, "OK"},
    StatusText{201, "Created"},
    StatusText{202, "Accepted"},
    StatusText{204, "No Content"},
    StatusText{206, "Partial Content"},
    StatusText{301, "Moved Permanently"},
    StatusText{302, "Found"},
    StatusText{303, "See Other"},
    StatusText{304, "Not Modified"},
    StatusText{307, "Temporary Redirect"},
    StatusText{308, "Permanent Redirect"},
    StatusText{400, "Bad Request"},
    StatusText{401, "Unauthorized"},
    StatusText{403, "Forbidden"},
    StatusText{404, "Not Found"},
    StatusText{405, "Method Not Allowed"},
    StatusText{406, "Not Acceptable"},
    StatusText{408, "Request Timeout"},
    StatusText{409, "Conflict"},
    StatusText{410, "Gone"},
    StatusText{411, "Length Required"},
    StatusText{412, "Precondition Failed"},
    StatusText{413, "Content Too Large"},
    StatusText{414, "URI Too Long"},
    StatusText{415, "Unsupported Media Type"},
    StatusText{416, "Range Not Satisfiable"},
    StatusText{417, "Expectation Failed"},
    StatusText{422, "Unprocessable Entity"},
    StatusText{426, "Upgrade Required"},
    StatusText{429, "Too Many Requests"},
    StatusText{431, "Request Header Fields Too Large"},
    StatusText{499, "Client Closed Request"},
    StatusText{500, "Internal Server Error"},
    StatusText{501, "Not Implemented"},
    StatusText{502, "Bad Gateway"},
    StatusText{503, "Service Unavailable"},
    StatusText{504, "Gateway Timeout"},
    StatusText{505, "HTTP Version Not Supported"},
    StatusText{507, "Insufficient Storage"},
};

Error bad_url(std::string_view text, std::string_view why) {
  return make_error(ErrorCode::kInvalid, "URL \"" + shorten(text, 200) + "\": " + std::string(why));
}

bool has_control_or_space(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7f;
  });
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  });
}

// Splits "host", "host:port", "[v6]", "[v6]:port"; an empty port text means none was given.
Result<void> parse_authority(std::string_view text, std::string_view whole, Url& url, std::string_view& port) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return bad_url(whole, "'[' without ']'");
    url.host = std::string(text.substr(1, end - 1));
    if (!is_ipv6(url.host)) return bad_url(whole, "what stands in brackets is no IPv6 address");
    text.remove_prefix(end + 1);
    if (text.empty()) return {};
    if (!text.starts_with(':')) return bad_url(whole, "text between ']' and the port");
    port = text.substr(1);
  } else {
    const auto colon = text.find(':');
    url.host = to_lower(text.substr(0, colon));
    if (!is_host_name(url.host)) return bad_url(whole, "no valid host name");
    if (colon == std::string_view::npos) return {};
    port = text.substr(colon + 1);
  }
  if (port.empty()) return bad_url(whole, "':' without a port");
  return {};
}

}  // namespace

void Headers::set(std::string_view name, std::string value) {
  std::erase_if(entries_, [&](const auto& entry) { return iequals(entry.first, name); });
  entries_.emplace_back(std::string(name), std::move(value));
}

std::optional<std::string> Headers::get(std::string_view name) const {
  for (const auto& [key, value] : entries_) {
    if (iequals(key, name)) return value;
  }
  return std::nullopt;
}

std::string Url::authority() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Url::to_string() const { return scheme + "://" + authority() + path + (query.empty() ? "" : "?" + query); }

Result<Url> parse_url(std::string_view text) {
  if (text.size() > 8192) return bad_url(text, "longer than 8192 bytes");
  if (has_control_or_space(text)) return bad_url(text, "contains a space or a control character");
  Url url;
  std::string_view rest = text;
  const auto scheme_end = rest.find("://");
  if (scheme_end == std::string_view::npos) return bad_url(text, "does not begin with http:// or https://");
  url.scheme = to_lower(rest.substr(0, scheme_end));
  if (url.scheme != "http" && url.scheme != "https") return bad_url(text, "scheme must be http or https");
  rest.remove_prefix(scheme_end + 3);
  if (rest.find('#') != std::string_view::npos) return bad_url(text, "must not have a fragment (#)");

  const auto authority_end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, authority_end);
  // The text of the user info may be a password, so this message does not repeat the URL.
  if (authority.find('@') != std::string_view::npos) {
    return make_error(ErrorCode::kInvalid, "URL: user name and password in a URL are not supported; use a token");
  }
  std::string_view port;
  FRACTA_TRY(parse_authority(authority, text, url, port));
  url.port = url.scheme == "https" ? 443 : 80;
  if (!port.empty()) {
    const auto number = parse_int(port);
    if (!number || *number < 1 || *number > 65535) return bad_url(text, "port must be a number from 1 to 65535");
    url.port = static_cast<int>(*number);
  }
  rest.remove_prefix(authority_end);
  const auto question = rest.find('?');
  url.path = std::string(rest.substr(0, question));
  while (url.path.ends_with('/')) url.path.pop_back();
  if (question != std::string_view::npos) url.query = std::string(rest.substr(question + 1));
  return url;
}

QueryParameters parse_query(std::string_view query) {
  QueryParameters parameters;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view piece = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (piece.empty()) continue;
    const auto equals = piece.find('=');
    auto name = percent_decode(piece.substr(0, equals), true);
    auto value = equals == std::string_view::npos ? std::optional<std::string>("")
                                                  : percent_decode(piece.substr(equals + 1), true);
    if (name && value) parameters.emplace_back(std::move(*name), std::move(*value));
  }
  return parameters;
}

std::string encode_query(const QueryParameters& parameters) {
  std::string text;
  for (const auto& [name, value] : parameters) {
    if (!text.empty()) text += '&';
    text += percent_encode(name) + "=" + percent_encode(value);
  }
  return text;
}

std::string_view status_text(int status) {
  for (const auto& entry : kStatusTexts) {
    if (entry.status == status) return entry.text;
  }
  return "";
}

}  // namespace fracta::net
