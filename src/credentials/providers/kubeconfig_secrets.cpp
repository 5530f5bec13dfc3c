// Every value of a kubeconfig that must not be seen, plain and as the base64 it stands in.
#include <nlohmann/json.hpp>

#include "credentials/providers/common.hpp"
#include "credentials/providers/kubeconfig_text.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::credentials {
namespace {

bool names_secret(std::string_view key) {
  const std::string lower = to_lower(key);
  for (const std::string_view word : {"token", "password", "secret", "key"})
    if (lower.find(word) != std::string::npos) return true;
  return false;
}

void add_value(std::vector<std::string>& secrets, std::string_view key, const std::string& value) {
  add_secret(secrets, value);
  if (key.ends_with("-data")) {
    if (const auto pem = decode_data(key, value)) add_pem_secret(secrets, *pem);
  } else if (value.size() >= 6) {
    add_secret(secrets, base64_encode(value));
  }
}

// Everything below a user: also what an exec or auth-provider entry holds, should one have been allowed in.
void add_below(std::vector<std::string>& secrets, const Json& value, std::string_view key, int depth) {
  if (depth > 24) return;
  if (value.is_object()) {
    for (const auto& [name, inner] : value.items()) add_below(secrets, inner, name, depth + 1);
  } else if (value.is_array()) {
    for (const auto& inner : value) add_below(secrets, inner, key, depth + 1);
  } else if (value.is_string() && names_secret(key)) {
    add_value(secrets, key, value.get<std::string>());
  }
}

void add_proxy_password(std::vector<std::string>& secrets, const std::string& proxy) {
  const auto scheme = proxy.find("://");
  const auto at = proxy.rfind('@');
  if (scheme == std::string::npos || at == std::string::npos || at < scheme) return;
  const std::string user = proxy.substr(scheme + 3, at - scheme - 3);
  const auto colon = user.find(':');
  if (colon == std::string::npos) return;
  add_secret(secrets, user.substr(colon + 1));
  if (const auto plain = percent_decode(user.substr(colon + 1))) add_secret(secrets, *plain);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (const auto& line : split(text, '\n'))
    if (trim(line).size() >= 16) add_secret(out, line);
  return out;
}

}  // namespace

std::vector<std::string> kubeconfig_secrets(const std::string& text) {
  const auto parsed = parse_kubeconfig(text);
  if (!parsed) return lines_of(text);
  std::vector<std::string> secrets;
  if (const auto users = named_entries(**parsed, "users", "user")) {
    for (const auto& [name, user] : *users) add_below(secrets, *user, "", 0);
  } else {
    return lines_of(text);
  }
  if (const auto clusters = named_entries(**parsed, "clusters", "cluster"))
    for (const auto& [name, cluster] : *clusters) add_proxy_password(secrets, string_at(*cluster, "proxy-url"));
  return secrets;
}

}  // namespace fracta::credentials
