// A GitHub personal access token; with `url`, of a GitHub Enterprise server.
#include "credentials/providers/common.hpp"
#include "fracta/net/http.hpp"

namespace fracta::credentials {
namespace {

Result<Inspection> inspect_github(const StoredCredential& credential, const ValidationOptions&) {
  FRACTA_TRY(check_single_line_token(credential));
  FRACTA_TRY(check_https_url(credential.url, false));
  FRACTA_TRY(check_email(credential.email, false));
  return Inspection{};
}

bool is_github_com(const net::Url& url) { return url.host == "github.com" || url.host == "api.github.com"; }

Result<Delivery> deliver_github(const StoredCredential& credential, const DeliveryPaths& paths) {
  const std::string token = single_line_token(credential);
  Delivery out;
  out.files.push_back({paths.directory + "/.ambient_github_token", token});
  out.env["GITHUB_TOKEN"] = token;
  out.env["GITHUB_PERSONAL_ACCESS_TOKEN"] = token;
  if (const auto url = net::parse_url(credential.url); !credential.url.empty() && url && !is_github_com(*url)) {
    out.env["GH_HOST"] = url->host;
    out.env["GH_ENTERPRISE_TOKEN"] = token;
  }
  if (!credential.email.empty()) {
    out.env["GIT_AUTHOR_EMAIL"] = credential.email;
    out.env["GIT_COMMITTER_EMAIL"] = credential.email;
  }
  out.secrets = secrets_in(credential);
  return out;
}

}  // namespace

const Provider& github_provider() {
  static const Provider provider{"github",
                                 "GitHub personal access token (url: of a GitHub Enterprise server)",
                                 {"token"},
                                 {"GITHUB_TOKEN", "GITHUB_PERSONAL_ACCESS_TOKEN", "GH_HOST", "GH_ENTERPRISE_TOKEN",
                                  "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"},
                                 inspect_github,
                                 deliver_github,
                                 nullptr};
  return provider;
}

}  // namespace fracta::credentials
