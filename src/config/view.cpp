#include "config/view.hpp"

#include <algorithm>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::config {

View View::operator[](const std::string& key) const {
  const Json* child = is_map() ? find(*value_, key) : nullptr;
  return {child, join_path(path_, key), *report_};
}

const Json& View::json() const {
  static const Json nothing;
  return value_ != nullptr ? *value_ : nothing;
}

std::string View::text(std::string fallback) const {
  if (!present() || value_->is_structured()) return fallback;
  if (value_->is_string()) return value_->get<std::string>();
  const auto& texts = report_->document()->plain_texts;
  const auto found = texts.find(path_);
  return found != texts.end() ? found->second : dump_json(*value_);
}

std::int64_t View::integer(std::int64_t fallback) const {
  return present() && value_->is_number_integer() ? value_->get<std::int64_t>() : fallback;
}

bool View::boolean(bool fallback) const { return present() && value_->is_boolean() ? value_->get<bool>() : fallback; }

std::chrono::nanoseconds View::duration(std::chrono::nanoseconds fallback, std::string_view what) const {
  const std::string written = text();
  if (written.empty()) return fallback;
  const auto parsed = parse_go_duration(written);
  if (parsed) return *parsed;
  error("invalid " + std::string(what) + " \"" + shorten(written, 60) + "\": " + parsed.error().message);
  return fallback;
}

std::map<std::string, std::string> View::string_map() const {
  std::map<std::string, std::string> result;
  for (const auto& [key, item] : entries()) {
    if (!item.json().is_structured()) result[key] = item.text();
  }
  return result;
}

std::vector<std::string> View::string_list() const {
  std::vector<std::string> result;
  if (present() && !value_->is_structured()) result.push_back(text());
  for (const View& item : items()) {
    if (!item.json().is_structured()) result.push_back(item.text());
  }
  return result;
}

std::vector<View> View::items() const {
  std::vector<View> result;
  if (!is_list()) return result;
  for (std::size_t i = 0; i < value_->size(); ++i) result.emplace_back(&(*value_)[i], join_path(path_, i), *report_);
  return result;
}

std::vector<std::pair<std::string, View>> View::entries() const {
  std::vector<std::pair<std::string, View>> result;
  if (!is_map()) return result;
  for (const auto& [key, item] : value_->items())
    result.emplace_back(key, View(&item, join_path(path_, key), *report_));
  return result;
}

void View::error_as(const std::string& owner, std::string message) const {
  report_->add_at({Severity::kError, report_->document()->position_of(path_), owner, std::move(message)});
}

std::string View::choice(const std::vector<std::string>& choices, std::string fallback) const {
  std::string written = text();
  if (written.empty()) return fallback;
  if (std::find(choices.begin(), choices.end(), written) != choices.end()) return written;
  error("\"" + shorten(written, 60) + "\" is none of " + join(choices, ", "));
  return fallback;
}

}  // namespace fracta::config
