// An Atlassian API token with the account's address and the site.
#include "credentials/providers/common.hpp"

namespace fracta::credentials {
namespace {

Result<Inspection> inspect_jira(const StoredCredential& credential, const ValidationOptions&) {
  FRACTA_TRY(check_single_line_token(credential));
  FRACTA_TRY(check_https_url(credential.url, true));
  FRACTA_TRY(check_email(credential.email, true));
  return Inspection{};
}

Result<Delivery> deliver_jira(const StoredCredential& credential, const DeliveryPaths&) {
  Delivery out;
  out.env["JIRA_URL"] = credential.url;
  out.env["JIRA_EMAIL"] = credential.email;
  out.env["JIRA_API_TOKEN"] = single_line_token(credential);
  out.secrets = secrets_in(credential);
  return out;
}

// The server reads READ_ONLY_MODE; operators switch it with JIRA_READ_ONLY_MODE, as upstream's do.
std::optional<McpServer> jira_mcp_server(const DeliveryPaths&) {
  return McpServer{"mcp-atlassian",
                   "uvx",
                   {"mcp-atlassian@" + std::string(kAtlassianMcpVersion)},
                   {{"JIRA_URL", "JIRA_URL"},
                    {"JIRA_USERNAME", "JIRA_EMAIL"},
                    {"JIRA_API_TOKEN", "JIRA_API_TOKEN"},
                    {"JIRA_SSL_VERIFY", "JIRA_SSL_VERIFY"},
                    {"READ_ONLY_MODE", "JIRA_READ_ONLY_MODE"}},
                   {{"JIRA_SSL_VERIFY", "true"}, {"READ_ONLY_MODE", "true"}}};
}

}  // namespace

const Provider& jira_provider() {
  static const Provider provider{"jira",
                                 "Atlassian API token of the account `email` at the site `url`",
                                 {"token", "url", "email"},
                                 {"JIRA_URL", "JIRA_EMAIL", "JIRA_API_TOKEN"},
                                 inspect_jira,
                                 deliver_jira,
                                 jira_mcp_server};
  return provider;
}

}  // namespace fracta::credentials
