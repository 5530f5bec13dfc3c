// A list of field errors with the words of apimachinery's field package, and the 422 made from it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "devcluster/server/outcome.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

class FieldErrors {
 public:
  void required(std::string_view field, std::string_view detail = "");
  void invalid(std::string_view field, const Json& value, std::string_view detail);
  // The value is already written the way Go prints it.
  void invalid_text(std::string_view field, std::string_view value, std::string_view detail);
  void invalid_omitted(std::string_view field, std::string_view detail);  // "Invalid value: detail", without the value
  void not_supported(std::string_view field, std::string_view value, const std::vector<std::string>& supported);
  void not_supported_text(std::string_view field, std::string_view value, const std::vector<std::string>& supported);
  void duplicate(std::string_view field, const Json& value);
  void duplicate_text(std::string_view field, std::string_view value);
  void forbidden(std::string_view field, std::string_view detail);
  void not_found(std::string_view field, const Json& value);
  void too_long(std::string_view field, std::size_t maximum);
  void too_many(std::string_view field, std::size_t actual, std::size_t maximum);

  [[nodiscard]] bool empty() const { return causes_.empty(); }
  [[nodiscard]] const std::vector<ErrorCause>& causes() const { return causes_; }
  [[nodiscard]] Failure to_failure(const Kind& kind, std::string_view name) const;

 private:
  void add(std::string_view field, std::string_view reason, std::string message);
  std::vector<ErrorCause> causes_;
};

// Go's %q and %v as far as messages need them.
std::string go_quote(std::string_view text);
std::string go_value(const Json& value);
// Go's %#v of map[string]string, []string and a label selector.
std::string go_string_map(const Json& map);
std::string go_strings(const Json& list);
std::string go_label_selector(const Json& selector);

}  // namespace fracta::devcluster
