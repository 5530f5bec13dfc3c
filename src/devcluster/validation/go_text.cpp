#include "devcluster/validation/go_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {

std::string go_time(const std::string& rfc3339) {
  if (rfc3339.size() < 20) return "0001-01-01 00:00:00 +0000 UTC";
  std::string fraction;
  if (rfc3339[19] == '.') fraction = rfc3339.substr(19, rfc3339.find_first_not_of("0123456789", 20) - 19);
  while (!fraction.empty() && (fraction.back() == '0' || fraction.back() == '.')) fraction.pop_back();
  return fmt::format("{} {}{} +0000 UTC", rfc3339.substr(0, 10), rfc3339.substr(11, 8), fraction);
}

std::string go_object_reference(const Json& reference) {
  const auto text = [&](const char* field) { return go_quote(string_at(reference, field)); };
  return fmt::format(
      "core.ObjectReference{{Kind:{}, Namespace:{}, Name:{}, UID:{}, APIVersion:{}, ResourceVersion:{}, FieldPath:{}}}",
      text("kind"), text("namespace"), text("name"), text("uid"), text("apiVersion"), text("resourceVersion"),
      text("fieldPath"));
}

}  // namespace fracta::devcluster
