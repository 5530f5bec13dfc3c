// Text -> Config, reporting every problem at once. The same code serves `config validate`, `config show` and start-up.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/result.hpp"
#include "fracta/config/config.hpp"
#include "fracta/config/diagnostic.hpp"

namespace fracta::config {

using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

struct LoadOptions {
  bool strict = false;  // unknown keys are errors
  Environment environment = process_environment();
};

struct LoadResult {
  std::optional<Config> config;  // present when there are no errors
  std::vector<Diagnostic> diagnostics;
};

// The text of a file. A Kubernetes manifest with one ConfigMap that holds one *.yaml, as the scaffold's
// fracta-controlplane.yaml, counts as that text: lines and columns stay those of the file.
Result<std::string> read_config(const std::string& path);

LoadResult load_text(std::string_view text, const LoadOptions& options = {});
LoadResult load_file(const std::string& path, const LoadOptions& options = {});

}  // namespace fracta::config
