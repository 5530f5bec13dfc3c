#include "fracta/base/redactor.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/token_shapes.hpp"
#include "fracta/base/text.hpp"

namespace fracta {

namespace {

constexpr std::size_t kHead = sizeof(std::uint64_t);
constexpr std::size_t kShortestLine = 16;    // of a value with several lines
constexpr std::size_t kShortestBase64 = 12;  // of the part that does not depend on its neighbours
constexpr std::size_t kMaxPatterns = 100'000;
constexpr int kMaxKeyLines = 400;  // of a private key without an end

std::uint64_t head_of(std::string_view text) {
  std::uint64_t head = 0;
  std::memcpy(&head, text.data(), kHead);
  return head;
}

std::size_t two_bytes(std::string_view text) {
  return static_cast<std::size_t>(static_cast<unsigned char>(text[0])) |
         static_cast<std::size_t>(static_cast<unsigned char>(text[1])) << 8u;
}

std::string json_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '"':
      case '\\':
        out += '\\';
        out += c;
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace

Redactor::Redactor(const std::vector<std::string>& values) {
  for (const auto& value : values) {
    add_forms(trim(value));
    if (value.find('\n') == std::string::npos) continue;
    for (const auto& line : split(value, '\n'))
      if (trim(line).size() >= kShortestLine) add_forms(trim(line));
  }
  for (auto& [head, list] : by_head_)
    std::sort(list.begin(), list.end(),
              [this](std::uint32_t a, std::uint32_t b) { return patterns_[a].size() > patterns_[b].size(); });
}

void Redactor::add_forms(std::string_view value) {
  if (value.size() < kShortestValue) return;
  add(value);
  add_base64(value);
  add(percent_encode(value));
  add(json_escaped(value));
}

// Long ones in pieces, so that little has to be held back: where the whole stands, every piece is found.
void Redactor::add(std::string_view value) {
  while (value.size() >= kShortestValue && patterns_.size() < kMaxPatterns) {
    const bool rest_is_short = value.size() < kLongestPiece + kShortestValue;
    const std::string_view piece = value.size() <= kLongestPiece ? value
                                   : rest_is_short               ? value.substr(0, kLongestPiece / 2)
                                                                 : value.substr(0, kLongestPiece);
    value.remove_prefix(piece.size());
    auto& list = by_head_[head_of(piece)];
    const bool known = std::any_of(list.begin(), list.end(), [&](std::uint32_t i) { return patterns_[i] == piece; });
    if (known) continue;
    list.push_back(static_cast<std::uint32_t>(patterns_.size()));
    patterns_.emplace_back(piece);
    heads_.set(two_bytes(piece));
    first_.set(static_cast<unsigned char>(piece[0]));
  }
}

// Three bytes become four characters, so what a value looks like depends on where in the encoded text it begins. The
// characters at its ends that also hold bits of its neighbours are left out.
void Redactor::add_base64(std::string_view value) {
  constexpr std::array<std::size_t, 3> kFirst{0, 2, 3};
  for (std::size_t offset = 0; offset < 3; ++offset) {
    std::string code = base64_encode(std::string(offset, '\0') + std::string(value));
    const std::size_t whole = (offset + value.size()) * 8 / 6;
    code = code.substr(kFirst[offset], whole - kFirst[offset]);
    if (code.size() < kShortestBase64) continue;
    add(code);
    std::replace(code.begin(), code.end(), '+', '-');
    std::replace(code.begin(), code.end(), '/', '_');
    add(code);
  }
}

std::size_t Redactor::match_value(std::string_view rest) const {
  if (rest.size() < kHead || !heads_.test(two_bytes(rest))) return 0;
  const auto found = by_head_.find(head_of(rest));
  if (found == by_head_.end()) return 0;
  for (const std::uint32_t index : found->second)
    if (rest.starts_with(patterns_[index])) return patterns_[index].size();
  return 0;
}

// One line, or a piece of one that is longer than what is held. Unless `last`, what a match could still grow into is
// left over. Returns how much was looked at.
std::size_t Redactor::scan_line(std::string_view line, bool last, Position& now, std::string& out) const {
  std::size_t i = now.in_token ? end_of_token(line, 0) : 0;  // the rest of what was blacked out already
  if (i < line.size()) now.in_token = false;
  const std::size_t safe = last ? line.size() : line.size() - std::min(line.size(), kLongestPiece);
  std::size_t kept = i;  // up to here everything is in `out`
  while (i < safe) {
    if (!first_.test(static_cast<unsigned char>(line[i])) && !may_begin_token(line, i)) {
      ++i;
      continue;
    }
    TokenMatch match{0, match_value(line.substr(i)), false};
    if (match.length == 0) match.length = match_key(line, i, now);
    if (match.length == 0) match = match_token(line, i);
    if (match.length == 0) {
      ++i;
      continue;
    }
    now.in_token = match.open_ended && !last;
    out.append(line.substr(kept, i + match.lead - kept));
    out += kRedacted;
    i += match.lead + match.length;
    kept = i;
  }
  if (kept < i) out.append(line.substr(kept, i - kept));
  return i;
}

// A private key that begins here: its length on this line.
std::size_t Redactor::match_key(std::string_view line, std::size_t at, Position& now) {
  if (key_header(line, at) == 0) return 0;
  const std::size_t end = line.find(kKeyEnd, at);
  now.in_key = end == std::string_view::npos;
  now.key_lines = 0;
  const std::size_t after = now.in_key ? std::string_view::npos : line.find("-----", end + kKeyEnd.size());
  return (after == std::string_view::npos ? line.size() : after + 5) - at;
}

// False when it is no line of a key any more.
bool Redactor::scan_key_line(std::string_view line, Position& now, std::string& out) {
  const std::size_t part = key_part(line);
  if (part == std::string_view::npos || ++now.key_lines > kMaxKeyLines) {
    now.in_key = false;
    return false;
  }
  out.append(line.substr(0, part));
  if (part < line.size()) out += kRedacted;
  if (line.substr(part).starts_with(kKeyEnd)) now.in_key = false;
  return true;
}

Redactor::Position Redactor::scan(std::string_view text, const Position& before, bool last, std::string& out) const {
  Position now = before;
  now.consumed = 0;
  while (now.consumed < text.size()) {
    const std::string_view rest = text.substr(now.consumed);
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    const bool whole = last || end != std::string_view::npos;
    if (whole && now.in_key && scan_key_line(line, now, out)) {
      now.consumed += line.size();
    } else {
      const std::size_t done = scan_line(line, whole, now, out);
      now.consumed += done;
      if (!whole) return now;
    }
    if (end == std::string_view::npos) break;
    now.in_token = false;
    out += '\n';
    ++now.consumed;
  }
  return now;
}

std::string Redactor::redact(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  scan(text, {}, true, out);
  return out;
}

std::string RedactingStream::feed(std::string_view bytes) {
  std::string out;
  if (const auto line = bytes.rfind('\n'); line != std::string_view::npos) {
    held_ += bytes.substr(0, line + 1);
    bytes.remove_prefix(line + 1);
    state_ = redactor_->scan(held_, state_, true, out);
    held_.clear();
  }
  held_ += bytes;
  if (held_.size() > kMaxHeld) {
    state_ = redactor_->scan(held_, state_, false, out);
    held_.erase(0, state_.consumed);
  }
  return out;
}

std::string RedactingStream::finish() {
  std::string out;
  redactor_->scan(held_, state_, true, out);
  held_.clear();
  state_ = {};
  return out;
}

}  // namespace fracta
