#include "agent/build/plan.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include <fmt/format.h>

#include "agent/adapters/adapters.hpp"
#include "agent/build/env.hpp"
#include "agent/build/labels.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::agent {
namespace {

Error invalid(std::string message) { return make_error(ErrorCode::kInvalid, std::move(message)); }

std::string first_set(const std::string& a, const std::string& b) { return a.empty() ? b : a; }

std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

config::Resources override_resources(const config::Resources& base, const config::Resources& over) {
  return {first_set(over.cpu_request, base.cpu_request), first_set(over.cpu_limit, base.cpu_limit),
          first_set(over.memory_request, base.memory_request), first_set(over.memory_limit, base.memory_limit)};
}

Result<const config::AgentRuntime*> find_runtime(const config::Config& config, const std::string& name) {
  const auto found = config.agent_runtimes.find(name);
  if (found != config.agent_runtimes.end()) return &found->second;
  return invalid("runtime \"" + shorten(name, 80) + "\" not configured in fracta.yaml agents.agent_runtimes");
}

Result<const Adapter*> adapter_of(const config::AgentRuntime& runtime, const std::string& name) {
  // A config made in code may leave the adapter open; the loader has the same default.
  if (runtime.adapter.empty()) {
    const Adapter* by_name = find_adapter(name);
    return by_name != nullptr ? by_name : &command_adapter();
  }
  const Adapter* adapter = find_adapter(runtime.adapter);
  if (adapter != nullptr) return adapter;
  return invalid(fmt::format("runtime \"{}\": unknown adapter \"{}\"; known: {}", name, shorten(runtime.adapter, 80),
                             join(adapter_names(), ", ")));
}

Result<std::string> image_of(const AgentSpec& spec, const config::AgentRuntime& runtime, const config::Config& config) {
  const std::string image = first_set(spec.image, first_set(runtime.image, config.kubernetes.image));
  if (!image.empty()) return image;
  return invalid(std::string("runtime/k8s: Image is required") + (spec.mode == Mode::kStream ? " for stream pod" : "") +
                 ": set runtime.kubernetes.image or agents.agent_runtimes." + spec.runtime + ".kubernetes.image");
}

bool is_config_map_key(std::string_view key) {
  return !key.empty() && key.size() <= 253 && key != "." && !key.starts_with("..") &&
         key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") ==
             std::string_view::npos;
}

bool stays_inside(std::string_view path) {
  if (path.empty() || path.starts_with('/')) return false;
  const std::vector<std::string> steps = split(path, '/');
  return std::none_of(steps.begin(), steps.end(),
                      [](const std::string& s) { return s.empty() || s == "." || s == ".."; });
}

// The adapter's files and those a credential binding adds. A binding's file replaces the adapter's at the same place.
Result<std::vector<WorkspaceFile>> files_of(std::vector<WorkspaceFile> files,
                                            const std::map<std::string, std::string>& credential_files) {
  for (const auto& added : credential_files) {
    std::erase_if(files, [&](const WorkspaceFile& file) { return file.path == added.first; });
    files.push_back(workspace_file(added.first, added.second));
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!stays_inside(files[i].path) || !is_config_map_key(files[i].config_map_key)) {
      return invalid("workspace file \"" + shorten(files[i].path, 120) + "\" is no usable relative path");
    }
    if (!is_valid_utf8(files[i].content)) return invalid("workspace file \"" + files[i].path + "\" is not valid UTF-8");
    for (std::size_t j = 0; j < i; ++j) {
      if (files[j].config_map_key != files[i].config_map_key) continue;
      return invalid("workspace files \"" + files[j].path + "\" and \"" + files[i].path +
                     "\" need the same ConfigMap key");
    }
  }
  return files;
}

// The earliest of the reaper's max_age and, for stream pods, the active deadline; a Job's own controller keeps a Job's.
Result<std::optional<std::string>> deadline_of(const Plan& plan) {
  std::optional<std::chrono::nanoseconds> age;
  if (plan.config.reaper_max_age.count() > 0) age = plan.config.reaper_max_age;
  if (plan.stream && plan.active_deadline_seconds) {
    const std::chrono::nanoseconds active = std::chrono::seconds{*plan.active_deadline_seconds};
    age = age ? std::min(*age, active) : active;
  }
  if (!age || plan.spawned_at.empty()) return std::optional<std::string>{};
  const auto start = parse_rfc3339(plan.spawned_at);
  if (!start) return invalid("spawned_at \"" + shorten(plan.spawned_at, 40) + "\" is not an RFC 3339 time");
  return std::optional<std::string>{format_rfc3339(*start + std::chrono::duration_cast<SystemTime::duration>(*age))};
}

Result<void> check_deadline(const std::optional<std::int64_t>& seconds) {
  constexpr std::int64_t kMax = 10LL * 365 * 24 * 3600;  // far below what would overflow a time point
  if (!seconds || (*seconds > 0 && *seconds <= kMax)) return {};
  return invalid("active_deadline_seconds must be between 1 and 315360000");
}

Result<void> check_credential_mounts(const std::vector<CredentialMount>& mounts) {
  std::set<std::string> taken;
  for (const CredentialMount& mount : mounts) {
    const std::string name = mount.path.substr(mount.path.rfind('/') + 1);
    if (!mount.path.starts_with('/') || mount.path.rfind('/') == 0 || name.empty() || name.starts_with(".."))
      return invalid("credential file \"" + shorten(mount.path, 120) + "\" is no usable absolute path");
    if (!taken.insert(mount.path).second)
      return invalid("two credentials are delivered to the file \"" + shorten(mount.path, 120) + "\"");
  }
  return {};
}

