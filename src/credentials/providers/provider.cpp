// The table, and what holds for every provider.
#include "fracta/credentials/provider.hpp"

#include <array>

#include <nlohmann/json.hpp>

#include "credentials/providers/common.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::credentials {
namespace {

const std::string& field_of(const StoredCredential& credential, std::string_view field) {
  if (field == "url") return credential.url;
  if (field == "email") return credential.email;
  return credential.token;
}

void add_google_secrets(std::vector<std::string>& secrets, const std::string& token) {
  add_secret(secrets, token);
  const auto json = parse_json(token, {.max_depth = 16});
  if (!json || !json->is_object()) return;
  for (const char* field : {"private_key", "client_secret", "refresh_token", "access_token"}) {
    const std::string value = string_at(*json, field);
    if (value.empty()) continue;
    add_pem_secret(secrets, value);
    const std::string escaped = dump_json(Json(value));  // as it stands in the file: "...\n..."
    add_secret(secrets, std::string_view(escaped).substr(1, escaped.size() - 2));
  }
}

}  // namespace

std::span<const Provider> providers() {
  static const std::array<Provider, 6> table{github_provider(), gitlab_provider(), jira_provider(),
                                             google_provider(), vertex_provider(), kubeconfig_provider()};
  return table;
}

const Provider* find_provider(std::string_view name) {
  for (const auto& provider : providers())
    if (provider.name == name) return &provider;
  return nullptr;
}

std::string provider_names(std::string_view separator) {
  std::string out;
  for (const auto& provider : providers()) {
    if (!out.empty()) out += separator;
    out += provider.name;
  }
  return out;
}

Result<Inspection> inspect(const StoredCredential& credential, const ValidationOptions& options) {
  const auto* provider = find_provider(credential.provider);
  if (provider == nullptr)
    return invalid_field("provider",
                         "\"" + shorten(credential.provider, 40) + "\" is unknown; one of " + provider_names(", "));
  for (const auto field : provider->required)
    if (trim(field_of(credential, field)).empty())
      return invalid_field(field, "is required for provider " + credential.provider);
  if (credential.token.find('\0') != std::string::npos) return invalid_field("token", "holds a NUL byte");
  return provider->inspect(credential, options);
}

std::vector<std::string> secrets_in(const StoredCredential& credential) {
  if (credential.provider == "kubeconfig") return kubeconfig_secrets(credential.token);
  std::vector<std::string> secrets;
  if (trim(credential.token).starts_with('{')) {
    add_google_secrets(secrets, credential.token);
  } else {
    add_pem_secret(secrets, credential.token);
  }
  const std::size_t plain = secrets.size();
  for (std::size_t i = 0; i < plain; ++i) add_secret(secrets, base64_encode(secrets[i]));
  return secrets;
}

}  // namespace fracta::credentials
