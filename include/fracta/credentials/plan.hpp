// What a runtime's credential profile comes to for one agent: which binding, which origins in which phase, where each
// value goes. Pure: no command runs, nothing is read. Rules and texts: shared/reference/fracta-upstream.md §5; what is
// different on purpose: docs/compatibility.md, "Credentials".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/result.hpp"
#include "fracta/config/config.hpp"
#include "fracta/config/credential_paths.hpp"
#include "fracta/config/diagnostic.hpp"

namespace fracta::credentials {

// Where the planning happens: at the edge (the daemon, for a direct spawn) or in a worker inside the cluster.
enum class Topology { kHostEdge, kInCluster };
enum class Phase { kPrepareNow, kRuntimeOnly, kUnavailable };
std::string_view to_string(Phase phase);  // prepare_now, runtime_only, unavailable
Phase phase_of(std::string_view scope, Topology topology);

inline constexpr const char* kDefaultDirectory = config::kCredentialDirectory;
inline constexpr const char* kUserSettingsFile = ".fracta/user-settings.json";

struct PlannedOrigin {
  std::string name;
  config::AuthOrigin origin;
  Phase phase = Phase::kUnavailable;
  bool bound = false;      // the binding names it
  std::string file;        // absolute path it is delivered to; empty = none
  std::string file_key;    // the file's key in the agent's Secret, or in the Secret of a secret_env origin
  std::string env;         // variable it is delivered to; empty = none
  bool candidate = false;  // of a bearer_env binding by resolver: delivered when it is the only one there is
  [[nodiscard]] bool is_secret_ref() const { return origin.type == "secret_env"; }
  // Fracta itself has to get its value, because somebody reads it.
  [[nodiscard]] bool is_run() const {
    return phase == Phase::kPrepareNow && !is_secret_ref() && (!file.empty() || !env.empty() || candidate);
  }
};

struct Plan {
  std::string runtime, adapter, profile;
  config::AuthBinding binding;
  bool binding_of_runtime = false;  // auth_binding of the runtime, not the profile's default
  std::optional<config::AuthResolver> resolver;
  std::vector<PlannedOrigin> origins;  // all of the profile's, by name
  config::StringMap env;               // profile.env overlaid by the runtime's plain kubernetes.env
  config::StringMap profile_env;       // what of it comes from the profile: everything kubernetes.env does not set
  config::StringMap command_env;  // what the commands of origins see of the profile's env: not the agent's PATH, HOME
  std::set<std::string> secret_env;    // names in env whose values nobody should see
  std::set<std::string> host_secrets;  // names kubernetes.env takes from Secrets
  config::AuthAssertions assertions;
  std::vector<std::string> diagnostics;  // for `fracta auth diagnose` and the log
  std::vector<std::string> warnings;     // for whoever spawns
};

struct PlanInput {
  std::string runtime, adapter;
  std::string profile_name;
  const config::AuthProfile* profile = nullptr;
  std::optional<config::AuthBinding> runtime_binding;
  std::vector<config::EnvVar> host_env;   // kubernetes.env
  std::set<std::string> host_secret_env;  // names in it whose plain values are secrets
  std::string workspace_mount_path = "/workspace";
  Topology topology = Topology::kHostEdge;
};

// kInvalid with upstream's texts, or a place a file cannot be delivered to.
Result<Plan> build_plan(const PlanInput& input);

// For a runtime of the configuration. Nothing: the runtime has no auth_profile, so no credentials at all.
Result<std::optional<Plan>> plan_for(const config::Config& config, const std::string& runtime,
                                     Topology topology = Topology::kHostEdge);

// Why agents of runtimes cannot get their credentials, as warnings with the key's path: what each profile says is fine
// (that is checked at load), but together it is not.
std::vector<config::Diagnostic> check_plans(const config::Config& config);

// The line of a shell that runs the resolver, as apiKeyHelper wants it: a single text as it is, a list quoted.
std::string shell_command(const std::vector<std::string>& command);

// The program that such a line starts: its first word, as far as no shell is needed to tell.
std::string program_in(std::string_view line);

}  // namespace fracta::credentials
