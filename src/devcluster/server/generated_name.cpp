#include "devcluster/server/generated_name.hpp"

#include "fracta/base/text.hpp"

namespace fracta::devcluster {

std::string random_suffix() {
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string suffix;
  const std::string bytes = random_hex(5);
  for (std::size_t i = 0; i < 5; ++i) {
    const auto value = static_cast<std::size_t>(std::stoi(bytes.substr(2 * i, 2), nullptr, 16));
    suffix += kAlphabet[value % kAlphabet.size()];
  }
  return suffix;
}

std::string generated_name(std::string_view base) { return std::string(base.substr(0, 58)) + random_suffix(); }

}  // namespace fracta::devcluster
