// A plan becomes values, and values become what agent::build() puts into objects. Upstream's stages "execute" and
// "project" (shared/reference/fracta-upstream.md §5.3-5.5).
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/base/result.hpp"
#include "fracta/config/config.hpp"
#include "fracta/credentials/plan.hpp"
#include "fracta/credentials/resolver.hpp"

namespace fracta::credentials {

struct Materialized {
  std::map<std::string, Token> tokens;  // by origin
  bool placeholders = false;            // a dry run: shapes without values
  std::vector<std::string> warnings;
  SystemTime at{};  // when they were wanted: a token that is used again has lived for a while
};

// Runs what has to run. kInvalid: `required source "<n>" failed: ...` (an optional one is a warning) or the assertions'
// `credential assertions failed: ...`. kCanceled when stopped.
Result<Materialized> materialize(const Plan& plan, OriginSource& source, SystemTime now, const std::stop_token& stop);
// Runs nothing; the objects get a placeholder where a value would be. Assertions are checked.
Result<Materialized> materialize_dry(const Plan& plan);

// One line of what `assertions` demands.
struct AssertionOutcome {
  std::string text;  // "require_env ANTHROPIC_VERTEX_PROJECT_ID"
  bool passed = true;
  bool warning = false;  // warn_if_missing_env: never stops anybody
  std::string why;       // when not passed
};
std::vector<AssertionOutcome> check_assertions(const Plan& plan);

struct CredentialFile {
  std::string secret;  // name of a Secret; empty = the agent's own
  std::string key, path;
  bool optional = false;
};

struct Projection {
  std::map<std::string, std::string> workspace_files;  // .fracta/user-settings.json
  std::vector<config::EnvVar> env;                     // secrets as secret_ref only
  std::map<std::string, std::string> secret_data;      // key -> bytes, for the agent's own Secret
  std::vector<CredentialFile> files;                   // those outside kDefaultDirectory
  config::StringMap secret_annotations;                // when to renew
  std::vector<std::string> warnings;
};

// `secret_name`: of the agent's own Secret. `max_run`: how long the agent may run; nothing = for ever.
Projection project(const Plan& plan, const Materialized& values, const std::string& secret_name,
                   std::optional<std::chrono::nanoseconds> max_run);

// What kubernetes.env of a runtime gives as plain text although it is a secret goes by way of the agent's Secret, too;
// `placeholders`: a dry run. With or without a profile.
void project_secret_host_env(const config::AgentRuntime& runtime, const std::string& secret_name, bool placeholders,
                             Projection& projection);

// The text of .fracta/user-settings.json for a claude_api_key_helper binding.
std::string user_settings(const Plan& plan);

}  // namespace fracta::credentials
