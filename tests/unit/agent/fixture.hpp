// Configs and specs made in code: these tests do not depend on the YAML loader.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "fracta/agent/build.hpp"
#include "fracta/base/json.hpp"

namespace fracta::agent {

using nlohmann::literals::operator"" _json_pointer;

inline std::shared_ptr<const Json> shared(Json value) { return std::make_shared<const Json>(std::move(value)); }

inline config::Config minimal_config() {
  config::Config config;
  config.profile = config.backend = "kubernetes";
  config.kubernetes.ns = "test-ns";
  config.kubernetes.image = "registry.example/agent:1";
  config.kubernetes.tolerations = shared(Json::array());
  config.kubernetes.extra_volumes = shared(Json::array());
  config.kubernetes.extra_volume_mounts = shared(Json::array());
  config.snapshot = shared(Json::object());
  config.effective = shared(Json::object());
  config.agent_runtimes["claude"].adapter = "claude";
  config.agent_runtimes["codex"].adapter = "codex";
  config.agent_runtimes["opencode"].adapter = "opencode";
  config.agent_runtimes["tool"].adapter = "command";
  return config;
}

inline AgentSpec spec_of(std::string name, std::string runtime = "claude") {
  AgentSpec spec;
  spec.name = std::move(name);
  spec.runtime = std::move(runtime);
  return spec;
}

class BuildTest : public ::testing::Test {
 protected:
  config::Config config = minimal_config();
  AgentSpec spec = spec_of("agent1");
  std::map<std::string, std::string> auth_secret_data;
  std::vector<config::EnvVar> credential_env;
  std::map<std::string, std::string> credential_files;
  std::string auth_mount_path;
  std::vector<McpServerEntry> mcp_servers;
  StoredCredentialAccess stored_credentials;
  std::string spawned_at = "2026-11-21T20:00:00Z";

  Result<AgentObjects> try_build() {
    return build({.spec = spec,
                  .config = config,
                  .spawned_at = spawned_at,
                  .stream_token = spec.mode == Mode::kStream ? "the-token" : "",
                  .auth_secret_data = auth_secret_data,
                  .auth_mount_path = auth_mount_path,
                  .credential_env = credential_env,
                  .credential_files = credential_files,
                  .mcp_servers = mcp_servers,
                  .stored_credentials = stored_credentials});
  }
  AgentObjects built() {
    auto objects = try_build();
    if (objects) return *objects;
    ADD_FAILURE() << objects.error().message;
    AgentObjects none;
    none.owner = std::make_shared<Json>(Json::object());
    none.config_map = std::make_shared<Json>(Json::object());
    return none;
  }
  std::string error() {
    auto objects = try_build();
    return objects ? "" : objects.error().message;
  }
  // The Job's or the stream Pod's spec.
  Json pod_spec() {
    const AgentObjects objects = built();
    const Json* found = find_path(*objects.owner, "spec/template/spec");
    return found != nullptr ? *found : objects.owner->value("spec", Json::object());
  }
  Json main_container() { return pod_spec().value("/containers/0"_json_pointer, Json()); }
  Json init_container() { return pod_spec().value("/initContainers/0"_json_pointer, Json()); }

  // As prepare() does for an agent with a kubeconfig and a Jira account.
  void bind_credentials() {
    stored_credentials.manifest = "{\"version\": 1}\n";
    stored_credentials.token_audience = "fracta-controlplane";
    stored_credentials.bound = R"([{"id":"2abc","name":"prod","provider":"kubeconfig"}])";
    stored_credentials.ids = R"({"kubeconfig":"2abc"})";
    mcp_servers = {
        {"openshift",
         "npx",
         {"-y", "kubernetes-mcp-server@0.0.67", "--kubeconfig", "/tmp/.ambient_kubeconfig", "--disable-multi-cluster"},
         {}},
        {"mcp-atlassian",
         "uvx",
         {"mcp-atlassian@0.11.0"},
         {{"JIRA_URL", "JIRA_URL"}, {"JIRA_USERNAME", "JIRA_EMAIL"}, {"READ_ONLY_MODE", "JIRA_READ_ONLY_MODE"}},
         {{"READ_ONLY_MODE", "true"}}}};
  }
  void add_extras() {
    config.kubernetes.extra_volumes =
        shared({{{"name", "auth-helpers"}, {"configMap", {{"name", "helpers"}, {"defaultMode", 0755}}}}});
    config.kubernetes.extra_volume_mounts =
        shared({{{"name", "auth-helpers"}, {"mountPath", "/opt/fracta/auth-helpers"}, {"readOnly", true}}});
  }
};

// {"name": ...} of every element.
inline std::vector<std::string> names_of(const Json& list) {
  std::vector<std::string> names;
  for (const Json& item : list) names.push_back(item.value("name", "?"));
  return names;
}

}  // namespace fracta::agent
