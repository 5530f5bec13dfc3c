// Typed reading of one value of the document. Kinds have been checked before (structure.hpp): a value of another kind
// reads as absent here, because its error is in the report already.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "config/report.hpp"

namespace fracta::config {

class View {
 public:
  View(const Json* value, std::string path, Report& report) : value_(value), path_(std::move(path)), report_(&report) {}

  [[nodiscard]] View operator[](const std::string& key) const;
  [[nodiscard]] bool present() const { return value_ != nullptr && !value_->is_null(); }
  [[nodiscard]] bool is_list() const { return present() && value_->is_array(); }
  [[nodiscard]] bool is_map() const { return present() && value_->is_object(); }
  [[nodiscard]] const Json& json() const;  // null when absent
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Report& report() const { return *report_; }

  // A number or boolean reads as the text it was written with (1.10 stays "1.10").
  [[nodiscard]] std::string text(std::string fallback = {}) const;
  [[nodiscard]] std::int64_t integer(std::int64_t fallback = 0) const;
  [[nodiscard]] bool boolean(bool fallback = false) const;
  // Go duration; reports upstream's `invalid duration "<s>": <go error>`.
  [[nodiscard]] std::chrono::nanoseconds duration(std::chrono::nanoseconds fallback,
                                                  std::string_view what = "duration") const;
  [[nodiscard]] std::map<std::string, std::string> string_map() const;
  [[nodiscard]] std::vector<std::string> string_list() const;               // a single text is a list of one
  [[nodiscard]] std::vector<View> items() const;                            // of a list
  [[nodiscard]] std::vector<std::pair<std::string, View>> entries() const;  // of a map, sorted

  void error(std::string message) const { report_->error(path_, std::move(message)); }
  // Reported at this value's place, but under another key path: `owner` and message together are upstream's text.
  void error_as(const std::string& owner, std::string message) const;
  void warning(std::string message) const { report_->warning(path_, std::move(message)); }
  // Reports an error when the text is none of these.
  std::string choice(const std::vector<std::string>& choices, std::string fallback) const;

 private:
  const Json* value_;
  std::string path_;
  Report* report_;
};

}  // namespace fracta::config
