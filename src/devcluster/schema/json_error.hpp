// What is wrong with a JSON text, in the words of the decoder real API servers use (Go's encoding/json).
#pragma once

#include <string>
#include <string_view>

namespace fracta::devcluster {

// "" for a well-formed text. One pass, no recursion.
std::string json_syntax_error(std::string_view text);

}  // namespace fracta::devcluster
