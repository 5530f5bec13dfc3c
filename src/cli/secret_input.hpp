// Secrets from a file, standard input or the terminal; never from argv.
#pragma once

#include <string>

#include "fracta/base/result.hpp"
#include "fracta/cli/cli.hpp"

namespace fracta::cli {

// "-" is standard input. Surrounding white space is cut off.
Result<std::string> read_secret(const std::string& file, Context& context);
// Asks on /dev/tty without echo; kInvalid when there is no terminal.
Result<std::string> prompt_secret(const std::string& prompt);

}  // namespace fracta::cli
