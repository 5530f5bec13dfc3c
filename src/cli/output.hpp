// -o json|yaml, and the small things every verb does with its streams.
#pragma once

#include "cli/invocation.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/cli/cli.hpp"

namespace fracta::cli {

// json (indented) or yaml, with the final newline.
void print_data(const Json& value, Output output, Context& context);

// Several objects: a `---` separated stream, or kubectl's List for JSON.
void print_objects(const Json& objects, Output output, Context& context);

// The answer's "warnings", one `Warning: ...` line each on stderr.
void print_warnings(const Json& answer, Context& context);

}  // namespace fracta::cli
