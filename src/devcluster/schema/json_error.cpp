#include "devcluster/schema/json_error.hpp"

#include <fmt/format.h>

#include <vector>

namespace fracta::devcluster {

namespace {

constexpr std::size_t kMaxDepth = 10'000;
constexpr const char* kEnd = "unexpected end of JSON input";

std::string quoted(char c) {
  if (c == '\'') return "'\\''";
  if (c == '"') return "'\"'";
  const auto byte = static_cast<unsigned char>(c);
  if (c == '\n') return "'\\n'";
  if (c == '\t') return "'\\t'";
  if (c == '\r') return "'\\r'";
  if (byte < 0x20 || byte == 0x7f) return fmt::format("'\\x{:02x}'", byte);
  if (byte >= 0x80) return fmt::format("'\\u{:04x}'", byte);  // bytes are shown as if they were characters
  return fmt::format("'{}'", c);
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::string run() {
    if (!value()) return error_;
    while (!open_.empty()) {
      if (!after_value()) return error_;
    }
    skip_space();
    if (at_ < text_.size()) fail("after top-level value");
    return error_;
  }

 private:
  bool fail(std::string_view where) {
    error_ = at_ >= text_.size() ? kEnd : fmt::format("invalid character {} {}", quoted(text_[at_]), where);
    return false;
  }
  [[nodiscard]] bool is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  [[nodiscard]] bool digit() const { return at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; }
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }

  // The start of a value; containers are left open.
  bool value() {
    skip_space();
    if (at_ >= text_.size()) return fail("");
    const char c = text_[at_];
    if (c == '{' || c == '[') return container(c);
    if (c == '"') return string();
    if (c == '-' || digit()) return number();
    for (const std::string_view word : {"true", "false", "null"}) {
      if (c == word[0]) return literal(word);
    }
    return fail("looking for beginning of value");
  }

  bool container(char c) {
    if (open_.size() >= kMaxDepth) {
      error_ = "exceeded max depth";
      return false;
    }
    ++at_;
    skip_space();
    if (is(c == '{' ? '}' : ']')) {
      ++at_;
      return true;
    }
    open_.push_back(c);
    return c == '{' ? key() : value();
  }

  bool key() {
    skip_space();
    if (!is('"')) return fail("looking for beginning of object key string");
    if (!string()) return false;
    skip_space();
    if (!is(':')) return fail("after object key");
    ++at_;
    return value();
  }

  // What stands between two values of the innermost container, or its end.
  bool after_value() {
    skip_space();
    const bool object = open_.back() == '{';
    if (is(',')) {
      ++at_;
      return object ? key() : value();
    }
    if (is(object ? '}' : ']')) {
      ++at_;
      open_.pop_back();
      return true;
    }
    return fail(object ? "after object key:value pair" : "after array element");
  }

  bool string() {
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return fail("in string literal");
      if (c == '\\' && !escape()) return false;
    }
    return fail("");
  }

  bool escape() {
    ++at_;
    if (at_ >= text_.size()) return fail("");
    if (text_[at_] != 'u')
      return std::string_view("bfnrt\\/\"").find(text_[at_]) != std::string_view::npos || fail("in string escape code");
    for (int i = 0; i < 4; ++i) {
      ++at_;
      if (at_ >= text_.size()) return fail("");
      if (std::string_view("0123456789abcdefABCDEF").find(text_[at_]) == std::string_view::npos)
        return fail("in \\u hexadecimal character escape");
    }
    return true;
  }

  bool number() {
    if (is('-')) {
      ++at_;
      if (!digit()) return fail("in numeric literal");
    }
    if (is('0'))
      ++at_;
    else
      digits();
    if (is('.')) {
      ++at_;
      if (!digit()) return fail("after decimal point in numeric literal");
      digits();
    }
    if (is('e') || is('E')) {
      ++at_;
      if (is('+') || is('-')) ++at_;
      if (!digit()) return fail("in exponent of numeric literal");
      digits();
    }
    return true;
  }
  void digits() {
    while (digit()) ++at_;
  }

  bool literal(std::string_view word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      ++at_;
      if (!is(word[i])) return fail(fmt::format("in literal {} (expecting '{}')", word, word[i]));
    }
    ++at_;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<char> open_;
  std::string error_;
};

}  // namespace

std::string json_syntax_error(std::string_view text) { return Scanner(text).run(); }

}  // namespace fracta::devcluster
