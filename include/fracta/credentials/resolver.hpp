// Gets the values of origins: runs their commands or requests, remembers what came for as long as it is fresh, and does
// not ask a failing one again before its back-off has passed. Values stay in memory only. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/base/result.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/subprocess.hpp"
#include "fracta/config/config.hpp"
#include "fracta/credentials/token.hpp"

namespace fracta::credentials {

class CommandRunner {
 public:
  virtual ~CommandRunner() = default;
  virtual Result<CommandResult> run(const CommandOptions& options) = 0;
};

// Really starts processes.
class ProcessRunner final : public CommandRunner {
 public:
  Result<CommandResult> run(const CommandOptions& options) override { return run_command(options); }
};

struct OriginRequest {
  std::string profile;
  std::string name;
  const config::AuthOrigin& origin;
  const config::StringMap& environment;  // of the profile; the command sees it
};

// What a spawn and the refresher ask; a fake in tests.
class OriginSource {
 public:
  virtual ~OriginSource() = default;
  // Errors name the program and why it failed, never an argument, a value or output that looks like a token.
  // retry_after is set: before it has passed the same error comes back without a run.
  virtual Result<Token> resolve(const OriginRequest& request, const std::stop_token& stop) = 0;
};

class OriginResolver final : public OriginSource {
 public:
  struct Options {
    config::StringMap environment;  // of the daemon; commands get PATH, HOME, LANG and what pass_env names
    std::chrono::milliseconds timeout{30'000};
    std::size_t max_output = 64u << 10;
    Backoff::Options backoff{.initial = std::chrono::milliseconds{2'000},
                             .maximum = std::chrono::milliseconds{300'000},
                             .factor = 2.0,
                             .jitter = 0.2};
  };
  // `clock` and `runner` outlive it.
  OriginResolver(const Clock& clock, CommandRunner& runner, Options options);
  ~OriginResolver() override;

  Result<Token> resolve(const OriginRequest& request, const std::stop_token& stop) override;

 private:
  struct Slot {
    bool running = false;
    std::uint64_t flights = 0;   // finished ones
    std::optional<Token> token;  // only while it is fresh: before its refresh time
    SteadyTime fresh_until{};    // the same by the clock that nobody sets
    std::optional<Error> error;
    SteadyTime not_before{};  // after a failure
    Backoff backoff;
    explicit Slot(Backoff::Options options) : backoff(options) {}
  };
  [[nodiscard]] std::string key_of(const OriginRequest& request) const;
  [[nodiscard]] config::StringMap environment_of(const OriginRequest& request) const;
  [[nodiscard]] std::optional<Result<Token>> remembered(const Slot& slot) const;
  [[nodiscard]] Result<Token> run(const OriginRequest& request, const std::stop_token& stop);
  [[nodiscard]] Result<Token> run_command_of(const OriginRequest& request, std::chrono::milliseconds timeout,
                                             const std::stop_token& stop);
  Result<Token> settle(Slot& slot, Result<Token> result);

  const Clock& clock_;
  CommandRunner& runner_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, std::shared_ptr<Slot>> slots_;  // as many as the configuration has origins
};

// The value of origin.extract_header in the answer to the origin's request. kInvalid names the host, never path,
// headers or body. Redirects are not followed.
Result<std::string> fetch_header(const config::AuthOrigin& origin, std::chrono::milliseconds timeout,
                                 const std::stop_token& stop);

// One run of a helper, for diagnosis: bounded as an origin's, but nothing is remembered. Errors never hold what it
// printed. `argv`'s program is looked up on the PATH of `environment`.
Result<Token> run_helper(std::vector<std::string> argv, const config::StringMap& environment,
                         std::chrono::milliseconds ttl, const Clock& clock, const std::stop_token& stop);

// PATH, HOME, LANG and whatever else this process has, for Options.environment.
config::StringMap environment_of_process();

}  // namespace fracta::credentials
