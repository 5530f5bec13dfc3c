// What a YAML scalar is: go-yaml v2's rules, which every Kubernetes tool inherits through sigs.k8s.io/yaml.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fracta/base/json_fwd.hpp"

namespace fracta {

// `tag` is the full tag, or empty for a plain scalar. Returns null and fills `error` when the text cannot have the type
// its tag asks for, or has no JSON form (.inf, .nan).
Json resolve_yaml_scalar(std::string_view tag, const std::string& text, std::string& error);

// The JSON key a resolved scalar becomes; empty optional for null and for what has no key form.
std::optional<std::string> yaml_key_text(const Json& value);

}  // namespace fracta
