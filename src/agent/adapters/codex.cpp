// Codex. Flags as accepted by 0.169.0: `--full-auto` is gone since 0.147 and `--sandbox workspace-write` says the same;
// `--ws-auth capability-token` needs a token file (shared/reference/agent-clis.md).
#include <fmt/format.h>

#include <algorithm>

#include "agent/adapters/adapters.hpp"

namespace fracta::agent {
namespace {

constexpr const char* kTaskFile = "AGENTS.md";
constexpr int kPort = 8080;
constexpr const char* kApiKey = "OPENAI_API_KEY";
// `codex app-server` reads no variable: the key has to be in $CODEX_HOME/auth.json, which `codex login` writes (0600).
constexpr const char* kLogIn =
    "printenv OPENAI_API_KEY | codex login --with-api-key >&2 || "
    "echo 'fracta: codex login failed; is $CODEX_HOME, or ~/.codex, writable?' >&2; exec \"$@\"";

bool has_api_key(const AdapterInput& input) {
  return std::any_of(input.given_env.begin(), input.given_env.end(),
                     [](const config::EnvVar& entry) { return entry.name == kApiKey; });
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string toml_list(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + toml_string(text);
  return "[" + out + "]";
}

// Codex starts servers with a handful of variables of its own choice; `env_vars` lets others through, under their own
// name only.
std::string server_table(const McpServerEntry& server) {
  std::vector<std::string> argv = mcp_command(server, false);
  const std::string command = argv.front();
  argv.erase(argv.begin());
  std::string table =
      "\n[mcp_servers." + server.name + "]\ncommand = " + toml_string(command) + "\nargs = " + toml_list(argv) + "\n";
  // Nobody is there to be asked, and `exec` takes a question for a no.
  table += "default_tools_approval_mode = \"approve\"\n";
  std::vector<std::string> through;
  for (const auto& [to, from] : server.env) through.push_back(from);
  if (!through.empty()) table += "env_vars = " + toml_list(through) + "\n";
  return table;
}

// Codex reads .codex/config.toml of a trusted project only and otherwise goes on without the gateway. Fracta wrote the
// file itself, and `--trust` is too new to rely on, so the one directory is declared trusted for this run.
std::vector<std::string> trust_workspace(const AdapterInput& input) {
  return {"-c", "projects={" + toml_string(input.working_directory) + "={trust_level=\"trusted\"}}"};
}

class Codex final : public Adapter {
 public:
  [[nodiscard]] std::string_view name() const override { return "codex"; }

  [[nodiscard]] std::vector<WorkspaceFile> workspace_files(const AdapterInput& input) const override {
    std::vector<WorkspaceFile> files;
    std::string config = "# Written by Fracta for agent " + input.spec.name + ".\n";
    if (!input.spec.model.empty()) config += "model = " + toml_string(input.spec.model) + "\n";
    if (const std::string url = gateway_mcp_url(input); !url.empty()) {
      config += "\n[mcp_servers.fracta]\nurl = " + toml_string(url) + "\n";
    }
    for (const McpServerEntry& server : input.mcp_servers) config += server_table(server);
    files.push_back(workspace_file(".codex/config.toml", std::move(config)));
    if (!input.spec.contract.empty()) files.push_back(workspace_file(kTaskFile, task_file(input)));
    return files;
  }

  // `codex exec` takes its key from CODEX_API_KEY only; the name everybody knows is the other.
  [[nodiscard]] config::StringMap environment_aliases(const AdapterInput& input) const override {
    if (input.spec.mode != Mode::kBatch) return {};
    return {{"CODEX_API_KEY", kApiKey}};
  }

  [[nodiscard]] Result<std::vector<std::string>> batch_command(const AdapterInput& input) const override {
    std::vector<std::string> argv = {
        "codex", "exec", "--json", "--sandbox", "workspace-write", "--skip-git-repo-check"};
    const auto trust = trust_workspace(input);
    argv.insert(argv.end(), trust.begin(), trust.end());
    if (!input.spec.model.empty()) argv.insert(argv.end(), {"--model", input.spec.model});
    argv.push_back(input.spec.contract.empty() ? input.spec.name
                                               : "You are the agent \"" + input.spec.name + "\". Read " + kTaskFile +
                                                     " and carry out the task it describes.");
    return argv;
  }

  [[nodiscard]] Result<StreamServer> stream_server(const AdapterInput& input, const std::string& token) const override {
    FRACTA_TRY(require_stream_token(token));
    StreamServer server;
    server.command = {
        "codex",     "app-server",       "--listen",        fmt::format("ws://0.0.0.0:{}", kPort),
        "--ws-auth", "capability-token", "--ws-token-file", input.auth_mount_path + "/" + kStreamTokenKey};
    const auto trust = trust_workspace(input);
    server.command.insert(server.command.end(), trust.begin(), trust.end());
    if (has_api_key(input)) {
      const std::vector<std::string> shell = {"sh", "-c", kLogIn, "codex-login"};
      server.command.insert(server.command.begin(), shell.begin(), shell.end());
    }
    server.port = kPort;
    server.secret_data[kStreamTokenKey] = token;
    return server;
  }
};

}  // namespace

const Adapter& codex_adapter() {
  static const Codex adapter;
  return adapter;
}

}  // namespace fracta::agent
