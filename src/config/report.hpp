// Collects everything that is wrong with one configuration text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/yaml.hpp"
#include "fracta/config/diagnostic.hpp"

namespace fracta::config {

class Report {
 public:
  // A text of 200,000 wrong keys must not become 200,000 lines on a terminal.
  static constexpr std::size_t kMaxDiagnostics = 500;

  explicit Report(const YamlDocument* document = nullptr) : document_(document) {}
  void set_document(const YamlDocument* document) { document_ = document; }

  void error(std::string_view path, std::string message) { add(Severity::kError, path, std::move(message)); }
  void warning(std::string_view path, std::string message) { add(Severity::kWarning, path, std::move(message)); }
  void add(Severity severity, std::string_view path, std::string message);
  void add_at(Diagnostic diagnostic);
  // Diagnostics of a part that knows nothing of positions; `prefix` is put before their paths.
  void adopt(std::vector<Diagnostic> diagnostics, const std::string& prefix);

  [[nodiscard]] const YamlDocument* document() const { return document_; }
  // Nothing more is kept, only counted: no need for a careful message.
  [[nodiscard]] bool full() const { return diagnostics_.size() >= kMaxDiagnostics; }
  [[nodiscard]] bool failed() const { return failed_; }
  // Ordered by place. The report is empty afterwards.
  std::vector<Diagnostic> take();

 private:
  const YamlDocument* document_;
  std::vector<Diagnostic> diagnostics_;
  std::size_t dropped_ = 0;
  bool failed_ = false;
};

}  // namespace fracta::config
