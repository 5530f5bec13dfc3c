// What the user asked for: one agent. A value; building objects from it is pure (agent/build.hpp).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"
#include "fracta/config/config.hpp"

namespace fracta::agent {

enum class Mode { kBatch, kStream };
std::string_view to_string(Mode mode);

struct AgentSpec {
  std::string name;  // as given: ^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$
  Mode mode = Mode::kBatch;
  std::string runtime;   // key of agents.agent_runtimes
  std::string contract;  // the task's text
  std::string model;     // explicit model, resolved already
  std::string tier;
  std::vector<std::string> command;  // for adapter `command`: argv; overrides the runtime's
  std::string image;                 // overrides runtime and global image
  config::Resources resources;       // overrides the config's where set
  std::optional<std::int64_t> active_deadline_seconds;
  config::StringMap labels;  // user labels; may not use fracta.io/, app, fracta-agent-id, app.kubernetes.io/
  std::string requested_by;  // identity of the caller, for the annotation
};

// ^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$ (upstream's text: invalid task name "x": must match ...)
Result<void> validate_name(std::string_view name);

// Injective: a DNS-1123 label of at most kMaxIdLength stays itself, everything else becomes slug + "-" + hash, and a
// name that looks like such a result but is not one is hashed too. Two names never share an id.
inline constexpr std::size_t kMaxIdLength = 40;
std::string agent_id(std::string_view name);

// The model to ask for: explicit > tier > the runtime's own > "" (the CLI's default). kInvalid, upstream's texts:
// `invalid tier "x": must be one of [heavy medium light]`, `tier "x" not configured in model_tiers`; also a model that
// an agent CLI could take for a flag.
Result<std::string> resolve_model(const config::AgentRuntime& runtime, const std::string& model,
                                  const std::string& tier);

// Names in the cluster, design §4.
std::string job_name(std::string_view id);          // fracta-agent-<id>
std::string stream_pod_name(std::string_view id);   // fracta-stream-<id>
std::string config_map_name(std::string_view id);   // fracta-config-<id>
std::string auth_secret_name(std::string_view id);  // fracta-auth-<id>

namespace labels {
inline constexpr const char* kApp = "app";
inline constexpr const char* kAppValue = "fracta";
inline constexpr const char* kAgentId = "fracta-agent-id";
inline constexpr const char* kStreamPod = "fracta-stream-pod";
inline constexpr const char* kManagedBy = "app.kubernetes.io/managed-by";
inline constexpr const char* kSelector = "app=fracta,fracta-agent-id";
}  // namespace labels

namespace annotations {
inline constexpr const char* kName = "fracta.io/agent-name";
inline constexpr const char* kRuntime = "fracta.io/runtime";
inline constexpr const char* kMode = "fracta.io/mode";
inline constexpr const char* kModel = "fracta.io/model";
inline constexpr const char* kSpecHash = "fracta.io/spec-hash";
inline constexpr const char* kConfigHash = "fracta.io/config-hash";
inline constexpr const char* kSpawnedAt = "fracta.io/spawned-at";
inline constexpr const char* kDeadline =
    "fracta.io/deadline";  // RFC 3339; reaper max_age, stream pods' active deadline
inline constexpr const char* kRequestedBy = "fracta.io/requested-by";
// JSON: [{"id","name","provider"}], the stored credentials the agent may fetch
inline constexpr const char* kCredentials = "fracta.io/credentials";
inline constexpr const char* kStopRequested = "fracta.io/stop-requested-at";
}  // namespace annotations

}  // namespace fracta::agent
