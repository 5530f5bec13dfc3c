#include "fracta/base/kube_names.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fracta/base/text.hpp"

namespace fracta {

namespace {

using Words = std::vector<std::string>;

bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool alnum(char c) { return lower(c) || digit(c) || (c >= 'A' && c <= 'Z'); }

bool label_shape(std::string_view text, bool letter_first) {
  if (text.empty() || text.back() == '-' || text.front() == '-') return false;
  if (letter_first && !lower(text.front())) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return lower(c) || digit(c) || c == '-'; });
}

bool subdomain_shape(std::string_view text) {
  for (const std::string& part : split(text, '.')) {
    if (!label_shape(part, false)) return false;
  }
  return !text.empty();
}

bool qualified_shape(std::string_view text) {
  return !text.empty() && alnum(text.front()) && alnum(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return alnum(c) || c == '-' || c == '_' || c == '.'; });
}

std::string longer_than(std::size_t maximum) { return fmt::format("must be no more than {} characters", maximum); }

constexpr const char* kSubdomain =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end "
    "with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr const char* kQualified =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. "
    "'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

}  // namespace

Words dns1123_label_errors(std::string_view name) {
  Words errors;
  if (name.size() > 63) errors.push_back(longer_than(63));
  if (!label_shape(name, false)) {
    if (subdomain_shape(name)) {
      errors.emplace_back("must not contain dots");
    } else {
      errors.emplace_back(
          "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and "
          "end "
          "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
          "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')");
    }
  }
  return errors;
}

Words dns1123_subdomain_errors(std::string_view name) {
  Words errors;
  if (name.size() > 253) errors.push_back(longer_than(253));
  if (!subdomain_shape(name)) errors.emplace_back(kSubdomain);
  return errors;
}

Words dns1035_label_errors(std::string_view name) {
  Words errors;
  if (name.size() > 63) errors.push_back(longer_than(63));
  if (!label_shape(name, true)) {
    errors.emplace_back(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
        "character, "
        "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
        "'[a-z]([-a-z0-9]*[a-z0-9])?')");
  }
  return errors;
}

Words qualified_name_errors(std::string_view name) {
  Words errors;
  const std::vector<std::string> parts = split(name, '/');
  std::string last;
  if (parts.size() == 1) {
    last = parts[0];
  } else if (parts.size() == 2) {
    last = parts[1];
    if (parts[0].empty()) {
      errors.emplace_back("prefix part must be non-empty");
    } else {
      for (const std::string& error : dns1123_subdomain_errors(parts[0])) errors.push_back("prefix part " + error);
    }
  } else {
    errors.push_back(std::string("a qualified name ") + kQualified +
                     " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')");
    return errors;
  }
  if (last.empty()) {
    errors.emplace_back("name part must be non-empty");
  } else if (last.size() > 63) {
    errors.push_back("name part " + longer_than(63));
  }
  if (!qualified_shape(last)) errors.push_back(std::string("name part ") + kQualified);
  return errors;
}

Words label_value_errors(std::string_view value) {
  Words errors;
  if (value.size() > 63) errors.push_back(longer_than(63));
  if (!value.empty() && !qualified_shape(value)) {
    errors.emplace_back(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
        "and "
        "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
        "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')");
  }
  return errors;
}

Words config_map_key_errors(std::string_view key) {
  Words errors;
  if (key.size() > 253) errors.push_back(longer_than(253));
  const bool shape = !key.empty() && std::all_of(key.begin(), key.end(),
                                                 [](char c) { return alnum(c) || c == '-' || c == '_' || c == '.'; });
  if (!shape) {
    errors.emplace_back(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME', "
        " or "
        "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')");
  }
  if (key == ".") errors.emplace_back("must not be '.'");
  if (key == "..") {
    errors.emplace_back("must not be '..'");
  } else if (key.starts_with("..")) {
    errors.emplace_back("must not start with '..'");
  }
  return errors;
}

Words env_name_errors(std::string_view name) {
  Words errors;
  const bool shape = !name.empty() && !digit(name.front()) && std::all_of(name.begin(), name.end(), [](char c) {
    return alnum(c) || c == '-' || c == '_' || c == '.';
  });
  if (!shape) {
    errors.emplace_back(
        "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must "
        "not "
        "start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is "
        "'[-._a-zA-Z][-._a-zA-Z0-9]*')");
  }
  if (name == ".") errors.emplace_back("must not be '.'");
  if (name == "..") {
    errors.emplace_back("must not be '..'");
  } else if (name.starts_with("..")) {
    errors.emplace_back("must not start with '..'");
  }
  return errors;
}

Words port_name_errors(std::string_view name) {
  Words errors;
  if (name.size() > 15) errors.push_back(longer_than(15));
  const bool shape = std::all_of(name.begin(), name.end(), [](char c) { return lower(c) || digit(c) || c == '-'; });
  if (!shape) errors.emplace_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (std::none_of(name.begin(), name.end(), lower)) errors.emplace_back("must contain at least one letter (a-z)");
  if (name.find("--") != std::string_view::npos) errors.emplace_back("must not contain consecutive hyphens");
  if (!name.empty() && (name.front() == '-' || name.back() == '-')) {
    errors.emplace_back("must not begin or end with a hyphen");
  }
  return errors;
}

Words path_segment_errors(std::string_view name) {
  Words errors;
  if (name == ".") errors.emplace_back("may not be '.'");
  if (name == "..") errors.emplace_back("may not be '..'");
  for (const char c : {'/', '%'}) {
    if (name.find(c) != std::string_view::npos) errors.push_back(fmt::format("may not contain '{}'", c));
  }
  return errors;
}

}  // namespace fracta
