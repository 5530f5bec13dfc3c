#include <algorithm>
#include <array>

#include "config/decode.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

const std::vector<std::string> kAdapters = {"claude", "codex", "opencode", "command"};

std::string decode_adapter(const std::string& name, const View& entry) {
  const bool named_after_one = std::find(kAdapters.begin(), kAdapters.end(), name) != kAdapters.end();
  const std::string adapter = entry["adapter"].text(named_after_one ? name : "command");
  if (std::find(kAdapters.begin(), kAdapters.end(), adapter) == kAdapters.end()) {
    // Only a spawn of this runtime fails; the rest of the file may be used.
    entry["adapter"].warning("unknown adapter " + in_quotes(adapter) +
                             "; agents of this runtime cannot start. Known: " + join(kAdapters, ", "));
  }
  return adapter;
}

StringMap decode_tiers(const View& view) {
  const std::array<std::string_view, 3> names = {"heavy", "medium", "light"};
  StringMap tiers = view.string_map();
  for (const auto& [tier, model] : tiers) {
    if (std::find(names.begin(), names.end(), tier) != names.end()) continue;
    view.error("invalid tier " + in_quotes(tier) + ": must be one of [heavy medium light]");
  }
  return tiers;
}

EnvVar decode_env_var(const View& view) {
  EnvVar variable{view["name"].text(), view["value"].text(), std::nullopt};
  for (const std::string& reason : env_name_errors(variable.name)) {
    view["name"].error("Invalid value: " + in_quotes(variable.name) + ": " + reason);
  }
  const View ref = view["secret_ref"];
  if (!ref.is_map()) return variable;
  variable.secret_ref = SecretKeyRef{ref["name"].text(), ref["key"].text(), false};
  if (!variable.value.empty()) ref.error("secret_ref may not be used when value is not empty");
  for (const std::string& reason : dns1123_subdomain_errors(variable.secret_ref->name)) {
    ref["name"].error("Invalid value: " + in_quotes(variable.secret_ref->name) + ": " + reason);
  }
  for (const std::string& reason : config_map_key_errors(variable.secret_ref->key)) {
    ref["key"].error("Invalid value: " + in_quotes(variable.secret_ref->key) + ": " + reason);
  }
  return variable;
}

void check_auth(const std::string& name, const View& entry, const AgentRuntime& runtime, const Config& config) {
  if (runtime.auth_profile.empty()) {
    if (runtime.auth_binding) entry["auth_binding"].error("needs auth_profile: a binding is looked up in a profile");
    return;
  }
  const auto profile = config.auth_profiles.find(runtime.auth_profile);
  if (profile == config.auth_profiles.end()) {
    entry["auth_profile"].error("runtime " + in_quotes(name) + " references auth_profile " +
                                in_quotes(runtime.auth_profile) + " which is not defined in auth.credentials.profiles");
    return;
  }
  if (runtime.auth_binding) check_binding(entry["auth_binding"], entry.path(), *runtime.auth_binding, profile->second);
}

int decode_port(const View& view) {
  if (!view.present()) return AgentRuntime{}.port;
  const std::int64_t port = view.integer();
  if (port >= 1 && port <= 65535) return static_cast<int>(port);
  view.error("Invalid value: " + std::to_string(port) + ": must be between 1 and 65535, inclusive");
  return AgentRuntime{}.port;
}

AgentRuntime decode_entry(const std::string& name, const View& entry, const Config& config) {
  AgentRuntime runtime;
  runtime.adapter = decode_adapter(name, entry);
  runtime.model = entry["model"].text();
  runtime.model_tiers = decode_tiers(entry["model_tiers"]);
  runtime.env = entry["env"].string_map();
  runtime.auth_profile = entry["auth_profile"].text();
  runtime.auth_binding = decode_binding(entry["auth_binding"]);
  runtime.credentials = entry["credentials"].string_list();
  runtime.command = entry["command"].string_list();
  runtime.port = decode_port(entry["port"]);
  runtime.image = entry["kubernetes"]["image"].text();
  for (const View& item : entry["kubernetes"]["env"].items()) {
    if (item.is_map()) runtime.kubernetes_env.push_back(decode_env_var(item));
  }
  if (!runtime.env.empty()) {
    entry["env"].warning("only the local backend reads this; on Kubernetes use kubernetes.env");
  }
  if (!runtime.command.empty() && runtime.adapter != "command")
    entry["command"].warning("not used: adapter " + in_quotes(runtime.adapter) +
                             " makes its own command line; `adapter: command` runs this one");
  check_auth(name, entry, runtime, config);
  return runtime;
}

// agents.agent_runtimes when it has entries, else runtimes, else hosts; never merged.
View effective_runtimes(const View& root) {
  const View current = root["agents"]["agent_runtimes"];
  const View runtimes = root["runtimes"];
  const View hosts = root["hosts"];
  const bool has_current = current.is_map() && !current.json().empty();
  const bool has_runtimes = runtimes.is_map() && !runtimes.json().empty();
  if (has_runtimes) {
    runtimes.warning(has_current
                         ? "'runtimes:' config key is deprecated and ignored because 'agents.agent_runtimes' is set"
                         : "'runtimes:' config key is deprecated — move entries to 'agents.agent_runtimes'");
  }
  if (hosts.is_map() && !hosts.json().empty()) {
    hosts.warning("'hosts:' config key is deprecated — move entries to 'agents.agent_runtimes'");
  }
  if (has_current) return current;
  return has_runtimes ? runtimes : hosts;
}

std::string decode_default_runtime(const View& agents) {
  const View old = agents["default_host_type"];
  if (old.present()) old.warning("'agents.default_host_type' is deprecated — use 'agents.default_runtime'");
  std::string name = agents["default_runtime"].text();
  if (name.empty()) name = old.text();
  return name.empty() ? "claude" : name;
}

}  // namespace

void decode_agents(const View& root, Config& config) {
  const View agents = root["agents"];
  config.default_runtime = decode_default_runtime(agents);
  config.default_mode = agents["default_mode"].choice({"batch", "stream"}, "batch");
  for (const auto& [name, entry] : effective_runtimes(root).entries()) {
    config.agent_runtimes.emplace(name, decode_entry(name, entry, config));
  }
  const View chosen = agents["default_runtime"];
  if (chosen.present() && config.agent_runtimes.count(config.default_runtime) == 0) {
    chosen.warning("runtime " + in_quotes(config.default_runtime) + " is not configured in agents.agent_runtimes");
  }
}

}  // namespace fracta::config
