#include "daemon/logging.hpp"

#include <cstdlib>

#include "fracta/base/log.hpp"

namespace fracta::daemon {

Result<void> configure_logging(const DaemonOptions& options, const config::Config* config) {
  log::Options log_options;
  if (options.log_format == "text")
    log_options.format = log::Format::kText;
  else if (!options.log_format.empty() && options.log_format != "json")
    return make_error(ErrorCode::kInvalid, "--log-format must be json or text");
  std::string level = options.log_level, origin = "--log-level";
  if (level.empty() && config) level = config->log_level, origin = "logging.level";
  if (const char* variable = std::getenv("FRACTA_LOG_LEVEL"); level.empty() && variable)
    level = variable, origin = "FRACTA_LOG_LEVEL";
  if (!level.empty()) {
    auto parsed = log::parse_level(level);
    if (!parsed) return parsed.error().with_context(origin);
    log_options.level = *parsed;
  }
  if (config) log_options.file = config->log_file;
  return log::configure(log_options);
}

}  // namespace fracta::daemon
