// The four adapters, one file each. find_adapter() is the way to them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fracta/agent/adapter.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::agent {

const Adapter& claude_adapter();
const Adapter& codex_adapter();
const Adapter& opencode_adapter();
const Adapter& command_adapter();

// "dot-claude--settings.json" for ".claude/settings.json": ConfigMap keys know no '/' (upstream's mapping).
std::string config_map_key(std::string_view path);
WorkspaceFile workspace_file(std::string path, std::string content);

// The task file: the contract and, below it, what every agent in a pod has to know.
std::string task_file(const AdapterInput& input);

// The URL agents reach the MCP gateway at, or empty when gateway.url is not set.
std::string gateway_mcp_url(const AdapterInput& input);

// {"mcpServers": {...}} as in .mcp.json: the gateway and the servers of bound credentials; {} when there is none.
Json mcp_json(const AdapterInput& input);

// The server's argv for a CLI that cannot rename a variable or give it a default: where that is needed, a shell does
// it.
std::vector<std::string> mcp_command(const McpServerEntry& server, bool cli_renames);

Error unsupported_stream(const AdapterInput& input);

// Stream servers need a token nobody else knows; building one without is a caller's mistake worth an error.
Result<void> require_stream_token(const std::string& token);

}  // namespace fracta::agent
