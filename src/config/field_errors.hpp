// Findings about a Kubernetes object, worded as the API server words them (apimachinery pkg/util/validation/field).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/config/diagnostic.hpp"

namespace fracta::config {

class FieldErrors {
 public:
  void required(const std::string& path, std::string_view detail = {});
  void invalid(const std::string& path, const Json& value, std::string_view detail);
  void not_supported(const std::string& path, const Json& value, std::vector<std::string> supported);
  void duplicate(const std::string& path, const Json& value);
  void not_found(const std::string& path, const Json& value);
  void forbidden(const std::string& path, std::string_view detail);
  void too_long(const std::string& path, std::size_t max_bytes);
  void error(const std::string& path, std::string message);
  void warning(const std::string& path, std::string message);

  // Every message of a list of reasons (see kube_names.hpp) as one `invalid`.
  void invalid_each(const std::string& path, const std::string& value, const std::vector<std::string>& reasons);

  [[nodiscard]] bool empty() const { return diagnostics_.empty(); }
  [[nodiscard]] const std::vector<Diagnostic>& all() const { return diagnostics_; }
  [[nodiscard]] std::size_t size() const { return diagnostics_.size(); }
  std::vector<Diagnostic> take() { return std::move(diagnostics_); }

 private:
  std::vector<Diagnostic> diagnostics_;
};

}  // namespace fracta::config
