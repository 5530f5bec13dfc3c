// Any argv: an agent CLI nobody has written an adapter for, a script, a test. The contract is the file TASK.md.
#include <nlohmann/json.hpp>

#include "agent/adapters/adapters.hpp"
#include "fracta/base/json.hpp"

namespace fracta::agent {
namespace {

constexpr const char* kTaskFile = "TASK.md";

Result<std::vector<std::string>> argv_of(const AdapterInput& input) {
  const std::vector<std::string>& argv = input.spec.command.empty() ? input.runtime.command : input.spec.command;
  if (!argv.empty()) return argv;
  return make_error(ErrorCode::kInvalid,
                    "runtime \"" + input.spec.runtime +
                        "\" has no command: give one with the request or set agents.agent_runtimes." +
                        input.spec.runtime + ".command");
}

class Command final : public Adapter {
 public:
  [[nodiscard]] std::string_view name() const override { return "command"; }

  [[nodiscard]] std::vector<WorkspaceFile> workspace_files(const AdapterInput& input) const override {
    std::vector<WorkspaceFile> files;
    if (!input.spec.contract.empty()) files.push_back(workspace_file(kTaskFile, task_file(input)));
    // The gateway has never been announced to commands; servers of credentials are, in the usual place.
    if (!input.mcp_servers.empty()) files.push_back(workspace_file(".mcp.json", dump_json(mcp_json(input), 2) + "\n"));
    return files;
  }

  [[nodiscard]] std::vector<config::EnvVar> environment(const AdapterInput& input) const override {
    std::vector<config::EnvVar> env = {{"FRACTA_AGENT_NAME", input.spec.name, {}}, {"FRACTA_AGENT_ID", input.id, {}}};
    if (!input.spec.contract.empty()) {
      env.push_back({"FRACTA_TASK_FILE", input.working_directory + "/" + kTaskFile, {}});
    }
    if (input.spec.mode == Mode::kStream) env.push_back({"FRACTA_PORT", std::to_string(input.runtime.port), {}});
    if (!input.spec.model.empty()) env.push_back({"FRACTA_MODEL", input.spec.model, {}});
    return env;
  }

  [[nodiscard]] Result<std::vector<std::string>> batch_command(const AdapterInput& input) const override {
    return argv_of(input);
  }

  // Any server that listens on the runtime's port; it finds its token in the auth Secret if it wants one.
  [[nodiscard]] Result<StreamServer> stream_server(const AdapterInput& input, const std::string& token) const override {
    if (input.spec.command.empty() && input.runtime.command.empty()) return unsupported_stream(input);
    FRACTA_TRY(require_stream_token(token));
    auto argv = argv_of(input);
    if (!argv) return argv.error();
    StreamServer server;
    server.command = std::move(*argv);
    server.port = input.runtime.port;
    server.secret_data[kStreamTokenKey] = token;
    return server;
  }
};

}  // namespace

const Adapter& command_adapter() {
  static const Command adapter;
  return adapter;
}

}  // namespace fracta::agent
