// A GitLab personal or project access token; with `url`, of a self-hosted server. The identity of commits comes from a
// github credential only: with both bound it must not depend on who is asked last.
#include "credentials/providers/common.hpp"

namespace fracta::credentials {
namespace {

Result<Inspection> inspect_gitlab(const StoredCredential& credential, const ValidationOptions&) {
  FRACTA_TRY(check_single_line_token(credential));
  FRACTA_TRY(check_https_url(credential.url, false));
  FRACTA_TRY(check_email(credential.email, false));
  return Inspection{};
}

Result<Delivery> deliver_gitlab(const StoredCredential& credential, const DeliveryPaths& paths) {
  const std::string token = single_line_token(credential);
  Delivery out;
  out.files.push_back({paths.directory + "/.ambient_gitlab_token", token});
  out.env["GITLAB_TOKEN"] = token;
  if (!credential.url.empty()) out.env["GITLAB_HOST"] = credential.url;
  out.secrets = secrets_in(credential);
  return out;
}

}  // namespace

const Provider& gitlab_provider() {
  static const Provider provider{"gitlab",       "GitLab access token (url: of a self-hosted server)",
                                 {"token"},      {"GITLAB_TOKEN", "GITLAB_HOST"},
                                 inspect_gitlab, deliver_gitlab,
                                 nullptr};
  return provider;
}

}  // namespace fracta::credentials
