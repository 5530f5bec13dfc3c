#include "config/keys.hpp"

namespace fracta::config {

std::vector<KeySpec> runtime_keys();            // keys_runtime.cpp
std::vector<KeySpec> agent_keys();              // keys_agents.cpp
std::vector<KeySpec> auth_keys();               // keys_auth.cpp
std::vector<KeySpec> api_keys();                // keys_api.cpp
std::vector<KeySpec> stored_credential_keys();  // keys_credentials.cpp

namespace {

using enum KeyType;

std::vector<KeySpec> general_keys() {
  const std::string other = "Read by other processes of a fracta installation; accepted here without a look inside.";
  return {
      {"", kObject, "", ""},
      {"profile", kString, "", "`kubernetes` or `local`. Default: `kubernetes` when `runtime.backend` is kubernetes."},
      {"project", kObject, "", ""},
      {"project.default_base_branch", kString, "", "Git branch that agents start from."},
      {"project.allowed_tools", kStringList, "", "Tool permission patterns given to agents, e.g. `Bash(*)`."},
      {"logging", kObject, "", ""},
      {"logging.level", kString, "", "`debug`, `info`, `warn` or `error`. Default: `FRACTA_LOG_LEVEL`, else info."},
      {"logging.file", kString, "", "Log to this file as well as to stderr."},
      {"gateway", kOpenObject, "", ""},
      {"gateway.url", kString, "", "Address of the MCP gateway, written into agents' MCP configuration."},
      {"gateway.listen", kString, "", "Address the gateway listens on."},
      {"reaper", kObject, "", ""},
      {"reaper.interval", kDuration, "30s", "How often agents are checked for their age."},
      {"reaper.max_age", kDuration, "", "Agents older than this are stopped. 0 or absent: never."},
      {"reaper.max_concurrent", kInteger, "0", "Most agents at the same time. 0: no limit."},
      {"observability", kOpenObject, "", ""},
      {"observability.heartbeat_interval", kDuration, "15s", "Time between heartbeats on event streams."},
      {"observability.ring_size", kInteger, "100", "Events kept for each agent."},
      {"connections", kAny, "",
       "Named connections of agents' tools. Goes into each agent's snapshot, without secrets."},
      {"strategy", kAny, "", other + " Goes into each agent's snapshot, without secrets."},
      {"mcp_servers", kAny, "", other},
      {"registry", kAny, "", other},
      {"authz", kAny, "", other},
      {"ontology", kAny, "", other},
      {"token_store", kAny, "", other},
  };
}

void append(std::vector<KeySpec>& table, std::vector<KeySpec> more) {
  for (KeySpec& spec : more) table.push_back(std::move(spec));
}

// "a.b[].c" -> {"a.b[]", "c"}; "a.b[]" -> {"a.b", "[]"}.
std::pair<std::string, std::string> parent_of(const std::string& path) {
  if (path.size() >= 2 && path.compare(path.size() - 2, 2, "[]") == 0) return {path.substr(0, path.size() - 2), "[]"};
  const std::size_t dot = path.rfind('.');
  if (dot == std::string::npos) return {"", path};
  return {path.substr(0, dot), path.substr(dot + 1)};
}

using KeyIndex = std::map<std::string, KeyNode, std::less<>>;

KeyIndex build_index() {
  KeyIndex index;
  for (const KeySpec& spec : key_table()) {
    index[spec.path].spec = &spec;
    if (spec.path.empty()) continue;
    const auto [parent, name] = parent_of(spec.path);
    index[parent].children.push_back(name);
  }
  return index;
}

}  // namespace

const std::vector<KeySpec>& key_table() {
  static const std::vector<KeySpec> table = [] {
    std::vector<KeySpec> all = general_keys();
    append(all, api_keys());
    append(all, stored_credential_keys());
    append(all, runtime_keys());
    append(all, agent_keys());
    append(all, auth_keys());
    return all;
  }();
  return table;
}

const KeyNode* find_key(std::string_view pattern) {
  static const KeyIndex index = build_index();
  const auto found = index.find(pattern);
  return found == index.end() ? nullptr : &found->second;
}

}  // namespace fracta::config
