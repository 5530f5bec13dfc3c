#include "config/fields.hpp"

#include <algorithm>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta::config {
namespace {

const Json& nothing() {
  static const Json null;
  return null;
}

}  // namespace

const Json& Fields::json() const { return object_ != nullptr ? *object_ : nothing(); }

const Json* Fields::value(const std::string& key) const {
  const Json* found = object_ != nullptr ? find(*object_, key) : nullptr;
  return found != nullptr && !found->is_null() ? found : nullptr;
}

std::string Fields::text(const std::string& key, const std::string& fallback) const {
  const Json* found = value(key);
  return found != nullptr && found->is_string() ? found->get<std::string>() : fallback;
}

std::int64_t Fields::integer(const std::string& key, std::int64_t fallback) const {
  const Json* found = value(key);
  return found != nullptr && found->is_number_integer() ? found->get<std::int64_t>() : fallback;
}

bool Fields::flag(const std::string& key) const {
  const Json* found = value(key);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

std::size_t Fields::count(const std::string& key) const {
  const Json* found = value(key);
  return found != nullptr && found->is_structured() ? found->size() : 0;
}

Fields Fields::child(const std::string& key) const { return {value(key), path(key), *errors_}; }

std::vector<Fields> Fields::items(const std::string& key) const {
  std::vector<Fields> result;
  const Json* found = value(key);
  if (found == nullptr || !found->is_array()) return result;
  for (std::size_t i = 0; i < found->size(); ++i) result.emplace_back(&(*found)[i], join_path(path(key), i), *errors_);
  return result;
}

std::vector<std::string> Fields::texts(const std::string& key) const {
  std::vector<std::string> result;
  const Json* found = value(key);
  if (found == nullptr || !found->is_array()) return result;
  for (const Json& item : *found) result.push_back(item.is_string() ? item.get<std::string>() : std::string());
  return result;
}

void Fields::require(const std::string& key, std::string_view detail) const {
  if (text(key).empty()) errors_->required(path(key), detail);
}

void Fields::check_mode(const std::string& key) const {
  check_range(key, 0, 0777, "must be a number between 0 and 0777 (octal), both inclusive");
}

void Fields::check_range(const std::string& key, std::int64_t low, std::int64_t high, std::string_view detail) const {
  const std::int64_t number = integer(key, low);
  if (number < low || number > high) errors_->invalid(path(key), number, detail);
}

void check_no_backsteps(const std::string& path, const std::string& target, FieldErrors& errors) {
  const auto steps = split(target, '/');
  if (std::find(steps.begin(), steps.end(), "..") != steps.end()) errors.invalid(path, target, "must not contain '..'");
}

void check_local_descending_path(const std::string& path, const std::string& target, FieldErrors& errors) {
  if (!target.empty() && target[0] == '/') errors.invalid(path, target, "must be a relative path");
  check_no_backsteps(path, target, errors);
}

void check_local_non_reserved_path(const std::string& path, const std::string& target, FieldErrors& errors) {
  check_local_descending_path(path, target, errors);
  if (target.rfind("..", 0) == 0 && target.rfind("../", 0) != 0)
    errors.invalid(path, target, "must not start with '..'");
}

}  // namespace fracta::config
