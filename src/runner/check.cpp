#include "fracta/runner/check.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <nlohmann/json.hpp>

#include "fracta/base/clock.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/subprocess.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"
#include "fracta/credentials/plan.hpp"
#include "fracta/credentials/resolver.hpp"
#include "runner/surroundings.hpp"

namespace fracta::runner {
namespace {

constexpr std::size_t kMaxSettings = 1u << 20;

struct Place {
  std::string workspace, home, path;
};

Place place_of(const CheckOptions& options) {
  Place place;
  place.workspace = options.workspace.empty() ? surroundings::working_directory() : options.workspace;
  place.home = options.home.empty() ? surroundings::home_directory(false) : options.home;
  // As run_agent() made it for the agent; a command that enters the container later does not inherit it.
  place.path = helper_path(place.workspace, options.auth_helpers_directory, surroundings::variable("PATH"));
  return place;
}

// All places where PATH finds `name`; the first is the one that runs.
std::vector<std::string> find_all(const std::string& name, const std::string& path) {
  std::vector<std::string> found;
  for (const auto& directory : split(path, ':'))
    // The image has the helpers' directory on its PATH, and the entrypoint puts it in front: that is one place.
    if (auto one = find_on_path(name, directory);
        !one.empty() && std::find(found.begin(), found.end(), one) == found.end())
      found.push_back(std::move(one));
  return found;
}

Json look_at_settings(const Place& place, Json& parsed) {
  const auto projected = read_file(place.workspace + "/" + credentials::kUserSettingsFile, kMaxSettings);
  const auto installed = read_file(place.home + "/.claude/settings.json", kMaxSettings);
  Json out{{"projected", projected.ok()},
           {"installed", installed.ok()},
           {"current", projected.ok() && installed.ok() && *projected == *installed}};
  if (!projected) return out;
  auto settings = parse_json(*projected);
  if (!settings || !settings->is_object()) return out;
  parsed = *std::move(settings);
  const std::string command = string_at(parsed, "apiKeyHelper");
  if (command.empty()) return out;
  out["command"] = shorten(command, 1000);
  const std::string helper = credentials::program_in(command);
  out["helper"] = shorten(helper, 255);
  const auto found = find_all(helper, place.path);
  out["helper_path"] = found.empty() ? "" : found.front();
  if (found.size() > 1) out["helper_shadows"] = std::vector<std::string>(found.begin() + 1, found.end());
  return out;
}

Json look_at_file(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return {{"path", path}, {"error", std::strerror(errno)}};
  if (access(path.c_str(), R_OK) != 0) return {{"path", path}, {"error", std::strerror(errno)}};
  return {{"path", path},
          {"size", info.st_size},
          {"age_seconds", std::max<std::int64_t>(0, std::time(nullptr) - info.st_mtime)}};
}

// As Claude Code does it: by a shell, with the settings' env.
Json run_helper(const Place& place, const Json& settings, const std::stop_token& stop) {
  auto environment = credentials::environment_of_process();
  std::int64_t ttl_ms = 0;
  if (const Json* env = find(settings, "env"); env != nullptr && env->is_object()) {
    for (const auto& [name, value] : env->items())
      if (value.is_string()) environment[name] = value.get<std::string>();
    ttl_ms = parse_int(string_at(*env, "CLAUDE_CODE_API_KEY_HELPER_TTL_MS")).value_or(0);
  }
  environment["PATH"] = place.path;
  environment["HOME"] = place.home;
  const RealClock clock;
  const auto begin = clock.steady_now();
  const auto token = credentials::run_helper({"sh", "-c", string_at(settings, "apiKeyHelper")}, environment,
                                             std::chrono::milliseconds{ttl_ms}, clock, stop);
  Json out{{"ok", token.ok()},
           {"duration_ms", std::chrono::duration_cast<std::chrono::milliseconds>(clock.steady_now() - begin).count()}};
  if (!token) out["error"] = token.error().message;
  if (token && token->expires_at) out["expires_at"] = format_rfc3339(*token->expires_at);
  return out;
}

}  // namespace

Json check_container(const CheckOptions& options) {
  const Place place = place_of(options);
  Json settings;
  Json out{{"settings", look_at_settings(place, settings)}};
  const auto helpers = find_auth_helpers({place.workspace + "/.fracta/auth-helpers", options.auth_helpers_directory});
  out["helpers"] = helpers.executable;
  out["not_executable"] = helpers.not_executable;
  out["files"] = Json::array();
  for (const auto& file : options.files) out["files"].push_back(look_at_file(file));
  if (options.run && !string_at(settings, "apiKeyHelper").empty())
    out["run"] = run_helper(place, settings, options.stop);
  return out;
}

}  // namespace fracta::runner
