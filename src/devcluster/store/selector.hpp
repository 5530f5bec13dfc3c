// Label and field selectors, in the syntax and with the errors of apimachinery.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"

namespace fracta::devcluster {

class LabelSelector {
 public:
  // "a=b,c!=d,e in (f,g),h notin (i),j,!k". kInvalid with a message.
  static Result<LabelSelector> parse(std::string_view text);
  // metav1.LabelSelector (matchLabels, matchExpressions); an empty one matches everything.
  static Result<LabelSelector> from_object(const Json& selector);
  [[nodiscard]] bool matches(const Json& labels) const;  // an object of strings, or null
  [[nodiscard]] bool empty() const { return requirements_.empty(); }

 private:
  struct Requirement {
    std::string key;
    enum class Operator { kIn, kNotIn, kExists, kNotExists, kGreater, kLess } op;
    std::set<std::string, std::less<>> values;
  };
  std::vector<Requirement> requirements_;
};

struct FieldRequirement {
  std::string field;
  std::string value;
  bool equal = true;
};
// "a=b,c!=d" ("==" too). kInvalid: `invalid selector: 'x'; can't understand 'x'`.
Result<std::vector<FieldRequirement>> parse_field_selector(std::string_view text);

}  // namespace fracta::devcluster
