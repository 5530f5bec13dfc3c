#include "config/structure.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "config/keys.hpp"
#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

class Checker {
 public:
  Checker(bool strict, Report& report) : strict_(strict), report_(report) {}

  void value(const Json& value, const std::string& path, const std::string& pattern) {
    const KeyNode* node = find_key(pattern);
    if (node == nullptr || node->spec == nullptr || value.is_null()) return;  // null is the same as absent
    switch (node->spec->type) {
      case KeyType::kObject:
      case KeyType::kOpenObject:
      case KeyType::kMap:
        return object(value, path, pattern, *node);
      case KeyType::kList:
        return list(value, path, pattern);
      case KeyType::kString:
      case KeyType::kDuration:
        if (value.is_structured()) wrong_kind(path, "a text", value);
        return;
      case KeyType::kInteger:
        return integer(value, path);
      case KeyType::kBoolean:
        if (!value.is_boolean()) wrong_kind(path, "true or false", value);
        return;
      case KeyType::kStringMap:
        return string_map(value, path);
      case KeyType::kStringList:
        if (!is_list_of_texts(value)) wrong_kind(path, "a list of texts", value);
        return;
      case KeyType::kStringOrList:
        if (value.is_object() || (value.is_array() && !is_list_of_texts(value))) {
          error(path, "command must be a string or list of strings");
        }
        return;
      case KeyType::kAny:
        return;
    }
  }

 private:
  // Upstream words its structural errors of this block so.
  void error(const std::string& path, const std::string& message) {
    const bool kubernetes = path.rfind("runtime.kubernetes", 0) == 0;
    report_.error(path, kubernetes ? "kubernetes config: " + message : message);
  }

  void wrong_kind(const std::string& path, const std::string& wanted, const Json& value) {
    error(path, "must be " + wanted + ", not " + kind_name(value));
  }

  static bool is_list_of_texts(const Json& value) {
    return value.is_array() &&
           std::none_of(value.begin(), value.end(), [](const Json& v) { return v.is_structured(); });
  }

  void integer(const Json& value, const std::string& path) {
    if (!value.is_number_integer()) return wrong_kind(path, "a whole number", value);
    const bool fits = value.is_number_unsigned() ? value.get<std::uint64_t>() <= INT32_MAX
                                                 : std::abs(value.get<std::int64_t>()) <= INT32_MAX;
    if (!fits) error(path, "the number is out of range");
  }

  void list(const Json& value, const std::string& path, const std::string& pattern) {
    if (!value.is_array()) return wrong_kind(path, "a list", value);
    for (std::size_t i = 0; i < value.size(); ++i) this->value(value[i], join_path(path, i), pattern + "[]");
  }

  void string_map(const Json& value, const std::string& path) {
    if (!value.is_object()) return wrong_kind(path, "a map of texts", value);
    for (const auto& [key, item] : value.items()) {
      if (item.is_structured()) wrong_kind(join_path(path, key), "a text", item);
    }
  }

  void object(const Json& value, const std::string& path, const std::string& pattern, const KeyNode& node) {
    if (!value.is_object()) return wrong_kind(path, "a map of keys", value);
    const bool any_name = node.spec->type == KeyType::kMap;
    for (const auto& [key, item] : value.items()) {
      const std::string name = any_name ? "*" : key;
      const bool known = std::find(node.children.begin(), node.children.end(), name) != node.children.end();
      const std::string child = pattern.empty() ? name : pattern + "." + name;
      if (known && (any_name || (key != "*" && key != "[]"))) {
        this->value(item, join_path(path, key), child);
      } else if (node.spec->type != KeyType::kOpenObject) {
        unknown(key, join_path(path, key), node.children);
      }
    }
  }

  void unknown(const std::string& key, const std::string& path, const std::vector<std::string>& candidates) {
    std::string message = "unknown key \"" + shorten(key, 60) + "\"";
    const std::string close = key.size() <= 64 && !report_.full() ? closest_match(key, candidates) : std::string();
    if (!close.empty()) message += "; did you mean \"" + close + "\"?";
    report_.add(strict_ ? Severity::kError : Severity::kWarning, path, std::move(message));
  }

  const bool strict_;
  Report& report_;
};

}  // namespace

const char* kind_name(const Json& value) {
  if (value.is_null()) return "nothing";
  if (value.is_boolean()) return "true or false";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "a text";
  return value.is_array() ? "a list" : "a map";
}

void check_structure(const Json& root, bool strict, Report& report) { Checker(strict, report).value(root, "", ""); }

}  // namespace fracta::config
