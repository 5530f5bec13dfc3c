#include "fracta/base/quantity.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

namespace fracta {
namespace {

__extension__ using Wide = __int128;

constexpr Wide kNano = 1'000'000'000;
constexpr std::size_t kMaxText = 512;  // far more digits than a quantity can hold; bounds the arithmetic below
constexpr Wide kInt64Max = INT64_MAX;

constexpr std::string_view kFormatWrong =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
constexpr std::string_view kSuffixWrong = "unable to parse quantity's suffix";

struct DecimalSuffix {
  std::string_view text;
  int exponent;
};
constexpr std::array<DecimalSuffix, 10> kDecimal = {
    {{"n", -9}, {"u", -6}, {"m", -3}, {"", 0}, {"k", 3}, {"M", 6}, {"G", 9}, {"T", 12}, {"P", 15}, {"E", 18}}};
constexpr std::array<std::string_view, 7> kBinary = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The text cut into its pieces, with the same tolerance as ParseQuantity ("1.", ".5", "m" and even "." are accepted).
struct Pieces {
  bool negative = false;
  std::string digits;  // of number and fraction together
  int fraction = 0;    // how many of them stand behind the point
  std::string_view suffix;
};

bool cut(std::string_view text, Pieces& pieces) {
  std::size_t i = 0;
  if (text[0] == '-' || text[0] == '+') {
    pieces.negative = text[0] == '-';
    ++i;
  }
  for (; i < text.size() && is_digit(text[i]); ++i) pieces.digits += text[i];
  if (i < text.size() && text[i] == '.') {
    for (++i; i < text.size() && is_digit(text[i]); ++i) {
      pieces.digits += text[i];
      ++pieces.fraction;
    }
  }
  pieces.suffix = text.substr(i);
  while (i < text.size() && std::string_view("eEinumkKMGTP").find(text[i]) != std::string_view::npos) ++i;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  while (i < text.size() && is_digit(text[i])) ++i;
  return i == text.size();
}

struct Scale {
  char format = 'd';
  int exponent = 0;  // of 10, or of 1024 when format is 'b'
};

bool interpret(std::string_view suffix, Scale& scale) {
  for (const DecimalSuffix& known : kDecimal) {
    if (suffix == known.text) {
      scale.exponent = known.exponent;
      return true;
    }
  }
  for (std::size_t i = 1; i < kBinary.size(); ++i) {
    if (suffix == kBinary[i]) {
      scale = {'b', static_cast<int>(i)};
      return true;
    }
  }
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return false;
  suffix.remove_prefix(suffix[1] == '+' && suffix.size() > 2 && is_digit(suffix[2]) ? 2 : 1);
  scale.format = 'e';
  const auto [end, code] = std::from_chars(suffix.data(), suffix.data() + suffix.size(), scale.exponent);
  if (end != suffix.data() + suffix.size() || code == std::errc::invalid_argument) return false;
  constexpr int kFar = 100'000;  // beyond it everything is zero-or-one-nano or the maximum
  if (code != std::errc()) scale.exponent = suffix[0] == '-' ? -kFar : kFar;
  scale.exponent = std::clamp(scale.exponent, -kFar, kFar);
  return true;
}

void times_1024(std::string& digits) {
  int carry = 0;
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
    const int product = (*digit - '0') * 1024 + carry;
    *digit = static_cast<char>('0' + product % 10);
    carry = product / 10;
  }
  for (; carry != 0; carry /= 10) digits.insert(digits.begin(), static_cast<char>('0' + carry % 10));
}

constexpr Wide max_wide() { return ((Wide{1} << 126) - 1) * 2 + 1; }

// digits * 10^shift as an integer, rounded away from zero, saturating.
Wide scaled(const std::string& digits, int shift) {
  const auto count = static_cast<int>(digits.size());
  const int keep = std::clamp(count + std::min(shift, 0), 0, count);
  Wide value = 0;
  const auto push = [&](int digit) {
    if (value > (max_wide() - digit) / 10) return false;
    value = value * 10 + digit;
    return true;
  };
  for (int i = 0; i < keep; ++i) {
    if (!push(digits[static_cast<std::size_t>(i)] - '0')) return max_wide();
  }
  for (int i = 0; i < shift && value != 0; ++i) {
    if (!push(0)) return max_wide();
  }
  const bool lost = std::any_of(digits.begin() + keep, digits.end(), [](char c) { return c != '0'; });
  return lost && value < max_wide() ? value + 1 : value;
}

std::string to_text(Wide value) {
  if (value == 0) return "0";
  const bool negative = value < 0;
  std::string text;
  for (; value != 0; value /= 10) text += static_cast<char>('0' + std::abs(static_cast<int>(value % 10)));
  if (negative) text += '-';
  std::reverse(text.begin(), text.end());
  return text;
}

// Divides rounding away from zero, as ScaledValue does.
std::int64_t rounded(Wide nano, Wide unit) {
  Wide value = nano / unit;
  if (nano % unit != 0) value += nano > 0 ? 1 : -1;
  return static_cast<std::int64_t>(std::clamp<Wide>(value, -kInt64Max - 1, kInt64Max));
}

std::string decimal_text(Wide nano, char format) {
  int exponent = -9;
  while (nano % 1000 == 0 && (format == 'e' || exponent < 18)) {
    nano /= 1000;
    exponent += 3;
  }
  if (format == 'e') return to_text(nano) + (exponent == 0 ? "" : "e" + std::to_string(exponent));
  const auto* suffix =
      std::find_if(kDecimal.begin(), kDecimal.end(), [&](const auto& s) { return s.exponent == exponent; });
  return to_text(nano) + std::string(suffix->text);
}

std::string binary_text(Wide whole) {
  std::size_t power = 0;
  while (whole % 1024 == 0 && power + 1 < kBinary.size()) {
    whole /= 1024;
    ++power;
  }
  return to_text(whole) + std::string(kBinary[power]);
}

}  // namespace

