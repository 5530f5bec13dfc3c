// Everything build() has decided before it writes objects: one value, so that the writers take one argument.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fracta/agent/adapter.hpp"
#include "fracta/agent/build.hpp"

namespace fracta::agent {

struct Plan {
  AgentSpec spec;  // with runtime and model resolved
  const config::Config& config;
  std::string id;
  std::string image;
  std::string workspace_path;     // mount path of the workspace volume
  std::string working_directory;  // of this agent, below it
  std::string auth_mount_path;
  std::vector<std::string> argv;
  std::vector<config::EnvVar> env;
  std::vector<WorkspaceFile> files;
  std::optional<StreamServer> stream;
  std::map<std::string, std::string> secret_data;
  config::StringMap secret_annotations;
  std::vector<CredentialMount> credential_mounts;  // checked: absolute, no two alike
  StoredCredentialAccess stored_credentials;
  config::Resources resources;
  std::optional<std::int64_t> active_deadline_seconds;
  std::string spawned_at;
  std::optional<std::string> deadline;
};

Result<Plan> make_plan(const BuildInput& input);

Json make_job(const Plan& plan);
Json make_stream_pod(const Plan& plan);
Result<Json> make_config_map(const Plan& plan);
Result<Json> make_secret(const Plan& plan);  // null when there is no data

}  // namespace fracta::agent
