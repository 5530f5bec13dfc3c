#include "fracta/config/diagnostic.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace fracta::config {

std::string format_diagnostic(const std::string& file, const Diagnostic& diagnostic) {
  std::string line = file;
  if (diagnostic.position.line > 0) {
    line += ':' + std::to_string(diagnostic.position.line) + ':' + std::to_string(diagnostic.position.column);
  }
  line += ": ";
  if (diagnostic.severity == Severity::kWarning) line += "warning: ";
  if (!diagnostic.path.empty()) line += diagnostic.path + ": ";
  return line + diagnostic.message;
}

Json diagnostic_to_json(const std::string& file, const Diagnostic& diagnostic) {
  return {{"file", file},
          {"line", diagnostic.position.line},
          {"column", diagnostic.position.column},
          {"severity", diagnostic.severity == Severity::kError ? "error" : "warning"},
          {"path", diagnostic.path},
          {"message", diagnostic.message}};
}

bool has_errors(const std::vector<Diagnostic>& diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(),
                     [](const Diagnostic& d) { return d.severity == Severity::kError; });
}

}  // namespace fracta::config
