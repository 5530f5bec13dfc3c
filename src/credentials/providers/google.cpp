// A Google key file for workspace tools (mail, drive), where workspace-mcp looks for it.
#include <nlohmann/json.hpp>

#include "credentials/providers/common.hpp"
#include "fracta/base/json.hpp"

namespace fracta::credentials {
namespace {

constexpr std::string_view kPlaceholderEmail = "user@example.com";  // what upstream's forms come filled with

std::string key_path(const DeliveryPaths& paths) {
  return paths.workspace + "/.google_workspace_mcp/credentials/credentials.json";
}

Result<Inspection> inspect_google(const StoredCredential& credential, const ValidationOptions&) {
  const auto key = parse_google_key(credential.token);
  if (!key) return key.error();
  FRACTA_TRY(check_email(credential.email, false));
  return Inspection{};
}

Result<Delivery> deliver_google(const StoredCredential& credential, const DeliveryPaths& paths) {
  Delivery out;
  out.files.push_back({key_path(paths), credential.token});
  out.env["GOOGLE_APPLICATION_CREDENTIALS"] = key_path(paths);
  if (!credential.email.empty() && credential.email != kPlaceholderEmail)
    out.env["USER_GOOGLE_EMAIL"] = credential.email;
  out.secrets = secrets_in(credential);
  return out;
}

std::optional<McpServer> google_mcp_server(const DeliveryPaths&) {
  return McpServer{"google-workspace",
                   "uvx",
                   {"workspace-mcp@" + std::string(kWorkspaceMcpVersion), "--permissions", "gmail:send", "drive:full"},
                   {{"USER_GOOGLE_EMAIL", "USER_GOOGLE_EMAIL"},
                    {"GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"}},
                   {}};
}

}  // namespace

const Provider& google_provider() {
  static const Provider provider{
      "google",         "Google key file (JSON) for mail and drive; email: the account to act for",
      {"token"},        {"GOOGLE_APPLICATION_CREDENTIALS", "USER_GOOGLE_EMAIL"},
      inspect_google,   deliver_google,
      google_mcp_server};
  return provider;
}

}  // namespace fracta::credentials
