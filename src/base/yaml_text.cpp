#include "base/yaml_text.hpp"

#include <algorithm>
#include <cstdint>

namespace fracta {
namespace {

// Length of the UTF-8 sequence at the front of `text` and its code point; 0 when it is none.
std::size_t decode_utf8(std::string_view text, std::uint32_t& code) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t first = byte(0);
  code = first;
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  code = first & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0u) != 0x80u) return 0;
    code = (code << 6u) | (byte(i) & 0x3Fu);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return overlong || surrogate || code > 0x10FFFF ? 0 : length;
}

bool is_allowed(std::uint32_t code) {
  if (code == '\t' || code == '\n' || code == '\r' || code == 0x85) return true;
  return (code >= 0x20 && code < 0x7F) || (code >= 0xA0 && code != 0xFFFE && code != 0xFFFF);
}

constexpr std::size_t kLongLine = 4096;  // counting characters of longer lines once per node would be quadratic

}  // namespace

std::optional<YamlError> find_bad_character(std::string_view text) {
  TextPosition position{1, 1};
  for (std::size_t i = 0; i < text.size();) {
    std::uint32_t code = 0;
    const std::size_t length = decode_utf8(text.substr(i), code);
    if (length == 0) return YamlError{position, "the text is not valid UTF-8"};
    const bool byte_order_mark = code == 0xFEFF && i == 0;
    if (!is_allowed(code) && !byte_order_mark) return YamlError{position, "control characters are not allowed"};
    i += length;
    if (code == '\n') {
      position = {position.line + 1, 1};
    } else {
      ++position.column;
    }
  }
  return std::nullopt;
}

LineTable::LineTable(std::string_view text) : text_(text), starts_{0} {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts_.push_back(i + 1);
    if (static_cast<unsigned char>(text[i]) >= 0x80) ascii_ = false;
  }
}

std::string_view LineTable::line(int number) const {
  const auto index = static_cast<std::size_t>(std::max(number, 0));
  if (index >= starts_.size()) return {};
  const std::size_t end = index + 1 < starts_.size() ? starts_[index + 1] : text_.size();
  return text_.substr(starts_[index], end - starts_[index]);
}

TextPosition LineTable::at(int line_number, int byte_column) const {
  if (line_number < 0 || byte_column < 0) return {};
  // The parser works on a text with an end marker added; nothing stands behind the last line the user wrote.
  const int last = static_cast<int>(starts_.size()) - 1;
  const bool behind = line_number > last || (line_number == last && line(last).empty() && last > 0);
  if (behind && line_number > 0) return {std::min(line_number, last) + 1, 1};
  int column = byte_column;
  const std::string_view content = line(line_number);
  if (!ascii_ && content.size() <= kLongLine) {
    const std::string_view before = content.substr(0, static_cast<std::size_t>(byte_column));
    column = static_cast<int>(std::count_if(before.begin(), before.end(), [](char c) { return (c & 0xC0) != 0x80; }));
  }
  return {line_number + 1, column + 1};
}

bool LineTable::is_document_start(int number) const { return line(number).substr(0, 3) == "---"; }

}  // namespace fracta
