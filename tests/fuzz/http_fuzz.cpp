// What strangers send to the server (request heads and bodies), and what a server may send to the client: the answer's
// head, event streams and URLs. The same result however the bytes are cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fracta/net/http.hpp"
#include "fracta/net/lines.hpp"
#include "net/request_parser.hpp"
#include "net/response_head.hpp"

namespace {

using namespace fracta;
using namespace fracta::net;

constexpr RequestLimits kLimits{4096, 32, 2048, 1024};

std::string requests_in_pieces(std::string_view text, std::size_t piece) {
  std::string seen;
  std::string buffer;
  RequestParser parser(kLimits);
  for (std::size_t at = 0; at < text.size(); at += piece) {
    buffer += text.substr(at, piece);
    while (parser.advance(buffer) == RequestParser::State::kDone) {
      const auto& request = parser.request();
      if (request.body.size() > kLimits.max_body_bytes) std::abort();
      if (request.headers.entries().size() > kLimits.max_headers) std::abort();
      if (request.path.find('\0') != std::string::npos) std::abort();
      seen += request.method + " " + request.target + " " + request.path + " " + request.body + "\n";
      parser.reset();
      if (buffer.empty()) break;
    }
    if (parser.state() == RequestParser::State::kFailed) return seen + std::to_string(parser.error_status());
  }
  return seen;
}

std::string events_in_pieces(std::string_view text, std::size_t piece) {
  std::string seen;
  SseReader reader(
      [&](const ServerSentEvent& event) {
        seen += event.event + "|" + event.id + "|" + event.data + "\n";
        return true;
      },
      4096);
  for (std::size_t at = 0; at < text.size(); at += piece) {
    if (!reader.feed(text.substr(at, piece))) break;
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 16;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  // A refusal may come earlier with small pieces (an endless line), but never another one for a complete request.
  const auto whole = requests_in_pieces(text, std::max<std::size_t>(text.size(), 1));
  const auto pieces = requests_in_pieces(text, piece);
  const auto complete = [](const std::string& seen) { return seen.substr(0, seen.rfind('\n') + 1); };
  if (complete(whole) != complete(pieces)) std::abort();
  if (events_in_pieces(text, std::max<std::size_t>(text.size(), 1)) != events_in_pieces(text, piece)) std::abort();
  if (const auto head = parse_response_head(text); head && (head->status < 100 || head->status > 599)) std::abort();
  if (const auto url = parse_url(text)) {
    const auto again = parse_url(url->to_string());
    if (!again || again->to_string() != url->to_string()) std::abort();
  }
  return 0;
}
