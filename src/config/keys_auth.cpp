#include "config/keys.hpp"

namespace fracta::config {

std::vector<KeySpec> auth_keys();
std::vector<KeySpec> binding_keys(const std::string& path, const std::string& help, bool hidden);

using enum KeyType;

std::vector<KeySpec> binding_keys(const std::string& path, const std::string& help, bool hidden) {
  return {
      {path, kObject, "", help, hidden},
      {path + ".type", kString, "", "`claude_api_key_helper`, `bearer_env` or `token_file`.", hidden},
      {path + ".runtime_auth_resolver", kString, "", "Resolver the binding uses.", hidden},
      {path + ".auth_origin", kString, "", "Origin the binding uses.", hidden},
      {path + ".env_name", kString, "", "Variable a `bearer_env` binding sets.", hidden},
  };
}

std::vector<KeySpec> auth_keys() {
  const std::string p = "auth.credentials.profiles.*";
  const std::string o = p + ".auth_origins.*";
  const std::string r = p + ".runtime_auth_resolvers.*";
  std::vector<KeySpec> keys = {
      {"auth", kOpenObject, "", ""},
      {"auth.credentials", kOpenObject, "", ""},
      {"auth.credentials.profiles", kMap, "", "Credential profiles by name."},
      {p, kObject, "", ""},
      {p + ".env", kStringMap, "", "Plain environment that comes with the profile."},
      {p + ".auth_origins", kMap, "", "Where credentials come from, by name."},
      {o, kObject, "", ""},
      {o + ".type", kString, "", "`http_header_token`, `command_output` or `secret_env`."},
      {o + ".scope", kString, "", "`agent_runtime`, `host_edge` or `any`."},
      {o + ".command", kStringOrList, "", "What a `command_output` origin runs."},
      {o + ".delivery", kString, "", "`file_mount`, `env` or `staged_secret`."},
      {o + ".path", kString, "", "File the credential is delivered to."},
      {o + ".required", kBoolean, "true", "Whether a failure stops the spawn."},
      {o + ".request", kObject, "", "Request of an `http_header_token` origin."},
      {o + ".request.method", kString, "", "HTTP method."},
      {o + ".request.url", kString, "", "Address."},
      {o + ".request.headers", kStringMap, "", "Headers to send."},
      {o + ".extract", kObject, "", "What to take from the answer."},
      {o + ".extract.header", kString, "", "Response header that holds the token."},
      {o + ".env_name", kString, "", "Variable a `secret_env` origin sets."},
      {o + ".secret_ref", kObject, "", "Secret a `secret_env` origin reads."},
      {o + ".secret_ref.name", kString, "", "Name of the Secret."},
      {o + ".secret_ref.key", kString, "", "Key inside it."},
      {o + ".ttl_ms", kInteger, "",
       "Milliseconds that what the command prints stays valid, when the output itself does not say. Files are renewed "
       "in "
       "running agents before."},
      {o + ".timeout_ms", kInteger, "30000", "Longest run of the command."},
      {o + ".pass_env", kStringList, "",
       "Variables of the controlplane that the command may see, besides `PATH`, `HOME`, `LANG` and the profile's "
       "`env`."},
      {p + ".runtime_auth_resolvers", kMap, "", "Commands that agents run to get a token, by name."},
      {r, kObject, "", ""},
      {r + ".type", kString, "", "`command`."},
      {r + ".command", kStringOrList, "", "A helper's bare name, found on the agent's PATH, or an argument list."},
      {r + ".ttl_ms", kInteger, "60000", "Milliseconds the agent may keep a token."},
      {r + ".order", kStringList, "", "", true},
      {p + ".assertions", kObject, "", "Checked before an agent starts."},
      {p + ".assertions.require_env", kStringList, "", "Variables that must be set."},
      {p + ".assertions.forbid_env", kStringList, "", "Variables that must not be there."},
      {p + ".assertions.require_source", kStringList, "", "Origins that must be available."},
      {p + ".assertions.warn_if_missing_env", kStringList, "", "Variables whose absence is logged."},
  };
  for (KeySpec& spec : binding_keys(p + ".default_binding", "How the credential reaches the agent.", false)) {
    keys.push_back(std::move(spec));
  }
  return keys;
}

}  // namespace fracta::config
