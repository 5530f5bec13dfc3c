// What `fracta config show` prints, what agents get as a snapshot, and the hash of both.
#pragma once

#include <set>
#include <string>

#include "config/report.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/config/config.hpp"

namespace fracta::config {

// Fills config.effective, config.hash and config.snapshot. `secret_paths`: see Expander.
void fill_effective(const Json& root, const YamlDocument& document, const std::set<std::string>& secret_paths,
                    Config& config);

}  // namespace fracta::config
