// Text -> Config, reporting every problem at once. The same code serves `config validate`, `config show` and start-up.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

LoadResult load_text(std::string_view text, const LoadOptions& options = {});
LoadResult load_file(const std::string& path, const LoadOptions& options = {});

}  // namespace fracta::config
