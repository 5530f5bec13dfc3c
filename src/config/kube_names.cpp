#include "config/kube_names.hpp"

#include <algorithm>

#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

bool is_lower(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alnum(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

std::string too_long(std::size_t max) { return "must be no more than " + std::to_string(max) + " characters"; }

bool is_label_text(std::string_view text) {
  const auto inner = [](char c) { return is_lower(c) || c == '-'; };
  return !text.empty() && is_lower(text.front()) && is_lower(text.back()) &&
         std::all_of(text.begin(), text.end(), inner);
}

// ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]
bool is_name_text(std::string_view text) {
  const auto inner = [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  return !text.empty() && is_alnum(text.front()) && is_alnum(text.back()) &&
         std::all_of(text.begin(), text.end(), inner);
}

constexpr std::string_view kNameRule =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

void no_directory_steps(std::string_view text, Reasons& reasons) {
  if (text == ".") reasons.emplace_back("must not be '.'");
  if (text == "..") {
    reasons.emplace_back("must not be '..'");
  } else if (text.substr(0, 2) == "..") {
    reasons.emplace_back("must not start with '..'");
  }
}

}  // namespace

Reasons check_dns1123_label(std::string_view name) {
  Reasons reasons;
  if (name.size() > 63) reasons.push_back(too_long(63));
  if (!is_label_text(name)) {
    reasons.emplace_back(
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
        "with an alphanumeric character");
  }
  return reasons;
}

Reasons check_dns1123_subdomain(std::string_view name) {
  Reasons reasons;
  if (name.size() > 253) reasons.push_back(too_long(253));
  const auto labels = split(name, '.');
  if (!std::all_of(labels.begin(), labels.end(), [](const std::string& label) { return is_label_text(label); })) {
    reasons.emplace_back(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
        "and end with an alphanumeric character");
  }
  return reasons;
}

Reasons check_qualified_name(std::string_view name) {
  const auto parts = split(name, '/');
  if (parts.size() > 2) {
    return {"a qualified name " + std::string(kNameRule) +
            " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"};
  }
  Reasons reasons;
  if (parts.size() == 2) {
    if (parts[0].empty()) reasons.emplace_back("prefix part must be non-empty");
    if (!parts[0].empty()) {
      for (const std::string& reason : check_dns1123_subdomain(parts[0])) reasons.push_back("prefix part " + reason);
    }
  }
  const std::string& last = parts.back();
  if (last.empty()) reasons.emplace_back("name part must be non-empty");
  if (last.size() > 63) reasons.push_back("name part " + too_long(63));
  if (!is_name_text(last)) reasons.push_back("name part " + std::string(kNameRule));
  return reasons;
}

Reasons check_label_value(std::string_view value) {
  Reasons reasons;
  if (value.size() > 63) reasons.push_back(too_long(63));
  if (!value.empty() && !is_name_text(value)) {
    reasons.emplace_back(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
        "and "
        "end with an alphanumeric character");
  }
  return reasons;
}

Reasons check_config_map_key(std::string_view key) {
  Reasons reasons;
  if (key.size() > 253) reasons.push_back(too_long(253));
  const auto allowed = [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  if (key.empty() || !std::all_of(key.begin(), key.end(), allowed)) {
    reasons.emplace_back("a valid config key must consist of alphanumeric characters, '-', '_' or '.'");
  }
  no_directory_steps(key, reasons);
  return reasons;
}

Reasons check_env_var_name(std::string_view name) {
  Reasons reasons;
  const auto allowed = [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  const bool digit_first = !name.empty() && name[0] >= '0' && name[0] <= '9';
  if (name.empty() || digit_first || !std::all_of(name.begin(), name.end(), allowed)) {
    reasons.emplace_back(
        "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must "
        "not "
        "start with a digit");
  }
  no_directory_steps(name, reasons);
  return reasons;
}

}  // namespace fracta::config