Result<Quantity> Quantity::parse(std::string_view text) {
  Pieces pieces;
  if (text.empty() || text.size() > kMaxText || !cut(text, pieces)) {
    return make_error(ErrorCode::kInvalid, std::string(kFormatWrong));
  }
  Scale scale;
  if (!interpret(pieces.suffix, scale)) return make_error(ErrorCode::kInvalid, std::string(kSuffixWrong));
  Quantity quantity;
  quantity.text_ = text;
  quantity.format_ = scale.format;
  if (scale.format == 'b') {
    for (int i = 0; i < scale.exponent; ++i) times_1024(pieces.digits);
    scale.exponent = 0;
  }
  quantity.nano_ = scaled(pieces.digits, 9 + scale.exponent - pieces.fraction);
  if (scale.format == 'b') {
    quantity.nano_ = std::min(quantity.nano_, kInt64Max * kNano);
    if (quantity.nano_ < kNano) quantity.format_ = 'd';  // below one unit a binary suffix would need rounding
  }
  if (pieces.negative) quantity.nano_ = -quantity.nano_;
  return quantity;
}

Quantity Quantity::whole(std::int64_t units) {
  Quantity quantity;
  quantity.nano_ = units * kNano;
  quantity.text_ = quantity.canonical();
  return quantity;
}

Quantity& Quantity::operator+=(const Quantity& other) {
  if (nano_ == 0) format_ = other.format_;
  if (__builtin_add_overflow(nano_, other.nano_, &nano_)) nano_ = other.nano_ > 0 ? max_wide() : -max_wide();
  text_ = canonical();
  return *this;
}

Quantity& Quantity::operator-=(const Quantity& other) {
  Quantity negated = other;
  negated.nano_ = -negated.nano_;
  return *this += negated;
}

std::string Quantity::canonical() const {
  if (nano_ == 0) return "0";
  const bool small = nano_ > -1024 * kNano && nano_ < 1024 * kNano;
  if (format_ == 'b' && !small && nano_ % kNano == 0) return binary_text(nano_ / kNano);
  return decimal_text(nano_, format_ == 'e' ? 'e' : 'd');
}

bool Quantity::negative() const { return nano_ < 0; }
bool Quantity::zero() const { return nano_ == 0; }
std::int64_t Quantity::value() const { return rounded(nano_, kNano); }
std::int64_t Quantity::milli_value() const { return rounded(nano_, kNano / 1000); }

std::strong_ordering Quantity::operator<=>(const Quantity& other) const {
  if (nano_ == other.nano_) return std::strong_ordering::equal;
  return nano_ < other.nano_ ? std::strong_ordering::less : std::strong_ordering::greater;
}

}  // namespace fracta
