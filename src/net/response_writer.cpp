#include "net/response_writer.hpp"

#include <algorithm>
#include <array>

#include "fracta/base/text.hpp"
#include "net/tokens.hpp"

namespace fracta::net {
namespace {

bool is_servers_business(std::string_view name, bool upgrade) {
  if (iequals(name, "Content-Length") || iequals(name, "Transfer-Encoding")) return true;
  return !upgrade && (iequals(name, "Connection") || iequals(name, "Keep-Alive"));
}

}  // namespace

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

std::string response_head(const ServerResponse& response, const HeadOptions& options) {
  std::string head;
  head.reserve(256 + response.body.size() / 16);
  head += options.http10 ? "HTTP/1.0 " : "HTTP/1.1 ";
  head += std::to_string(response.status);
  head += ' ';
  head += status_text(response.status);
  head += "\r\n";
  const auto add = [&head](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
  };
  for (const auto& [name, value] : response.headers.entries()) {
    if (is_servers_business(name, options.framing == Framing::kUpgrade)) continue;
    if (is_token(name) && is_header_value(value)) add(name, value);
  }
  if (options.framing == Framing::kLength && may_have_body(response.status)) {
    add("Content-Length", std::to_string(response.body.size()));
  } else if (options.framing == Framing::kChunked) {
    add("Transfer-Encoding", "chunked");
  }
  if (options.framing != Framing::kUpgrade) {
    if (!options.keep_alive) {
      add("Connection", "close");
    } else if (options.http10) {
      add("Connection", "keep-alive");
    }
  }
  head += "\r\n";
  return head;
}

}  // namespace fracta::net
