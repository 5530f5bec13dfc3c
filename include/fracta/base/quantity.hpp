// resource.Quantity (apimachinery pkg/api/resource): "100m", "1.5Gi", "2e3". Exact within its range, no floating point.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "fracta/base/result.hpp"

namespace fracta {

// Value in 10^-9 units as 128 bits would be overkill for users: nano-units saturate like Go's int64 scaled values do.
class Quantity {
 public:
  // kInvalid with apimachinery's text: "quantities must match the regular expression
  // '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'".
  static Result<Quantity> parse(std::string_view text);
  static Quantity whole(std::int64_t units);                       // decimal
  [[nodiscard]] const std::string& text() const { return text_; }  // as given
  [[nodiscard]] std::string canonical() const;                     // as the API server would print it
  [[nodiscard]] bool negative() const;
  [[nodiscard]] bool zero() const;
  [[nodiscard]] std::int64_t value() const;  // rounded up to whole units, saturating
  [[nodiscard]] std::int64_t milli_value() const;
  // Sums keep the format of the left side, or of the right when the left is zero; they saturate at the range of 128
  // bits.
  Quantity& operator+=(const Quantity& other);
  Quantity& operator-=(const Quantity& other);
  std::strong_ordering operator<=>(const Quantity& other) const;
  bool operator==(const Quantity& other) const { return (*this <=> other) == 0; }

 private:
  std::string text_;
  __extension__ __int128 nano_ = 0;
  char format_ = 'd';  // d decimal SI, b binary SI, e decimal exponent
};

}  // namespace fracta
