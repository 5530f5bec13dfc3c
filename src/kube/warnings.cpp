#include "kube/warnings.hpp"

#include "fracta/base/text.hpp"

namespace fracta::kube {
namespace {

constexpr std::size_t kMaxWarning = 1024;
// After so many different texts new ones are dropped: a server that counts in its warnings must not fill our memory.
constexpr std::size_t kMaxSeen = 256;

// Reads the quoted-string at text[0] == '"'; `text` is moved behind it. False when it does not end.
bool take_quoted(std::string_view& text, std::string& out) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      out += text[++i];
    } else if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return true;
    } else {
      out += text[i];
    }
  }
  return false;
}

}  // namespace

std::vector<std::string> parse_warnings(std::string_view text) {
  std::vector<std::string> out;
  while (true) {
    text = trim(text);
    const auto code_end = text.find(' ');
    const auto quote = text.find('"');
    if (code_end == std::string_view::npos || quote == std::string_view::npos || quote < code_end) return out;
    const bool ours = text.substr(0, code_end) == "299";
    text.remove_prefix(quote);
    std::string message;
    if (!take_quoted(text, message)) return out;
    if (ours && !message.empty()) out.push_back(shorten(message, kMaxWarning));
    // An optional quoted date follows, then perhaps a comma and the next warning.
    text = trim(text);
    std::string date;
    if (!text.empty() && text.front() == '"' && !take_quoted(text, date)) return out;
    text = trim(text);
    if (text.empty() || text.front() != ',') return out;
    text.remove_prefix(1);
  }
}

void WarningFilter::handle(const net::Headers& headers) {
  if (!on_warning_) return;
  for (const auto& [name, value] : headers.entries()) {
    if (!iequals(name, "Warning")) continue;
    for (const auto& text : parse_warnings(value)) {
      {
        std::lock_guard lock(mutex_);
        if (seen_.size() >= kMaxSeen || !seen_.insert(text).second) continue;
      }
      on_warning_(text);
    }
  }
}

}  // namespace fracta::kube
