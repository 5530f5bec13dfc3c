// Reading a Kubernetes object as Go would have decoded it: absent, null and the zero value of a text are the same; the
// kinds were checked before (schema.hpp).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "config/field_errors.hpp"

namespace fracta::config {

class Fields {
 public:
  Fields(const Json* object, std::string path, FieldErrors& errors)
      : object_(object), path_(std::move(path)), errors_(&errors) {}

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string path(const std::string& key) const { return path_ + "." + key; }
  [[nodiscard]] FieldErrors& errors() const { return *errors_; }
  [[nodiscard]] const Json& json() const;

  // Present and not null.
  [[nodiscard]] bool has(const std::string& key) const { return value(key) != nullptr; }
  [[nodiscard]] const Json* value(const std::string& key) const;
  [[nodiscard]] std::string text(const std::string& key, const std::string& fallback = {}) const;
  [[nodiscard]] std::int64_t integer(const std::string& key, std::int64_t fallback = 0) const;
  [[nodiscard]] bool flag(const std::string& key) const;
  [[nodiscard]] std::size_t count(const std::string& key) const;  // of a list or map
  [[nodiscard]] Fields child(const std::string& key) const;
  [[nodiscard]] std::vector<Fields> items(const std::string& key) const;
  [[nodiscard]] std::vector<std::string> texts(const std::string& key) const;

  // "Required value" when the text is absent or empty.
  void require(const std::string& key, std::string_view detail = {}) const;
  // Unix file mode 0..0777.
  void check_mode(const std::string& key) const;
  void check_range(const std::string& key, std::int64_t low, std::int64_t high, std::string_view detail) const;

 private:
  const Json* object_;
  std::string path_;
  FieldErrors* errors_;
};

// Rules for paths inside volumes (validation.go: validateLocalDescendingPath, ...NonReservedPath, ...NoBacksteps).
void check_no_backsteps(const std::string& path, const std::string& target, FieldErrors& errors);
void check_local_descending_path(const std::string& path, const std::string& target, FieldErrors& errors);
void check_local_non_reserved_path(const std::string& path, const std::string& target, FieldErrors& errors);

}  // namespace fracta::config
