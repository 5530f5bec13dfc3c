#include "fracta/base/time.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "fracta/base/text.hpp"

namespace fracta {

namespace {
using std::chrono::duration_cast;
using std::chrono::nanoseconds;

std::string format_seconds(SystemTime time) {
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{days};
  const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(time - days)};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

std::int64_t fraction_nanos(SystemTime time) {
  return duration_cast<nanoseconds>(time - std::chrono::floor<std::chrono::seconds>(time)).count();
}

// A fixed-width decimal number at `position`; advances it.
std::optional<int> digits(std::string_view text, std::size_t& position, std::size_t count) {
  if (position + count > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const char c = text[position + i];
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  position += count;
  return value;
}

bool literal(std::string_view text, std::size_t& position, std::string_view allowed) {
  if (position >= text.size() || allowed.find(text[position]) == std::string_view::npos) return false;
  ++position;
  return true;
}

std::optional<std::chrono::seconds> parse_offset(std::string_view text, std::size_t& position) {
  if (literal(text, position, "Zz")) return std::chrono::seconds{0};
  if (position >= text.size()) return std::nullopt;
  const bool negative = text[position] == '-';
  if (!literal(text, position, "+-")) return std::nullopt;
  const auto hours = digits(text, position, 2);
  if (!hours || !literal(text, position, ":")) return std::nullopt;
  const auto minutes = digits(text, position, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const auto offset = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
  return negative ? -offset : offset;
}
}  // namespace

std::string format_rfc3339(SystemTime time) { return format_seconds(time) + "Z"; }

std::string format_rfc3339_micro(SystemTime time) {
  return fmt::format("{}.{:06}Z", format_seconds(time), fraction_nanos(time) / 1000);
}

std::string format_rfc3339_nano(SystemTime time) {
  std::string fraction = fmt::format("{:09}", fraction_nanos(time));
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  return format_seconds(time) + (fraction.empty() ? "" : "." + fraction) + "Z";
}

std::optional<SystemTime> parse_rfc3339(std::string_view text) {
  std::size_t at = 0;
  const auto year = digits(text, at, 4);
  if (!year || !literal(text, at, "-")) return std::nullopt;
  const auto month = digits(text, at, 2);
  if (!month || !literal(text, at, "-")) return std::nullopt;
  const auto day = digits(text, at, 2);
  if (!day || !literal(text, at, "Tt ")) return std::nullopt;
  const auto hour = digits(text, at, 2);
  if (!hour || !literal(text, at, ":")) return std::nullopt;
  const auto minute = digits(text, at, 2);
  if (!minute || !literal(text, at, ":")) return std::nullopt;
  const auto second = digits(text, at, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  nanoseconds fraction{0};
  if (at < text.size() && text[at] == '.') {
    ++at;
    std::int64_t value = 0;
    std::size_t count = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9' && count < 9; ++at, ++count)
      value = value * 10 + (text[at] - '0');
    if (count == 0) return std::nullopt;
    for (; count < 9; ++count) value *= 10;
    fraction = nanoseconds{value};
  }
  const auto offset = parse_offset(text, at);
  if (!offset || at != text.size()) return std::nullopt;
  // Four-digit years reach further than the clock's 64-bit nanoseconds (1677 to 2262): the ends stand for what is
  // beyond, so that a deadline in the year 2999 stays in the future.
  const std::chrono::sys_seconds whole = std::chrono::sys_days{date} + std::chrono::hours{*hour} +
                                         std::chrono::minutes{*minute} + std::chrono::seconds{*second} - *offset;
  if (whole >= std::chrono::floor<std::chrono::seconds>(SystemTime::max())) return SystemTime::max();
  // Go's zero time becomes the year 1823: far enough, and the distance to today still fits.
  constexpr SystemTime kEarliest{SystemTime::min().time_since_epoch() / 2};
  if (whole <= std::chrono::ceil<std::chrono::seconds>(kEarliest)) return kEarliest;
  return SystemTime{whole} + duration_cast<SystemTime::duration>(fraction);
}

Result<nanoseconds> parse_go_duration(std::string_view text) {
  const auto invalid = [&] {
    return make_error(ErrorCode::kInvalid, fmt::format("time: invalid duration \"{}\"", shorten(text, 64)));
  };
  struct Unit {
    std::string_view name;
    double nanos;
  };
  static constexpr std::array<Unit, 8> kUnits = {{{"ns", 1},
                                                  {"us", 1e3},
                                                  {"\u00b5s", 1e3},
                                                  {"\u03bcs", 1e3},
                                                  {"ms", 1e6},
                                                  {"s", 1e9},
                                                  {"m", 60e9},
                                                  {"h", 3600e9}}};
  std::string_view rest = text;
  bool negative = false;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest == "0") return nanoseconds{0};
  if (rest.empty()) return invalid();
  long double total = 0;
  while (!rest.empty()) {
    const auto number_end = rest.find_first_not_of("0123456789.");
    const std::string_view number = rest.substr(0, number_end);
    if (number.empty() || number == "." || std::count(number.begin(), number.end(), '.') > 1 || number.size() > 30)
      return invalid();
    if (number_end == std::string_view::npos)
      return make_error(ErrorCode::kInvalid, fmt::format("time: missing unit in duration \"{}\"", shorten(text, 64)));
    rest.remove_prefix(number_end);
    const std::string_view unit = rest.substr(0, rest.find_first_of("0123456789."));
    const auto* match = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == unit; });
    if (match == kUnits.end())
      return make_error(ErrorCode::kInvalid, fmt::format("time: unknown unit \"{}\" in duration \"{}\"",
                                                         shorten(unit, 16), shorten(text, 64)));
    rest.remove_prefix(unit.size());
    long double value = 0, scale = 1;
    bool fraction = false;
    for (const char c : number) {
      if (c == '.')
        fraction = true;
      else if (fraction)
        value += (c - '0') * (scale /= 10);
      else
        value = value * 10 + (c - '0');
    }
    total += value * static_cast<long double>(match->nanos);
  }
  if (total > 9.2e18L) return invalid();
  const auto nanos = static_cast<std::int64_t>(std::llroundl(total));
  return nanoseconds{negative ? -nanos : nanos};
}

std::string format_go_duration(nanoseconds duration) {
  if (duration == nanoseconds{0}) return "0s";
  const bool negative = duration.count() < 0;
  auto nanos = static_cast<std::uint64_t>(negative ? -(duration.count() + 1) : duration.count()) + (negative ? 1u : 0u);
  const std::string sign = negative ? "-" : "";
  const auto with_fraction = [](double value, std::string_view unit) {
    std::string number = fmt::format("{:.9f}", value);
    while (number.back() == '0') number.pop_back();
    if (number.back() == '.') number.pop_back();
    return number + std::string(unit);
  };
  if (nanos < 1'000) return sign + std::to_string(nanos) + "ns";
  if (nanos < 1'000'000) return sign + with_fraction(static_cast<double>(nanos) / 1e3, "\u00b5s");
  if (nanos < 1'000'000'000) return sign + with_fraction(static_cast<double>(nanos) / 1e6, "ms");
  const std::uint64_t whole = nanos / 1'000'000'000;
  const double second = static_cast<double>(whole % 60) + static_cast<double>(nanos % 1'000'000'000) / 1e9;
  std::string out = sign;
  if (whole >= 3600) out += std::to_string(whole / 3600) + "h";
  if (whole >= 60) out += std::to_string(whole / 60 % 60) + "m";
  return out + with_fraction(second, "s");
}

std::string human_duration(nanoseconds duration) {
  const std::int64_t s = duration_cast<std::chrono::seconds>(duration).count();
  if (s < -1) return "<invalid>";
  if (s < 0) return "0s";
  const std::int64_t minutes = s / 60, hours = s / 3600, days = s / 86400;
  if (s < 120) return fmt::format("{}s", s);
  if (minutes < 10) return s % 60 == 0 ? fmt::format("{}m", minutes) : fmt::format("{}m{}s", minutes, s % 60);
  if (minutes < 180) return fmt::format("{}m", minutes);
  if (hours < 8) return minutes % 60 == 0 ? fmt::format("{}h", hours) : fmt::format("{}h{}m", hours, minutes % 60);
  if (hours < 48) return fmt::format("{}h", hours);
  if (hours < 192) return hours % 24 == 0 ? fmt::format("{}d", days) : fmt::format("{}d{}h", days, hours % 24);
  if (days < 730) return fmt::format("{}d", days);
  const std::int64_t years = days / 365;
  if (years < 8) return days % 365 == 0 ? fmt::format("{}y", years) : fmt::format("{}y{}d", years, days % 365);
  return fmt::format("{}y", years);
}

}  // namespace fracta
