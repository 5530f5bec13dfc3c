#include "credentials/store/ksuid.hpp"

#include <algorithm>
#include <array>

#include "fracta/base/text.hpp"
#include "fracta/credentials/store.hpp"

namespace fracta::credentials {
namespace {

constexpr std::int64_t kEpoch = 1'400'000'000;  // seconds; KSUID's own year zero, 2014-05-13
constexpr std::size_t kLength = 27;
constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

unsigned nibble(char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); }

}  // namespace

std::string make_ksuid(SystemTime now) {
  std::array<unsigned, 20> bytes{};
  const auto seconds = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count() - kEpoch);
  for (std::size_t i = 0; i < 4; ++i) bytes.at(i) = (seconds >> (24 - 8 * i)) & 0xFFu;
  const std::string random = random_hex(16);
  for (std::size_t i = 0; i < 16; ++i) bytes.at(4 + i) = nibble(random[2 * i]) * 16 + nibble(random[2 * i + 1]);
  // Long division of the 160-bit number by 62, least significant digit first.
  std::string out(kLength, '0');
  for (std::size_t digit = kLength; digit-- > 0;) {
    unsigned rest = 0;
    for (auto& byte : bytes) {
      const unsigned value = rest * 256 + byte;
      byte = value / 62;
      rest = value % 62;
    }
    out[digit] = kAlphabet[rest];
  }
  return out;
}

bool is_credential_id(std::string_view text) {
  return text.size() == kLength &&
         std::all_of(text.begin(), text.end(), [](char c) { return kAlphabet.find(c) != std::string_view::npos; });
}

}  // namespace fracta::credentials
