// JSON -> YAML as kubectl prints it. No yaml-cpp: printing is a page of rules, and its emitter quotes differently.
#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta {

namespace {

// A plain scalar that a YAML 1.1 reader would take for null, a boolean, a number or a date needs quotes.
bool reads_as_other_kind(std::string_view text) {
  static const std::set<std::string, std::less<>> kWords = {
      "~",   "null", "Null", "NULL", "y",    "Y",     "yes",   "Yes",   "YES",   "n",    "N",    "no",
      "No",  "NO",   "true", "True", "TRUE", "false", "False", "FALSE", "on",    "On",   "ON",   "off",
      "Off", "OFF",  "<<",   "=",    ".inf", ".Inf",  ".INF",  "+.inf", "-.inf", ".nan", ".NaN", ".NAN"};
  if (kWords.contains(text)) return true;
  const bool starts_like_number = text.find_first_of("0123456789") <= 2 && text.find_first_not_of("+-.0123456789") != 0;
  if (!starts_like_number) return false;
  const std::string_view digits = text.front() == '+' || text.front() == '-' ? text.substr(1) : text;
  if (digits.substr(0, 2) == "0x")
    return digits.find_first_not_of("0123456789abcdefABCDEF_", 2) == std::string_view::npos;
  if (digits.substr(0, 2) == "0b" || digits.substr(0, 2) == "0o")
    return digits.find_first_not_of("01234567_", 2) == std::string_view::npos;
  // Decimals with underscores and exponents, sexagesimals and dates use only these characters.
  return digits.find_first_not_of("0123456789eE_+-.:TZ ") == std::string_view::npos;
}

bool needs_quotes(std::string_view text) {
  if (text.empty() || reads_as_other_kind(text)) return true;
  constexpr std::string_view kIndicators = "-?:,[]{}#&*!|>'\"%@`";
  const char first = text.front();
  if (first == ' ' || text.back() == ' ') return true;
  if (kIndicators.find(first) != std::string_view::npos) {
    const bool plain_dash = (first == '-' || first == '?' || first == ':') && text.size() > 1 && text[1] != ' ';
    if (!plain_dash || text.substr(0, 3) == "---") return true;
  }
  if (text.substr(0, 3) == "...") return true;
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos || text.back() == ':')
    return true;
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

// Literal blocks keep what they hold only without leading blanks in the first line and without odd control characters.
bool fits_literal_block(std::string_view text) {
  if (text.find('\n') == std::string_view::npos || text.front() == ' ' || text.front() == '\n' || text.front() == '\t')
    return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && text[i] != '\n' && text[i] != '\t') || byte == 0x7F) return false;
    if (text[i] == ' ' && i + 1 < text.size() && text[i + 1] == '\n') return false;  // go-yaml quotes these as well
  }
  return text.back() != ' ';
}

class Printer {
 public:
  std::string print(const Json& value) {
    node(value, 0, false);
    return std::move(out_);
  }

 private:
  void node(const Json& value, std::size_t indent, bool in_sequence) {
    if (value.is_object() && !value.empty()) return mapping(value, indent, in_sequence);
    if (value.is_array() && !value.empty()) return sequence(value, indent);
    scalar(value, indent);
    out_ += '\n';
  }

  void mapping(const Json& object, std::size_t indent, bool in_sequence) {
    bool first = true;
    for (const auto& [key, value] : object.items()) {
      if (!(first && in_sequence)) out_.append(indent, ' ');
      first = false;
      out_ += needs_quotes(key) ? quoted(key) : key;
      out_ += ':';
      child(value, indent);
    }
  }

  void child(const Json& value, std::size_t indent) {
    if (value.is_object() && !value.empty()) {
      out_ += '\n';
      mapping(value, indent + 2, false);
    } else if (value.is_array() && !value.empty()) {
      out_ += '\n';
      sequence(value, indent);  // kubectl does not indent lists below their key
    } else {
      out_ += ' ';
      scalar(value, indent);
      out_ += '\n';
    }
  }

  void sequence(const Json& array, std::size_t indent) {
    for (const auto& item : array) {
      out_.append(indent, ' ');
      out_ += "- ";
      if (item.is_array() && !item.empty()) {
        // A list in a list starts on the same line.
        const std::size_t before = out_.size();
        sequence(item, indent + 2);
        out_.erase(before, indent + 2);
      } else {
        node(item, indent + 2, true);
      }
    }
  }

  void scalar(const Json& value, std::size_t indent) {
    if (value.is_object())
      out_ += "{}";
    else if (value.is_array())
      out_ += "[]";
    else if (!value.is_string())
      out_ += dump_json(value);
    else
      text(value.get_ref<const std::string&>(), indent);
  }

  void text(const std::string& value, std::size_t indent) {
    if (fits_literal_block(value)) return block(value, indent);
    out_ += needs_quotes(value) ? quoted(value) : value;
  }

  void block(std::string_view value, std::size_t indent) {
    const bool ends_with_newline = value.back() == '\n';
    const bool keeps_newlines = ends_with_newline && value.size() > 1 && value[value.size() - 2] == '\n';
    out_ += keeps_newlines ? "|+" : ends_with_newline ? "|" : "|-";
    if (ends_with_newline) value.remove_suffix(1);
    for (const auto& line : split(value, '\n')) {
      out_ += '\n';
      if (!line.empty()) out_.append(indent + 2, ' ').append(line);
    }
  }

  static std::string quoted(std::string_view value) { return dump_json(Json(std::string(value))); }

  std::string out_;
};

}  // namespace

std::string dump_yaml(const Json& value) { return Printer().print(value); }

}  // namespace fracta
