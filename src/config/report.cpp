#include "config/report.hpp"

#include <algorithm>
#include <tuple>

namespace fracta::config {

void Report::add(Severity severity, std::string_view path, std::string message) {
  TextPosition position;
  if (document_ != nullptr) position = document_->position_of(path);
  add_at({severity, position, std::string(path), std::move(message)});
}

void Report::add_at(Diagnostic diagnostic) {
  failed_ = failed_ || diagnostic.severity == Severity::kError;
  if (diagnostics_.size() >= kMaxDiagnostics) {
    ++dropped_;
    return;
  }
  diagnostics_.push_back(std::move(diagnostic));
}

void Report::adopt(std::vector<Diagnostic> diagnostics, const std::string& prefix) {
  for (Diagnostic& diagnostic : diagnostics) {
    add(diagnostic.severity, prefix + "." + diagnostic.path, std::move(diagnostic.message));
  }
}

std::vector<Diagnostic> Report::take() {
  const auto place = [](const Diagnostic& d) { return std::tie(d.position.line, d.position.column); };
  std::stable_sort(diagnostics_.begin(), diagnostics_.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) { return place(a) < place(b); });
  if (dropped_ > 0) {
    const Severity severity = failed_ ? Severity::kError : Severity::kWarning;
    diagnostics_.push_back({severity, {}, "", "and " + std::to_string(dropped_) + " more problems"});
  }
  dropped_ = 0;
  return std::exchange(diagnostics_, {});
}

}  // namespace fracta::config
