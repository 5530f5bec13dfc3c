#include "fracta/credentials/resolver.hpp"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "fracta/base/log.hpp"
#include "fracta/base/text.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace fracta::credentials {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxSlots = 1'000;  // a configuration that changes for ever must not fill the memory

// Only the program's name: its arguments may hold what ${VARIABLES} stood for.
std::string program_of(const config::AuthOrigin& origin) {
  const std::string& path = origin.command.front();
  return shorten(path.substr(path.rfind('/') + 1), 80);
}

Error explain(const config::AuthOrigin& origin, const CommandResult& result) {
  const std::string said = redact_stderr(result.standard_error, result.standard_output);
  return make_error(ErrorCode::kInvalid, fmt::format("command \"{}\" ended with exit code {}{}", program_of(origin),
                                                     result.exit_code, said.empty() ? "" : ": " + said));
}

Error explain(const config::AuthOrigin& origin, const Error& error, milliseconds timeout, std::size_t max_output) {
  const std::string program = program_of(origin);
  switch (error.code) {
    case ErrorCode::kNotFound:
      if (origin.command.front().find('/') != std::string::npos)
        return make_error(
            ErrorCode::kInvalid,
            fmt::format("command \"{}\": there is no such executable file where the controlplane runs", program));
      return make_error(ErrorCode::kInvalid,
                        fmt::format("command \"{}\" is not on the controlplane's PATH; origins run there, helpers for "
                                    "agents belong into a runtime_auth_resolver",
                                    program));
    case ErrorCode::kDeadlineExceeded:
      return make_error(ErrorCode::kInvalid,
                        fmt::format("command \"{}\" did not end within {} ms", program, timeout.count()));
    case ErrorCode::kResourceExhausted:
      return make_error(
          ErrorCode::kInvalid,
          fmt::format("command \"{}\" printed more than {} bytes; a token is shorter", program, max_output));
    case ErrorCode::kCanceled:
      return make_error(ErrorCode::kCanceled, fmt::format("command \"{}\" was stopped", program));
    default:
      return make_error(ErrorCode::kInvalid, fmt::format("command \"{}\" could not be run", program));
  }
}

}  // namespace

OriginResolver::OriginResolver(const Clock& clock, CommandRunner& runner, Options options)
    : clock_(clock), runner_(runner), options_(std::move(options)) {}
OriginResolver::~OriginResolver() = default;

// A changed command or environment is another origin: what the old one printed says nothing about it.
std::string OriginResolver::key_of(const OriginRequest& request) const {
  std::string all = request.profile + '\0' + request.name + '\0' + std::to_string(request.origin.ttl_ms);
  const auto& origin = request.origin;
  for (const std::string& part : {origin.type, origin.request_method, origin.request_url, origin.extract_header})
    all += '\0' + part;
  for (const auto& [name, value] : origin.request_headers) all += '\0' + name + '=' + value;
  for (const std::string& word : origin.command) all += '\0' + word;
  for (const auto& [name, value] : request.environment) all += '\0' + name + '=' + value;
  return sha256_hex(all);
}

config::StringMap OriginResolver::environment_of(const OriginRequest& request) const {
  config::StringMap environment;
  const auto pass = [&](const std::string& name) {
    if (const auto found = options_.environment.find(name); found != options_.environment.end())
      environment[name] = found->second;
  };
  for (const char* name : {"PATH", "HOME", "LANG"}) pass(name);
  for (const std::string& name : request.origin.pass_env) pass(name);
  for (const auto& [name, value] : request.environment) environment[name] = value;
  return environment;
}

std::optional<Result<Token>> OriginResolver::remembered(const Slot& slot) const {
  const auto now = clock_.steady_now();
  // By both clocks: a wall clock that is set back must not make an old token young.
  if (slot.token && slot.token->expires_at && now < slot.fresh_until &&
      clock_.system_now() < refresh_time(slot.token->obtained_at, *slot.token->expires_at))
    return *slot.token;
  if (!slot.error || now >= slot.not_before) return std::nullopt;
  Error error = *slot.error;
  error.retry_after = std::chrono::ceil<milliseconds>(slot.not_before - now);
  error.message += fmt::format(" (it will not be tried again for {} s)",
                               std::chrono::ceil<std::chrono::seconds>(*error.retry_after).count());
  return Result<Token>(std::move(error));
}

