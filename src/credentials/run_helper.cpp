// A helper as `fracta auth diagnose --run` starts it, here or inside an agent.
#include <fmt/format.h>

#include "fracta/credentials/resolver.hpp"

namespace fracta::credentials {

Result<Token> run_helper(std::vector<std::string> argv, const config::StringMap& environment,
                         std::chrono::milliseconds ttl, const Clock& clock, const std::stop_token& stop) {
  CommandOptions options;
  options.argv = std::move(argv);
  options.environment.emplace();
  for (const auto& [name, value] : environment) options.environment->push_back(name + "=" + value);
  options.stop = stop;
  auto result = run_command(options);
  if (!result && result.error().code == ErrorCode::kResourceExhausted)
    return make_error(ErrorCode::kInvalid,
                      fmt::format("it printed more than {} bytes; a token is shorter", options.max_stdout));
  if (!result && result.error().code == ErrorCode::kDeadlineExceeded)
    return make_error(ErrorCode::kInvalid, fmt::format("it did not end within {} ms", options.timeout.count()));
  if (!result) return result.error();
  if (result->exit_code != 0) {
    const std::string said = redact_stderr(result->standard_error, result->standard_output);
    return make_error(ErrorCode::kInvalid, fmt::format("exit code {}: {}", result->exit_code,
                                                       said.empty() ? "it said nothing on standard error" : said));
  }
  const auto life = ttl.count() > 0 ? ttl : std::chrono::milliseconds{60'000};
  return parse_token(std::move(result->standard_output), life, clock.system_now());
}

}  // namespace fracta::credentials
