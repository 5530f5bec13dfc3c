#include "net/response_head.hpp"

#include <algorithm>

#include "fracta/base/text.hpp"
#include "net/tokens.hpp"

namespace fracta::net {
namespace {

constexpr std::size_t kMaxHeaders = 256;

Error malformed(std::string_view what) {
  return make_error(ErrorCode::kUnavailable, "malformed HTTP answer: " + std::string(what));
}

bool has_token(std::string_view value, std::string_view token) {
  for (const auto& piece : split(value, ',')) {
    if (iequals(trim(piece), token)) return true;
  }
  return false;
}

// "HTTP/1.1 200 OK"
Result<int> status_of(std::string_view line) {
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ') return malformed("status line");
  const auto status = parse_int(line.substr(9, 3));
  if (!status || *status < 100 || *status > 599) return malformed("status");
  return static_cast<int>(*status);
}

}  // namespace

Result<ResponseHead> parse_response_head(std::string_view text) {
  ResponseHead head;
  bool first = true;
  bool http11 = false;
  std::size_t lengths = 0;
  std::size_t encodings = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (first) {
      auto status = status_of(line);
      if (!status) return status.error();
      head.status = *status;
      http11 = line.starts_with("HTTP/1.1");
      first = false;
      continue;
    }
    if (line.empty()) break;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return malformed("header line");
    const auto name = line.substr(0, colon);
    const auto value = trim(line.substr(colon + 1));
    if (!is_header_value(value)) return malformed("control character in a header");
    if (head.headers.entries().size() >= kMaxHeaders) {
      return make_error(ErrorCode::kResourceExhausted, "HTTP answer has more than 256 headers");
    }
    if (iequals(name, "Content-Length")) ++lengths;
    if (iequals(name, "Transfer-Encoding")) {
      ++encodings;
      if (!iequals(value, "chunked")) return malformed("unknown transfer encoding");
    }
    head.headers.add(std::string(name), std::string(value));
  }
  if (first) return malformed("no status line");
  if (lengths + encodings > 1) return malformed("contradicting body lengths");
  if (lengths == 1) {
    const auto length = parse_int(*head.headers.get("Content-Length"));
    if (!length || *length < 0) return malformed("Content-Length");
  }
  const auto connection = head.headers.get("Connection").value_or("");
  head.keep_alive = http11 ? !has_token(connection, "close") : false;
  return head;
}

}  // namespace fracta::net
