#include "devcluster/validation/field_errors.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

std::string go_quote(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        result += "\\\"";
        break;
      case '\\':
        result += "\\\\";
        break;
      case '\n':
        result += "\\n";
        break;
      case '\t':
        result += "\\t";
        break;
      case '\r':
        result += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
          result += c;
        }
    }
  }
  return result + "\"";
}

std::string go_value(const Json& value) {
  if (value.is_string()) return go_quote(value.get_ref<const std::string&>());
  if (value.is_null()) return "null";
  return dump_json(value);
}

std::string go_string_map(const Json& map) {
  if (!map.is_object()) return "map[string]string(nil)";
  std::vector<std::string> entries;
  for (const auto& [key, value] : map.items()) entries.push_back(go_quote(key) + ":" + go_value(value));
  return "map[string]string{" + join(entries, ", ") + "}";
}

std::string go_strings(const Json& list) {
  if (!list.is_array()) return "[]string(nil)";
  std::vector<std::string> items;
  for (const Json& item : list) items.push_back(go_value(item));
  return "[]string{" + join(items, ", ") + "}";
}

std::string go_label_selector(const Json& selector) {
  std::string expressions = "[]v1.LabelSelectorRequirement(nil)";
  if (const Json* list = find(selector, "matchExpressions"); list != nullptr && list->is_array() && !list->empty()) {
    std::vector<std::string> items;
    for (const Json& item : *list)
      items.push_back(fmt::format("v1.LabelSelectorRequirement{{Key:{}, Operator:{}, Values:{}}}",
                                  go_quote(string_at(item, "key")), go_quote(string_at(item, "operator")),
                                  go_strings(item.value("values", Json()))));
    expressions = "[]v1.LabelSelectorRequirement{" + join(items, ", ") + "}";
  }
  return fmt::format("v1.LabelSelector{{MatchLabels:{}, MatchExpressions:{}}}",
                     go_string_map(selector.value("matchLabels", Json())), expressions);
}

void FieldErrors::add(std::string_view field, std::string_view reason, std::string message) {
  constexpr std::size_t kMost = 1000;  // a hostile object may hold a mistake per line
  if (causes_.size() < kMost) causes_.push_back({std::string(field), std::string(reason), std::move(message)});
}

void FieldErrors::required(std::string_view field, std::string_view detail) {
  add(field, "FieldValueRequired", detail.empty() ? "Required value" : fmt::format("Required value: {}", detail));
}
void FieldErrors::invalid(std::string_view field, const Json& value, std::string_view detail) {
  invalid_text(field, go_value(value), detail);
}
void FieldErrors::invalid_text(std::string_view field, std::string_view value, std::string_view detail) {
  add(field, "FieldValueInvalid",
      detail.empty() ? fmt::format("Invalid value: {}", value) : fmt::format("Invalid value: {}: {}", value, detail));
}
void FieldErrors::not_supported(std::string_view field, std::string_view value,
                                const std::vector<std::string>& supported) {
  not_supported_text(field, go_quote(value), supported);
}
void FieldErrors::not_supported_text(std::string_view field, std::string_view value,
                                     const std::vector<std::string>& supported) {
  std::vector<std::string> quoted;
  for (const std::string& word : supported) quoted.push_back(go_quote(word));
  add(field, "FieldValueNotSupported",
      quoted.empty() ? fmt::format("Unsupported value: {}", value)
                     : fmt::format("Unsupported value: {}: supported values: {}", value, join(quoted, ", ")));
}
void FieldErrors::invalid_omitted(std::string_view field, std::string_view detail) {
  add(field, "FieldValueInvalid", fmt::format("Invalid value: {}", detail));
}
void FieldErrors::duplicate(std::string_view field, const Json& value) {
  add(field, "FieldValueDuplicate", fmt::format("Duplicate value: {}", go_value(value)));
}
void FieldErrors::duplicate_text(std::string_view field, std::string_view value) {
  add(field, "FieldValueDuplicate", fmt::format("Duplicate value: {}", value));
}
void FieldErrors::forbidden(std::string_view field, std::string_view detail) {
  add(field, "FieldValueForbidden", fmt::format("Forbidden: {}", detail));
}
void FieldErrors::not_found(std::string_view field, const Json& value) {
  add(field, "FieldValueNotFound", fmt::format("Not found: {}", go_value(value)));
}
void FieldErrors::too_long(std::string_view field, std::size_t maximum) {
  add(field, "FieldValueTooLong", fmt::format("Too long: must have at most {} bytes", maximum));
}
void FieldErrors::too_many(std::string_view field, std::size_t actual, std::size_t maximum) {
  add(field, "FieldValueTooMany", fmt::format("Too many: {}: must have at most {} items", actual, maximum));
}

Failure FieldErrors::to_failure(const Kind& kind, std::string_view name) const {
  std::vector<std::string> lines;
  Json causes = Json::array();
  for (const ErrorCause& cause : causes_) {
    std::string line = cause.field + ": " + cause.message;
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(std::move(line));
    causes.push_back({{"reason", cause.reason}, {"message", cause.message}, {"field", cause.field}});
  }
  Json details = {{"causes", std::move(causes)}};
  if (!kind.kind.empty()) details["kind"] = kind.kind;
  if (!name.empty()) details["name"] = name;
  // The first group a real server knew NetworkPolicies by is the one it names.
  const std::string group = kind.plural == "networkpolicies" ? "extensions" : kind.group;
  if (!group.empty()) details["group"] = group;
  const std::string all = lines.size() == 1 ? lines[0] : "[" + join(lines, ", ") + "]";
  return {422, "Invalid",
          fmt::format("{} \"{}\" is invalid: {}", group.empty() ? kind.kind : kind.kind + "." + group, name, all),
          std::move(details)};
}

}  // namespace fracta::devcluster
