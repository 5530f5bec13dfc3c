// The configuration inside a Kubernetes manifest.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fracta::config {

// The one block scalar `<name>.yaml: |` in the data of the one ConfigMap of a manifest, with everything around it made
// blank, so that positions stay true (a root mapping may be indented). Nothing when `text` is no such manifest.
std::optional<std::string> config_in_manifest(std::string_view text);

}  // namespace fracta::config
