// Claude Code. Flags as accepted by 2.1.330 (shared/reference/agent-clis.md).
#include <nlohmann/json.hpp>

#include "agent/adapters/adapters.hpp"
#include "fracta/base/json.hpp"

namespace fracta::agent {
namespace {

constexpr const char* kTaskFile = "CLAUDE.md";
constexpr const char* kSettingsFile = ".claude/settings.json";

class Claude final : public Adapter {
 public:
  [[nodiscard]] std::string_view name() const override { return "claude"; }

  [[nodiscard]] std::vector<WorkspaceFile> workspace_files(const AdapterInput& input) const override {
    std::vector<WorkspaceFile> files;
    Json settings = {{"permissions", {{"allow", input.config.allowed_tools}}}};
    for (const McpServerEntry& server : input.mcp_servers)
      settings["permissions"]["allow"].push_back("mcp__" + server.name);
    files.push_back(workspace_file(kSettingsFile, dump_json(settings, 2) + "\n"));
    files.push_back(workspace_file(".mcp.json", dump_json(mcp_json(input), 2) + "\n"));
    if (!input.spec.contract.empty()) files.push_back(workspace_file(kTaskFile, task_file(input)));
    return files;
  }

  [[nodiscard]] Result<std::vector<std::string>> batch_command(const AdapterInput& input) const override {
    const std::string prompt = input.spec.contract.empty()
                                   ? input.spec.name
                                   : std::string("Read ") + kTaskFile + " and carry out the task it describes.";
    std::vector<std::string> argv = {"claude", "-p", prompt, "--output-format", "json", "--permission-mode", "dontAsk"};
    // What a project's own settings allow counts only after a person has trusted the directory; named here, it counts
    // at once. Without it every tool is refused.
    if (!input.mcp_servers.empty() || !input.config.allowed_tools.empty())
      argv.insert(argv.end(), {"--settings", kSettingsFile});
    if (!input.spec.model.empty()) argv.insert(argv.end(), {"--model", input.spec.model});
    return argv;
  }

  [[nodiscard]] Result<StreamServer> stream_server(const AdapterInput& input, const std::string&) const override {
    return unsupported_stream(input);
  }
};

}  // namespace

const Adapter& claude_adapter() {
  static const Claude adapter;
  return adapter;
}

}  // namespace fracta::agent
