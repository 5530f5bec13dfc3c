// What `fracta config show` prints, what agents get as a snapshot, and the hash of both.
#pragma once

#include <string>

#include "config/expand.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/config/config.hpp"

namespace fracta::config {

// Fills config.effective, config.hash and config.snapshot.
void fill_effective(const Json& root, const YamlDocument& document, const Expander& expander, Config& config);

}  // namespace fracta::config
