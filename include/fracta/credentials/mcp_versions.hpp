// Exact versions of the MCP servers that agents start: nothing is ever "latest". The one place they stand:
// scripts/mcp-packages reads this file for the image build.
#pragma once

#include <string_view>

namespace fracta::credentials {

inline constexpr std::string_view kKubernetesMcpServerVersion = "0.0.67";  // npm, on PATH in the agent image
inline constexpr std::string_view kAtlassianMcpVersion = "0.23.1";         // PyPI mcp-atlassian, started by uvx
inline constexpr std::string_view kWorkspaceMcpVersion = "1.17.1";         // PyPI workspace-mcp, started by uvx

}  // namespace fracta::credentials
