#include "config/keys.hpp"

namespace fracta::config {

std::vector<KeySpec> agent_keys();
std::vector<KeySpec> binding_keys(const std::string& path, const std::string& help, bool hidden);  // keys_auth.cpp

namespace {

using enum KeyType;

std::vector<KeySpec> entry_keys(const std::string& map, bool hidden) {
  const std::string e = map + ".*";
  std::vector<KeySpec> keys = {
      {map, kMap, "", hidden ? "Deprecated form of `agents.agent_runtimes`." : "Runtimes by name.", hidden},
      {e, kObject, "", "", hidden},
      {e + ".adapter", kString, "", "`claude`, `codex`, `opencode` or `command`. Default: the runtime's name.", hidden},
      {e + ".model", kString, "", "Model used when the spawn request names none.", hidden},
      {e + ".model_tiers", kStringMap, "", "Models for `heavy`, `medium` and `light`.", hidden},
      {e + ".env", kStringMap, "", "Environment of the local backend; not used on Kubernetes.", hidden},
      {e + ".command", kStringOrList, "", "What adapter `command` runs.", hidden},
      {e + ".port", kInteger, "8080", "Where adapter `command` listens as a stream pod; `FRACTA_PORT` tells it.",
       hidden},
      {e + ".credentials", kStringList, "", "Stored credentials given to agents of this runtime.", hidden},
      {e + ".auth_profile", kString, "", "Name in `auth.credentials.profiles`.", hidden},
      {e + ".kubernetes", kObject, "", "", hidden},
      {e + ".kubernetes.image", kString, "", "Image for this runtime.", hidden},
      {e + ".kubernetes.env", kList, "", "Environment of this runtime's agents.", hidden},
      {e + ".kubernetes.env[]", kObject, "", "", hidden},
      {e + ".kubernetes.env[].name", kString, "", "Name of the variable.", hidden},
      {e + ".kubernetes.env[].value", kString, "", "Its value.", hidden},
      {e + ".kubernetes.env[].secret_ref", kObject, "", "Take the value from a Secret instead.", hidden},
      {e + ".kubernetes.env[].secret_ref.name", kString, "", "Name of the Secret.", hidden},
      {e + ".kubernetes.env[].secret_ref.key", kString, "", "Key inside it.", hidden},
  };
  for (KeySpec& spec : binding_keys(e + ".auth_binding", "Used instead of the profile's `default_binding`.", hidden)) {
    keys.push_back(std::move(spec));
  }
  return keys;
}

}  // namespace

std::vector<KeySpec> agent_keys() {
  std::vector<KeySpec> keys = {
      {"agents", kObject, "", ""},
      {"agents.default_runtime", kString, "claude", "Runtime used when the spawn request names none."},
      {"agents.default_host_type", kString, "", "", true},
      {"agents.default_mode", kString, "batch", "`batch` (a Job) or `stream` (a Pod that keeps a conversation open)."},
  };
  for (const char* map : {"agents.agent_runtimes", "runtimes", "hosts"}) {
    for (KeySpec& spec : entry_keys(map, map != std::string("agents.agent_runtimes"))) keys.push_back(std::move(spec));
  }
  return keys;
}

}  // namespace fracta::config
