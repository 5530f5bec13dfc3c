#include "config/volume_rules.hpp"
#include "fracta/base/kube_names.hpp"

namespace fracta::config {
namespace {

void check_requirement(const Fields& requirement) {
  const std::string op = requirement.text("operator");
  const bool needs_values = op == "In" || op == "NotIn";
  if (needs_values && requirement.count("values") == 0) {
    requirement.errors().required(requirement.path("values"), "must be specified when `operator` is 'In' or 'NotIn'");
  } else if (op == "Exists" || op == "DoesNotExist") {
    if (requirement.count("values") > 0) {
      requirement.errors().forbidden(requirement.path("values"),
                                     "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    }
  } else if (!needs_values) {
    requirement.errors().invalid(requirement.path("operator"), op, "not a valid selector operator");
  }
  const std::string key = requirement.text("key");
  requirement.errors().invalid_each(requirement.path("key"), key, qualified_name_errors(key));
  std::size_t index = 0;
  for (const std::string& value : requirement.texts("values")) {
    const std::string at = requirement.path("values") + "[" + std::to_string(index++) + "]";
    requirement.errors().invalid_each(at, value, label_value_errors(value));
  }
}

}  // namespace

void check_label_selector(const Fields& selector) {
  const Json* labels = selector.value("matchLabels");
  if (labels != nullptr) {
    for (const auto& [key, value] : labels->items()) {
      const std::string text = value.is_string() ? value.get<std::string>() : std::string();
      selector.errors().invalid_each(selector.path("matchLabels"), key, qualified_name_errors(key));
      selector.errors().invalid_each(selector.path("matchLabels"), text, label_value_errors(text));
    }
  }
  for (const Fields& requirement : selector.items("matchExpressions")) check_requirement(requirement);
}

}  // namespace fracta::config
