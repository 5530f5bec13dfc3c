#include "config/field_errors.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

constexpr std::size_t kMaxShown = 200;

std::string shown(const Json& value) {
  if (value.is_string()) return '"' + shorten(value.get<std::string>(), kMaxShown) + '"';
  return shorten(dump_json(value), kMaxShown);
}

std::string with_detail(std::string text, std::string_view detail) {
  if (detail.empty()) return text;
  return text.append(": ").append(detail);
}

}  // namespace

void FieldErrors::error(const std::string& path, std::string message) {
  diagnostics_.push_back({Severity::kError, {}, path, std::move(message)});
}

void FieldErrors::warning(const std::string& path, std::string message) {
  diagnostics_.push_back({Severity::kWarning, {}, path, std::move(message)});
}

void FieldErrors::required(const std::string& path, std::string_view detail) {
  error(path, with_detail("Required value", detail));
}

void FieldErrors::invalid(const std::string& path, const Json& value, std::string_view detail) {
  error(path, with_detail("Invalid value: " + shown(value), detail));
}

void FieldErrors::not_supported(const std::string& path, const Json& value, std::vector<std::string> supported) {
  std::sort(supported.begin(), supported.end());
  for (std::string& name : supported) name = '"' + name + '"';
  error(path, "Unsupported value: " + shown(value) + ": supported values: " + join(supported, ", "));
}

void FieldErrors::duplicate(const std::string& path, const Json& value) {
  error(path, "Duplicate value: " + shown(value));
}

void FieldErrors::not_found(const std::string& path, const Json& value) { error(path, "Not found: " + shown(value)); }

void FieldErrors::forbidden(const std::string& path, std::string_view detail) {
  error(path, with_detail("Forbidden", detail));
}

void FieldErrors::too_long(const std::string& path, std::size_t max_bytes) {
  error(path, "Too long: must have at most " + std::to_string(max_bytes) + " bytes");
}

void FieldErrors::invalid_each(const std::string& path, const std::string& value,
                               const std::vector<std::string>& reasons) {
  for (const std::string& reason : reasons) invalid(path, value, reason);
}

}  // namespace fracta::config
