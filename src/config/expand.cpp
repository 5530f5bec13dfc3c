#include "config/expand.hpp"

#include <algorithm>
#include <array>

#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

bool is_name_start(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }
bool is_name_char(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

// Private-use characters stand for the braces while the text is YAML (see protect_variables).
constexpr std::string_view kOpen = "\xEE\x80\x80";
constexpr std::string_view kClose = "\xEE\x80\x81";

// The NAME of a variable at the front of `text`, between these braces; empty when there is none.
std::string_view variable_at(std::string_view text, std::string_view open, std::string_view close) {
  if (text.empty() || text[0] != '$' || text.substr(1, open.size()) != open) return {};
  const std::size_t begin = 1 + open.size();
  std::size_t end = begin;
  while (end < text.size() && is_name_char(text[end])) ++end;
  if (end == begin || !is_name_start(text[begin]) || text.substr(end, close.size()) != close) return {};
  return text.substr(begin, end - begin);
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

constexpr std::size_t kMaxRemembered = 10'000;
constexpr std::size_t kMaxExpanded = 32u << 20;

}  // namespace

bool looks_secret(std::string_view name) {
  std::string key = to_lower(name);
  std::replace(key.begin(), key.end(), '-', '_');
  constexpr std::array<std::string_view, 11> kWhole = {
      "dsn",           "password", "passwd", "token",  "secret",
      "authorization", "apikey",   "bearer", "cookie", "proxy_authorization",
      "pgpassword"};
  constexpr std::array<std::string_view, 12> kEnds = {"_dsn",        "_password",  "_passwd",    "_token",
                                                      "_secret",     "api_key",    "_apikey",    "_pass",
                                                      "private_key", "secret_key", "access_key", "_credentials"};
  const auto ends = [&](std::string_view end) {
    return key.size() >= end.size() && key.compare(key.size() - end.size(), end.size(), end) == 0;
  };
  return std::find(kWhole.begin(), kWhole.end(), key) != kWhole.end() || std::any_of(kEnds.begin(), kEnds.end(), ends);
}

std::string protect_variables(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view name = variable_at(text.substr(i), "{", "}");
    if (name.empty()) {
      result += text[i++];
      continue;
    }
    result.append("$").append(kOpen).append(name).append(kClose);
    i += name.size() + 3;
  }
  return result;
}

std::string Expander::value_of(const std::string& name, const YamlScalar& scalar) {
  const auto value = environment_(name);
  const auto report = [&](Severity severity, const std::string& what) {
    report_.add_at({severity, scalar.position, scalar.path, "environment variable " + name + " " + what});
  };
  if (!value) {
    report(Severity::kWarning, "is not set; ${" + name + "} becomes an empty text");
    return {};
  }
  if (!is_valid_utf8(*value)) {
    report(Severity::kError, "is not valid UTF-8");
    return {};
  }
  if (looks_secret(name)) {
    secret_paths_.insert(scalar.path);
    if (value->size() >= 3 && secrets_.size() < kMaxRemembered) secrets_.emplace(*value, "${" + name + "}");
  }
  return *value;
}

void Expander::operator()(YamlScalar& scalar) {
  std::string result;
  std::string written;
  const std::string_view text = scalar.text;
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view name = variable_at(text.substr(i), kOpen, kClose);
    if (name.empty()) {
      result += text[i];
      written += text[i++];
      continue;
    }
    result += value_of(std::string(name), scalar);
    written.append("${").append(name).append("}");
    if (result.size() > kMaxExpanded) break;  // the parser refuses the document for its size right after this
    i += 1 + kOpen.size() + name.size() + kClose.size();
  }
  if (written == scalar.text) return;
  if (!result.empty() && quoted_.size() < kMaxRemembered) {
    quoted_.push_back({'"' + result + '"', '"' + written + '"'});
  }
  scalar.text = std::move(result);
}

std::string Expander::redact(std::string message) const {
  for (const Replacement& whole : quoted_) replace_all(message, whole.text, whole.written);
  return without_secrets(std::move(message));
}

std::string Expander::without_secrets(std::string text) const {
  for (const auto& [value, written] : secrets_) replace_all(text, value, written);
  return text;
}

}  // namespace fracta::config
