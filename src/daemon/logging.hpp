// Log settings from flags, configuration and environment, in this order.
#pragma once

#include "fracta/base/result.hpp"
#include "fracta/config/config.hpp"
#include "fracta/daemon/daemon.hpp"

namespace fracta::daemon {

// `config` may be null: the settings before the configuration is known. kInvalid names the flag or key.
Result<void> configure_logging(const DaemonOptions& options, const config::Config* config);

}  // namespace fracta::daemon
