#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fracta/config/load.hpp"

namespace fracta::config {

using Variables = std::map<std::string, std::string>;

inline LoadOptions options_with(const Variables& variables, bool strict = false) {
  LoadOptions options;
  options.strict = strict;
  options.environment = [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
  return options;
}

inline LoadResult load(std::string_view text, const Variables& variables = {}, bool strict = false) {
  return load_text(text, options_with(variables, strict));
}

// "LINE:COLUMN: [warning: ]PATH: message" of every diagnostic.
inline std::vector<std::string> lines(const LoadResult& result) {
  std::vector<std::string> all;
  for (const Diagnostic& diagnostic : result.diagnostics) all.push_back(format_diagnostic("f", diagnostic).substr(2));
  return all;
}

inline std::string all_text(const LoadResult& result) {
  std::string text;
  for (const std::string& line : lines(result)) text += line + "\n";
  return text;
}

// The configuration of a text without any finding; a test failure otherwise.
inline Config clean(std::string_view text, const Variables& variables = {}) {
  LoadResult result = load(text, variables);
  EXPECT_EQ(all_text(result), "");
  if (!result.config) {
    ADD_FAILURE() << "not loaded";
    return {};
  }
  return *result.config;
}

}  // namespace fracta::config
