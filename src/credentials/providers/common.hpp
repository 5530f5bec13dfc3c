// What the providers share. Private to this folder and provider.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fracta/credentials/provider.hpp"

namespace fracta::credentials {

const Provider& github_provider();
const Provider& gitlab_provider();
const Provider& jira_provider();
const Provider& google_provider();
const Provider& vertex_provider();
const Provider& kubeconfig_provider();

Error invalid_field(std::string_view field, std::string_view message);

// One line without blanks: what goes into a variable or a header. Surrounding white space is allowed and cut off.
Result<void> check_single_line_token(const StoredCredential& credential);
std::string single_line_token(const StoredCredential& credential);
// https://host[...] without user info and query; `required` or empty.
Result<void> check_https_url(std::string_view url, bool required);
Result<void> check_email(std::string_view email, bool required);

// The key file of a Google service account, or of a user's OAuth client.
struct GoogleKey {
  std::string type;     // service_account, authorized_user, ...
  std::string project;  // project_id; may be empty
  std::string email;    // client_email; may be empty
};
Result<GoogleKey> parse_google_key(const std::string& token);

// Adds `value`, and what of it could stand alone on a line of output, when it is long enough not to hit ordinary text.
void add_secret(std::vector<std::string>& secrets, std::string_view value);
// Also the lines of a PEM text and its base64.
void add_pem_secret(std::vector<std::string>& secrets, std::string_view pem);

// Secrets inside a kubeconfig; the lines of the text itself when it cannot be read.
std::vector<std::string> kubeconfig_secrets(const std::string& text);

}  // namespace fracta::credentials
