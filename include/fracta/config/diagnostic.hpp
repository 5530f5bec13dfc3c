// What is wrong with a configuration, and where. All problems of a run are collected; nothing stops at the first.
#pragma once

#include <string>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta::config {

enum class Severity { kWarning, kError };

struct Diagnostic {
  Severity severity = Severity::kError;
  TextPosition position;  // {0,0} when the file could not be read
  std::string path;       // "runtime.kubernetes.extra_volume_mounts[0].name"; may be empty
  std::string message;    // what is wrong and what to do; never a secret
};

// FILE:LINE:COLUMN: KEY.PATH: message            (errors)
// FILE:LINE:COLUMN: warning: KEY.PATH: message   (warnings)
std::string format_diagnostic(const std::string& file, const Diagnostic& diagnostic);
Json diagnostic_to_json(const std::string& file, const Diagnostic& diagnostic);
bool has_errors(const std::vector<Diagnostic>& diagnostics);

}  // namespace fracta::config
