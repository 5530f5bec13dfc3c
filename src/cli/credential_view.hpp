// Stored credentials as people read them.
#pragma once

#include "cli/invocation.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/cli/cli.hpp"

namespace fracta::cli {

// A table, or the answer itself. `list`: the envelope; else one credential, whose end of life is always shown.
void print_credentials(const Json& answer, bool list, Output output, Context& context);
// JSON with two spaces, as ambient's clients print it, or YAML.
void print_credential_data(const Json& answer, Output output, Context& context);
void print_usage(const Json& usage, Context& context);

}  // namespace fracta::cli
