#include "base/yaml_scalar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "fracta/base/text.hpp"

namespace fracta {
namespace {

constexpr std::string_view kStrTag = "tag:yaml.org,2002:str";
constexpr std::string_view kBoolTag = "tag:yaml.org,2002:bool";
constexpr std::string_view kIntTag = "tag:yaml.org,2002:int";
constexpr std::string_view kFloatTag = "tag:yaml.org,2002:float";
constexpr std::string_view kNullTag = "tag:yaml.org,2002:null";
constexpr std::string_view kTimestampTag = "tag:yaml.org,2002:timestamp";
constexpr std::string_view kBinaryTag = "tag:yaml.org,2002:binary";

// Each word exists in lower case, Capitalised and UPPER CASE; any other mixture is a string.
bool is_word(std::string_view text, std::string_view word) {
  if (text.size() != word.size() || text.empty()) return false;
  std::string capital(word), upper(word);
  capital[0] = static_cast<char>(capital[0] - 'a' + 'A');
  for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
  return text == word || text == capital || text == upper;
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return is_word(text, word); });
}

bool is_infinity_or_nan(std::string_view text) {
  constexpr std::array<std::string_view, 12> kWords = {".nan",  ".NaN",  ".NAN",  ".inf",  ".Inf",  ".INF",
                                                       "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF"};
  return std::find(kWords.begin(), kWords.end(), text) != kWords.end();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// strconv.ParseInt/ParseUint with base 0: 0x, 0o, 0b and plain 0 prefixes.
std::optional<Json> parse_integer(std::string_view text) {
  const bool negative = !text.empty() && text[0] == '-';
  const bool has_sign = negative || (!text.empty() && text[0] == '+');
  std::string_view digits = has_sign ? text.substr(1) : text;
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    const char mark = static_cast<char>(digits[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    digits.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
  }
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, code] = std::from_chars(digits.data(), end, value, base);
  if (digits.empty() || code != std::errc() || stop != end) return std::nullopt;
  if (negative) {
    constexpr std::uint64_t kMostNegative = std::uint64_t{1} << 63;
    if (value > kMostNegative) return std::nullopt;
    return Json(value == kMostNegative ? INT64_MIN : -static_cast<std::int64_t>(value));
  }
  if (value <= static_cast<std::uint64_t>(INT64_MAX)) return Json(static_cast<std::int64_t>(value));
  if (has_sign) return std::nullopt;  // ParseUint knows no sign
  return Json(value);
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool looks_like_float(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t from = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - from;
  };
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  const std::size_t whole = digits();
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0 && whole == 0) return false;
  } else if (whole == 0) {
    return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

// Go prints a whole float64 without a fraction, so a JSON reader sees an integer again.
Json float_json(double value) {
  constexpr double kTwo63 = 9223372036854775808.0;
  const bool whole = std::floor(value) == value && !(value == 0 && std::signbit(value));
  if (whole && value > -kTwo63 && value < kTwo63) return Json(static_cast<std::int64_t>(value));
  if (whole && value >= 0 && value < 2 * kTwo63) return Json(static_cast<std::uint64_t>(value));
  return Json(value);
}

std::optional<Json> parse_float(std::string_view text) {
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code == std::errc::result_out_of_range) {
    // from_chars does not say in which direction; too small is 0 in Go, too big is an error.
    value = std::strtod(std::string(text).c_str(), nullptr);
    if (std::isinf(value)) return std::nullopt;
    return float_json(value);
  }
  if (code != std::errc() || stop != end) return std::nullopt;
  return float_json(value);
}

enum class Kind { kString, kBool, kNull, kInt, kFloat, kNoJson };

struct Number {
  Json value;
  Kind kind;
};

std::optional<Number> as_float(std::string_view text) {
  if (!looks_like_float(text)) return std::nullopt;
  if (auto value = parse_float(text)) return Number{*value, Kind::kFloat};
  return std::nullopt;
}

std::optional<Number> parse_number(const std::string& text) {
  if (!is_digit(text[0]) && text[0] != '-' && text[0] != '+' && text[0] != '.') return std::nullopt;
  std::string plain = text;
  plain.erase(std::remove(plain.begin(), plain.end(), '_'), plain.end());
  if (auto integer = text[0] == '.' ? std::nullopt : parse_integer(plain)) return Number{*integer, Kind::kInt};
  return as_float(plain);
}

Kind kind_of(const std::string& text, Json& value) {
  value = text;
  if (text.empty() || text == "~" || one_of(text, {"null"})) {
    value = nullptr;
    return Kind::kNull;
  }
  if (one_of(text, {"y", "yes", "true", "on", "n", "no", "false", "off"})) {
    value = one_of(text, {"y", "yes", "true", "on"});
    return Kind::kBool;
  }
  if (is_infinity_or_nan(text)) return Kind::kNoJson;
  const auto number = parse_number(text);
  if (!number) return Kind::kString;
  value = number->value;
  return number->kind;
}

bool fits(std::string_view tag, Kind kind) {
  if (tag == kBoolTag) return kind == Kind::kBool;
  if (tag == kNullTag) return kind == Kind::kNull;
  if (tag == kIntTag) return kind == Kind::kInt;
  if (tag == kFloatTag) return kind == Kind::kFloat || kind == Kind::kInt;
  return true;
}

// strconv.FormatFloat(f, 'g', -1, 32), which sigs.k8s.io/yaml uses for keys: shortest digits that give the float32
// back, with an exponent below 1e-4 and from 1e21 on.
std::string short_float_text(float value) {
  std::array<char, 128> buffer{};
  char* const begin = buffer.data();
  char* const end = begin + buffer.size();
  const double size = std::fabs(static_cast<double>(value));
  const bool fixed = value == 0 || (size >= 1e-4 && size < 1e21);
  const auto done = std::to_chars(begin, end, value, fixed ? std::chars_format::fixed : std::chars_format::scientific);
  return {begin, done.ptr};
}

}  // namespace

Json resolve_yaml_scalar(std::string_view tag, const std::string& text, std::string& error) {
  if (tag == kBinaryTag) {
    const auto bytes = base64_decode(text);
    if (!bytes) error = "!!binary value contains invalid base64 data";
    return bytes ? Json(*bytes) : Json();
  }
  const bool resolvable =
      tag.empty() || tag == kBoolTag || tag == kIntTag || tag == kFloatTag || tag == kNullTag || tag == kTimestampTag;
  if (!resolvable || tag == kStrTag || tag == kTimestampTag) return Json(text);
  Json value;
  const Kind kind = kind_of(text, value);
  if (kind == Kind::kNoJson) {
    error = "infinity and NaN cannot be used here (JSON has no such number)";
    return Json();
  }
  if (!fits(tag, kind)) {
    error = "cannot decode `" + shorten(text, 60) + "` as !!" + std::string(tag.substr(tag.rfind(':') + 1));
    return Json();
  }
  return value;
}

std::optional<std::string> yaml_key_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number_integer()) return value.dump();
  if (!value.is_number_float()) return std::nullopt;
  return short_float_text(static_cast<float>(value.get<double>()));
}

}  // namespace fracta
