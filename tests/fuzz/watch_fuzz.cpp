// What a server streams at us: watch events, lists and Status objects, cut at any place.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "fracta/base/json.hpp"
#include "fracta/kube/client.hpp"
#include "kube/list_reader.hpp"
#include "kube/warnings.hpp"
#include "kube/watch_decoder.hpp"

namespace {

using namespace fracta;
using namespace fracta::kube;

// The same events however the bytes are cut.
std::string watch_in_pieces(std::string_view text, std::size_t piece) {
  std::string seen;
  WatchDecoder decoder(
      [&](const WatchEvent& event) {
        seen += dump_json(event.object) + std::to_string(static_cast<int>(event.type));
        return true;
      },
      [&] { seen += "?"; });
  for (std::size_t at = 0; at < text.size(); at += piece) {
    if (!decoder.feed(text.substr(at, piece))) break;
  }
  return seen + (decoder.error() ? decoder.error()->message : decoder.at_line_end() ? "end" : "cut");
}

std::string list_in_pieces(std::string_view text, std::size_t piece) {
  std::string seen;
  ListReader reader([&](const Json& item) { seen += dump_json(item); });
  for (std::size_t at = 0; at < text.size(); at += piece) {
    if (!reader.feed(text.substr(at, piece))) return seen + reader.error().message;
  }
  auto envelope = reader.finish();
  return seen + (envelope ? dump_json(*envelope) : envelope.error().message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 16;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t whole = std::max<std::size_t>(1, text.size());
  if (watch_in_pieces(text, piece) != watch_in_pieces(text, whole)) std::abort();
  if (list_in_pieces(text, piece) != list_in_pieces(text, whole)) std::abort();
  const auto error = error_from_answer(409, {{"Retry-After", std::string(text.substr(0, 20))}}, std::string(text));
  if (error.message.size() > 8192 || error.message.find('\n') != std::string::npos) std::abort();
  static_cast<void>(parse_warnings(text));
  return 0;
}
