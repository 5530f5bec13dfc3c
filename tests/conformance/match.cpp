#include "conformance/match.hpp"

#include <fmt/format.h>

#include <optional>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::conformance {

std::string fill_text(std::string_view text, const Captures& captures) {
  std::string result;
  while (!text.empty()) {
    const auto start = text.find("${");
    const auto end = start == std::string_view::npos ? start : text.find('}', start);
    if (end == std::string_view::npos) break;
    const auto found = captures.find(std::string(text.substr(start + 2, end - start - 2)));
    result += text.substr(0, start);
    if (found == captures.end()) {
      result += text.substr(start, end - start + 1);
    } else {
      result += found->second.is_string() ? found->second.get<std::string>() : dump_json(found->second);
    }
    text.remove_prefix(end + 1);
  }
  return result += text;
}

Json fill(const Json& value, const Captures& captures) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (text.starts_with("${") && text.find('}') + 1 == text.size()) {
      const auto found = captures.find(text.substr(2, text.size() - 3));
      if (found != captures.end()) return found->second;
    }
    return fill_text(text, captures);
  }
  if (value.is_object()) {
    // {"$repeat": ["x", 1000]}: a long text.
    if (const Json* repeat = find(value, "$repeat")) {
      std::string text;
      for (auto left = repeat->at(1).get<std::size_t>(); left > 0; --left) text += repeat->at(0).get<std::string>();
      return text;
    }
    Json result = Json::object();
    for (const auto& [key, item] : value.items()) result[fill_text(key, captures)] = fill(item, captures);
    return result;
  }
  if (value.is_array()) {
    Json result = Json::array();
    for (const Json& item : value) result.push_back(fill(item, captures));
    return result;
  }
  return value;
}

bool glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

namespace {

std::string differs(const std::string& path, const std::string& wanted, const Json& actual) {
  return fmt::format("{}: wanted {}, got {}", path.empty() ? "body" : path, wanted, dump_json(actual));
}

bool is_uuid(const std::string& text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::string_view("0123456789abcdef").find(text[i]) == std::string_view::npos)
      return false;
  }
  return true;
}

std::string text_mismatch(const std::string& wanted, const Json& actual, const std::string& path) {
  bool fits = false;
  const std::string text = actual.is_string() ? actual.get<std::string>() : "";
  if (wanted == "$any") {
    fits = !actual.is_null();
  } else if (wanted == "$uuid") {
    fits = is_uuid(text);
  } else if (wanted == "$time") {
    fits = parse_rfc3339(text).has_value();
  } else if (wanted == "$number") {
    fits = actual.is_number();
  } else if (wanted.starts_with('~')) {
    fits = actual.is_string() && glob(std::string_view(wanted).substr(1), text);
  } else {
    fits = actual.is_string() && text == wanted;
  }
  return fits ? "" : differs(path, wanted, actual);
}

std::int64_t number_of(const Json& value) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  return value.is_string() ? parse_int(value.get<std::string>()).value_or(-1) : -1;
}

bool any_fits(const Json& wanted, const Json& actual) {
  if (!actual.is_array()) return false;
  for (const Json& item : actual) {
    if (shape_mismatch(wanted, item).empty()) return true;
  }
  return false;
}

// Empty optional: `wanted` is no operator.
std::optional<std::string> operator_mismatch(const Json& wanted, const Json& actual, const std::string& path) {
  if (wanted.size() != 1) return std::nullopt;
  const std::string& name = wanted.begin().key();
  const Json& value = wanted.begin().value();
  bool fits = false;
  if (name == "$has") {
    fits = actual.is_array();
    for (const Json& item : value) {
      if (!any_fits(item, actual)) return differs(path, "an item like " + dump_json(item), actual);
    }
  } else if (name == "$lacks") {
    fits = true;
    for (const Json& item : value) fits = fits && !any_fits(item, actual);
  } else if (name == "$size") {
    fits = (actual.is_array() || actual.is_object()) && actual.size() == value.get<std::size_t>();
  } else if (name == "$exact") {
    fits = actual == value;
  } else if (name == "$not") {
    fits = !shape_mismatch(value, actual).empty();
  } else if (name == "$above") {
    fits = number_of(actual) > number_of(value);
  } else if (name == "$one") {
    for (const Json& choice : value) fits = fits || shape_mismatch(choice, actual).empty();
  } else {
    return std::nullopt;
  }
  return fits ? "" : differs(path, dump_json(wanted), actual);
}

}  // namespace

std::string shape_mismatch(const Json& wanted, const Json& actual, const std::string& path) {
  if (wanted.is_string()) return text_mismatch(wanted.get<std::string>(), actual, path);
  if (wanted.is_object()) {
    if (auto result = operator_mismatch(wanted, actual, path)) return *result;
    if (!actual.is_object()) return differs(path, "an object", actual);
    for (const auto& [key, value] : wanted.items()) {
      const std::string place = path.empty() ? key : path + "/" + key;
      const auto found = actual.find(key);
      if (value == "$absent") {
        if (found != actual.end()) return differs(place, "no such key", *found);
        continue;
      }
      if (found == actual.end()) return differs(place, dump_json(value), Json());
      if (std::string wrong = shape_mismatch(value, *found, place); !wrong.empty()) return wrong;
    }
    return "";
  }
  if (wanted.is_array()) {
    if (!actual.is_array() || actual.size() != wanted.size()) {
      return differs(path, fmt::format("a list of {}", wanted.size()), actual);
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (std::string wrong = shape_mismatch(wanted[i], actual[i], fmt::format("{}[{}]", path, i)); !wrong.empty())
        return wrong;
    }
    return "";
  }
  return wanted == actual ? "" : differs(path, dump_json(wanted), actual);
}

}  // namespace fracta::conformance