Result<Token> OriginResolver::run(const OriginRequest& request, const std::stop_token& stop) {
  const auto& origin = request.origin;
  const milliseconds timeout =
      origin.timeout_ms > 0 ? milliseconds{std::min<std::int64_t>(origin.timeout_ms, 600'000)} : options_.timeout;
  if (origin.type != "http_header_token") return run_command_of(request, timeout, stop);
  auto value = fetch_header(origin, timeout, stop);
  if (!value) return value.error();
  return parse_token(*std::move(value), milliseconds{origin.ttl_ms}, clock_.system_now());
}

Result<Token> OriginResolver::run_command_of(const OriginRequest& request, milliseconds timeout,
                                             const std::stop_token& stop) {
  const auto& origin = request.origin;
  if (origin.type != "command_output" || origin.command.empty() || origin.command.front().empty())
    return make_error(ErrorCode::kInvalid, "it has no command to run");
  CommandOptions options;
  options.argv = origin.command;
  options.environment.emplace();
  for (const auto& [name, value] : environment_of(request)) options.environment->push_back(name + "=" + value);
  options.timeout = timeout;
  options.max_stdout = options_.max_output;
  options.stop = stop;
  auto result = runner_.run(options);
  if (!result) return explain(origin, result.error(), timeout, options_.max_output);
  if (result->exit_code != 0) return explain(origin, *result);
  auto token = parse_token(std::move(result->standard_output), milliseconds{origin.ttl_ms}, clock_.system_now());
  if (!token) return token.error().with_context(fmt::format("command \"{}\"", program_of(origin)));
  return token;
}

Result<Token> OriginResolver::settle(Slot& slot, Result<Token> result) {
  std::lock_guard lock(mutex_);
  slot.running = false;
  ++slot.flights;
  slot.token.reset();
  slot.error.reset();
  if (result) {
    slot.backoff.reset();
    slot.token = *result;
    if (result->expires_at)
      slot.fresh_until =
          clock_.steady_now() + (refresh_time(result->obtained_at, *result->expires_at) - result->obtained_at);
  } else if (result.error().code == ErrorCode::kCanceled) {
    slot.error = result.error();  // for those who waited for this flight; nobody later
    slot.not_before = clock_.steady_now();
  } else {
    const auto delay = slot.backoff.next();
    slot.error = result.error();
    slot.not_before = clock_.steady_now() + delay;
    slot.error->retry_after = delay;
    result = *slot.error;
  }
  changed_.notify_all();
  return result;
}

Result<Token> OriginResolver::resolve(const OriginRequest& request, const std::stop_token& stop) {
  std::shared_ptr<Slot> slot;
  {
    std::unique_lock lock(mutex_);
    const std::string key = key_of(request);
    if (slots_.size() >= kMaxSlots && !slots_.contains(key))
      std::erase_if(slots_, [](const auto& entry) { return !entry.second->running; });
    auto& place = slots_[key];
    if (!place) place = std::make_shared<Slot>(options_.backoff);
    slot = place;
    if (auto known = remembered(*slot)) return *std::move(known);
    if (slot->running) {
      // The flight has a time-out of its own, so this ends.
      const auto flight = slot->flights;
      changed_.wait(lock, stop, [&] { return slot->flights != flight; });
      if (slot->flights == flight) return make_error(ErrorCode::kCanceled, "stopped while waiting for a credential");
      if (slot->token) return *slot->token;
      if (slot->error) return *slot->error;
      return make_error(ErrorCode::kUnavailable, "the credential was just replaced; try again");
    }
    slot->running = true;
  }
  auto result = settle(*slot, run(request, stop));
  if (!result)
    log::warn("credentials", "credentials.source.fail",
              {{"profile", request.profile}, {"source", request.name}, {"error", result.error().message}});
  else
    log::info("credentials", "credentials.source.success", {{"profile", request.profile}, {"source", request.name}});
  return result;
}

config::StringMap environment_of_process() {
  config::StringMap all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (const auto mark = text.find('='); mark != std::string_view::npos)
      all.emplace(std::string(text.substr(0, mark)), std::string(text.substr(mark + 1)));
  }
  return all;
}

}  // namespace fracta::credentials
