// What differs from one agent CLI to the next: the command, the workspace files, the stream server. One file each in
// src/agent/adapters/: claude, codex, opencode, command.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/agent/spec.hpp"
#include "fracta/base/result.hpp"
#include "fracta/config/config.hpp"

namespace fracta::agent {

struct WorkspaceFile {
  std::string config_map_key;  // "dot-claude--settings.json"
  std::string path;            // ".claude/settings.json", relative to the working directory
  std::string content;
};

// One more server of the agent's MCP configuration, started by the agent CLI and spoken to over stdio. `env`: variable
// of the server <- variable of the agent; `defaults`: variable of the server -> its value when the agent's is not set.
struct McpServerEntry {
  std::string name, command;
  std::vector<std::string> args;
  config::StringMap env, defaults;
};

struct AdapterInput {
  const AgentSpec& spec;
  const config::Config& config;
  const config::AgentRuntime& runtime;
  std::string id;
  std::string working_directory;
  std::string auth_mount_path;  // where auth-secret is mounted
  std::vector<McpServerEntry> mcp_servers = {};
  std::vector<config::EnvVar> given_env = {};  // of kubernetes.env and credentials: the container will have it
};

// Key of the conversation's token in the agent's auth Secret, for every adapter: the daemon reads it back from there.
inline constexpr const char* kStreamTokenKey = "stream-token";

struct StreamServer {
  std::vector<std::string> command;
  int port = 0;
  // Readiness is a TCP probe: an HTTP one would need the password in the pod spec (docs/compatibility.md).
  int probe_initial_delay_seconds = 5;
  int probe_period_seconds = 10;
  std::vector<config::EnvVar> env;                 // secrets only as secret_ref to the agent's own Secret
  std::map<std::string, std::string> secret_data;  // the conversation's token; generated, unique per agent
};

class Adapter {
 public:
  virtual ~Adapter() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual std::vector<WorkspaceFile> workspace_files(const AdapterInput& input) const = 0;
  // Plain variables of the adapter itself; kubernetes.env and credentials win over them. Upstream's adapters have none.
  [[nodiscard]] virtual std::vector<config::EnvVar> environment(const AdapterInput& input) const;
  // Variable the CLI reads -> variable it has the value from when only that one is given.
  [[nodiscard]] virtual config::StringMap environment_aliases(const AdapterInput& input) const;
  [[nodiscard]] virtual Result<std::vector<std::string>> batch_command(const AdapterInput& input) const = 0;
  // kInvalid: `unsupported runtime "<r>" for K8s stream mode`, or an empty token.
  [[nodiscard]] virtual Result<StreamServer> stream_server(const AdapterInput& input,
                                                           const std::string& token) const = 0;
};

// Null for an unknown name. Adapters are stateless and live for the whole process.
const Adapter* find_adapter(std::string_view name);
std::vector<std::string> adapter_names();  // sorted

}  // namespace fracta::agent