bool is_plain_word(const std::string& text) {
  return !text.empty() && text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
                              std::string::npos;
}

// Names become keys of JSON, TOML and tool names; two of one name would silently be one.
Result<void> check_mcp_servers(const std::vector<McpServerEntry>& servers) {
  std::set<std::string> taken = {"fracta"};  // the gateway's
  for (const McpServerEntry& server : servers) {
    if (!is_plain_word(server.name) || server.command.empty())
      return invalid("MCP server \"" + shorten(server.name, 80) + "\" has no usable name or command");
    if (!taken.insert(server.name).second) return invalid("two MCP servers are named \"" + server.name + "\"");
    for (const auto& [to, from] : server.env)
      if (!is_plain_word(to) || !is_plain_word(from))
        return invalid("MCP server \"" + server.name + "\": \"" + shorten(to, 80) + "\" is no variable");
    // They stand inside ${...:-...}, of a shell too.
    for (const auto& [to, value] : server.defaults)
      if (!is_plain_word(value)) return invalid("MCP server \"" + server.name + "\": default of " + to);
  }
  return {};
}

// The adapter's own, then its other names for what is given, then what is given: later ones win.
std::vector<config::EnvVar> environment_of(const Adapter& adapter, const AdapterInput& input) {
  std::vector<config::EnvVar> env = adapter.environment(input);
  for (config::EnvVar& entry : env) entry.value = escape_expansion(entry.value);
  std::vector<config::EnvVar> aliases;
  for (const auto& [wanted, source] : adapter.environment_aliases(input))
    for (config::EnvVar entry : input.given_env) {
      if (entry.name != source) continue;
      entry.name = wanted;
      aliases.push_back(std::move(entry));
    }
  return merge_env(merge_env(std::move(env), aliases), input.given_env);
}

Result<void> fill_commands(const Adapter& adapter, const AdapterInput& input, const std::string& token, Plan& plan) {
  plan.env = environment_of(adapter, input);
  if (plan.spec.mode == Mode::kBatch) {
    auto argv = adapter.batch_command(input);
    if (!argv) return argv.error();
    plan.argv = std::move(*argv);
    return {};
  }
  auto stream = adapter.stream_server(input, token);
  if (!stream) return stream.error();
  plan.stream = std::move(*stream);
  plan.argv = plan.stream->command;
  for (const auto& [key, value] : plan.stream->secret_data) plan.secret_data[key] = value;
  return {};
}

}  // namespace

Result<Plan> make_plan(const BuildInput& input) {
  FRACTA_TRY(validate_name(input.spec.name));
  FRACTA_TRY(check_user_labels(input.spec.labels));
  Plan plan{.spec = input.spec, .config = input.config};
  const auto& kubernetes = input.config.kubernetes;
  if (plan.spec.runtime.empty()) plan.spec.runtime = input.config.default_runtime;
  const auto runtime = find_runtime(input.config, plan.spec.runtime);
  if (!runtime) return runtime.error();
  const auto adapter = adapter_of(**runtime, plan.spec.runtime);
  if (!adapter) return adapter.error();
  auto model = resolve_model(**runtime, plan.spec.model, plan.spec.tier);
  if (!model) return model.error();
  plan.spec.model = std::move(*model);
  auto image = image_of(plan.spec, **runtime, input.config);
  if (!image) return image.error();
  plan.image = std::move(*image);

  plan.id = agent_id(plan.spec.name);
  plan.workspace_path = without_trailing_slashes(first_set(kubernetes.pvc_mount_path, "/workspace"));
  plan.working_directory = plan.workspace_path + "/agents/" + plan.id;
  plan.auth_mount_path = first_set(input.auth_mount_path, kDefaultAuthMountPath);
  plan.secret_data = input.auth_secret_data;
  plan.secret_annotations = input.auth_secret_annotations;
  plan.credential_mounts = input.credential_mounts;
  FRACTA_TRY(check_credential_mounts(plan.credential_mounts));
  FRACTA_TRY(check_mcp_servers(input.mcp_servers));
  plan.stored_credentials = input.stored_credentials;
  plan.resources = override_resources(kubernetes.resources, plan.spec.resources);
  plan.active_deadline_seconds =
      plan.spec.active_deadline_seconds ? plan.spec.active_deadline_seconds : kubernetes.active_deadline_seconds;
  FRACTA_TRY(check_deadline(plan.active_deadline_seconds));
  plan.spawned_at = input.spawned_at;

  const AdapterInput adapter_input{plan.spec,
                                   input.config,
                                   **runtime,
                                   plan.id,
                                   plan.working_directory,
                                   plan.auth_mount_path,
                                   input.mcp_servers,
                                   merge_env((*runtime)->kubernetes_env, input.credential_env)};
  FRACTA_TRY(fill_commands(**adapter, adapter_input, input.stream_token, plan));
  if (!plan.stored_credentials.ids.empty())
    plan.env =
        merge_env(std::move(plan.env), {{kCredentialIdsVariable, escape_expansion(plan.stored_credentials.ids), {}}});
  // Last: the session can only talk to a server that uses the token it knows.
  if (plan.stream) plan.env = merge_env(std::move(plan.env), plan.stream->env);
  auto files = files_of((*adapter)->workspace_files(adapter_input), input.credential_files);
  if (!files) return files.error();
  plan.files = std::move(*files);
  auto deadline = deadline_of(plan);
  if (!deadline) return deadline.error();
  plan.deadline = std::move(*deadline);
  return plan;
}

}  // namespace fracta::agent
