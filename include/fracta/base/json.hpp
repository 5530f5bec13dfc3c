// Parsing of hostile JSON with limits, printing that cannot throw, and careful access.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"

namespace fracta {

struct JsonLimits {
  std::size_t max_depth = 128;  // nlohmann recurses on copy and dump; 100,000 levels crash it
  bool refuse_duplicate_keys = false;
};

// kInvalid with line and column; trailing text is an error.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

// Never throws: invalid UTF-8 becomes U+FFFD. indent -1 is one line.
std::string dump_json(const Json& value, int indent = -1);

// Block-style YAML as `kubectl get -o yaml` prints it (sorted keys, two spaces, strings quoted only where a YAML 1.1
// reader would take them for something else, multi-line strings as |).
std::string dump_yaml(const Json& value);

// Look-ups that never throw and never insert. The pointer is null / the optional empty when any step is missing or of
// another kind. `path` is a list of object keys separated by '/', e.g. "metadata/name"; keys with '/' need find().
const Json* find(const Json& object, std::string_view key);
const Json* find_path(const Json& object, std::string_view path);
std::string string_at(const Json& object, std::string_view path, std::string_view fallback = "");
std::optional<std::int64_t> int_at(const Json& object, std::string_view path);
bool bool_at(const Json& object, std::string_view path, bool fallback = false);

}  // namespace fracta
