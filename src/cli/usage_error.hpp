// What is wrong with a command line, in words that say what was meant.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/invocation.hpp"

namespace CLI {
class App;
}

namespace fracta::cli {

// The verb that was chosen, as far down as the words went.
const CLI::App& deepest(const CLI::App& app);
std::string full_name(const CLI::App& app);  // "fracta config validate"

ParseExit usage(const CLI::App& app, const std::string& message);

// Of the arguments that CLI11 refused: the first that stands where a verb should. It calls that an unexpected argument
// or says that "A subcommand is required".
std::optional<std::string> unknown_verb(const CLI::App& root, const std::vector<std::string>& arguments);

// Flags and words the chosen verb does not have. CLI11 names them last first and knows no better.
std::optional<std::string> unexpected_arguments(const CLI::App& root);

}  // namespace fracta::cli
