#include <array>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/adapters/adapters.hpp"

namespace fracta::agent {

std::vector<config::EnvVar> Adapter::environment(const AdapterInput&) const { return {}; }
config::StringMap Adapter::environment_aliases(const AdapterInput&) const { return {}; }

const Adapter* find_adapter(std::string_view name) {
  static const std::array<const Adapter*, 4> all = {&claude_adapter(), &codex_adapter(), &command_adapter(),
                                                    &opencode_adapter()};
  for (const Adapter* adapter : all) {
    if (adapter->name() == name) return adapter;
  }
  return nullptr;
}

std::vector<std::string> adapter_names() { return {"claude", "codex", "command", "opencode"}; }

std::string config_map_key(std::string_view path) {
  std::string key;
  if (path.starts_with('.')) {
    key = "dot-";
    path.remove_prefix(1);
  }
  for (const char c : path) {
    if (c == '/') {
      key += "--";
    } else {
      key += c;
    }
  }
  return key;
}

WorkspaceFile workspace_file(std::string path, std::string content) {
  std::string key = config_map_key(path);
  return {std::move(key), std::move(path), std::move(content)};
}

std::string task_file(const AdapterInput& input) {
  std::string text = input.spec.contract;
  if (!text.ends_with('\n')) text += '\n';
  text += fmt::format(
      "\n---\n\n"
      "You are the Fracta agent \"{}\". You work alone in a Kubernetes pod; your working directory is {}.\n"
      "Nobody can answer questions while you run: decide yourself, and write down what you assumed.\n"
      "End with a short summary of what you did and of what is left.\n",
      input.spec.name, input.working_directory);
  return text;
}

std::string gateway_mcp_url(const AdapterInput& input) {
  std::string url = input.config.gateway_url;
  if (url.empty()) return url;
  while (url.ends_with('/')) url.pop_back();
  return url + "/agents/" + input.spec.name + "/mcp";
}

Json mcp_json(const AdapterInput& input) {
  Json mcp = Json::object();
  if (const std::string url = gateway_mcp_url(input); !url.empty())
    mcp["mcpServers"]["fracta"] = {{"type", "http"}, {"url", url}};
  for (const McpServerEntry& server : input.mcp_servers) {
    Json entry = {{"type", "stdio"}, {"command", server.command}, {"args", server.args}};
    // Expanded by the CLI when it starts the server: the file itself holds names only. Without a default a variable
    // that is not set would take the server with it.
    for (const auto& [to, from] : server.env) {
      const auto value = server.defaults.find(to);
      entry["env"][to] = "${" + from + ":-" + (value != server.defaults.end() ? value->second : "") + "}";
    }
    mcp["mcpServers"][server.name] = std::move(entry);
  }
  return mcp;
}

std::vector<std::string> mcp_command(const McpServerEntry& server, bool cli_renames) {
  std::string settings;
  for (const auto& [to, from] : server.env) {
    const auto value = server.defaults.find(to);
    if (value != server.defaults.end()) {
      settings += to + "=\"${" + from + ":-" + value->second + "}\" ";
    } else if (to != from && !cli_renames) {
      settings += to + "=\"$" + from + "\" ";
    }
  }
  std::vector<std::string> argv = {server.command};
  argv.insert(argv.end(), server.args.begin(), server.args.end());
  if (!settings.empty()) argv.insert(argv.begin(), {"sh", "-c", settings + "exec \"$0\" \"$@\""});
  return argv;
}

Error unsupported_stream(const AdapterInput& input) {
  return make_error(ErrorCode::kInvalid,
                    fmt::format("unsupported runtime \"{}\" for K8s stream mode", input.spec.runtime));
}

Result<void> require_stream_token(const std::string& token) {
  if (!token.empty()) return {};
  return make_error(ErrorCode::kInvalid, "stream mode needs a token for the conversation");
}

}  // namespace fracta::agent
