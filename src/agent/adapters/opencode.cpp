// OpenCode. Flags as accepted by 1.18.33 (shared/reference/agent-clis.md).
#include <nlohmann/json.hpp>

#include "agent/adapters/adapters.hpp"
#include "fracta/base/json.hpp"

namespace fracta::agent {
namespace {

constexpr const char* kTaskFile = "AGENTS.md";
constexpr int kPort = 4096;

class OpenCode final : public Adapter {
 public:
  [[nodiscard]] std::string_view name() const override { return "opencode"; }

  [[nodiscard]] std::vector<WorkspaceFile> workspace_files(const AdapterInput& input) const override {
    std::vector<WorkspaceFile> files;
    // A pod's image is pinned; a CLI that updates itself in it would run something nobody chose.
    Json config = {{"$schema", "https://opencode.ai/config.json"}, {"autoupdate", false}};
    if (const std::string url = gateway_mcp_url(input); !url.empty()) {
      config["mcp"]["fracta"] = {{"type", "remote"}, {"url", url}, {"enabled", true}};
    }
    for (const McpServerEntry& server : input.mcp_servers) {
      Json entry = {{"type", "local"}, {"command", mcp_command(server, true)}, {"enabled", true}};
      for (const auto& [to, from] : server.env)
        if (server.defaults.count(to) == 0) entry["environment"][to] = "{env:" + from + "}";
      config["mcp"][server.name] = std::move(entry);
    }
    files.push_back(workspace_file("opencode.json", dump_json(config, 2) + "\n"));
    if (!input.spec.contract.empty()) files.push_back(workspace_file(kTaskFile, task_file(input)));
    return files;
  }

  [[nodiscard]] Result<std::vector<std::string>> batch_command(const AdapterInput& input) const override {
    std::vector<std::string> argv = {"opencode", "run", "--format", "json"};
    if (!input.spec.model.empty()) argv.insert(argv.end(), {"--model", input.spec.model});
    argv.push_back(input.spec.contract.empty() ? input.spec.name
                                               : "You are the agent \"" + input.spec.name + "\". Read " + kTaskFile +
                                                     " and carry out the task it describes.");
    return argv;
  }

  // GET /global/health answers 401 without the password, and a probe's headers stand in the pod spec for everyone who
  // may read pods; so the probe only asks whether the port is open.
  [[nodiscard]] Result<StreamServer> stream_server(const AdapterInput& input, const std::string& token) const override {
    FRACTA_TRY(require_stream_token(token));
    StreamServer server;
    server.command = {"opencode", "serve", "--port", std::to_string(kPort), "--hostname", "0.0.0.0"};
    server.port = kPort;
    server.probe_initial_delay_seconds = 3;
    server.probe_period_seconds = 5;
    server.env.push_back(
        {"OPENCODE_SERVER_PASSWORD", "", config::SecretKeyRef{auth_secret_name(input.id), kStreamTokenKey}});
    server.secret_data[kStreamTokenKey] = token;
    return server;
  }
};

}  // namespace

const Adapter& opencode_adapter() {
  static const OpenCode adapter;
  return adapter;
}

}  // namespace fracta::agent
