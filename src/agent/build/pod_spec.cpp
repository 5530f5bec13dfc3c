#include "agent/build/pod_spec.hpp"

#include <nlohmann/json.hpp>

#include "agent/build/env.hpp"
#include "agent/build/init_script.hpp"
#include "agent/build/security.hpp"
#include "fracta/config/volumes.hpp"

namespace fracta::agent {
namespace {

constexpr int kIdentityTokenSeconds = 3600;

void set_unless_empty(Json& object, const char* key, Json value) {
  const bool empty = value.is_string() ? value.get_ref<const std::string&>().empty() : value.empty();
  if (!empty) object[key] = std::move(value);
}

// Readable for the user the container runs as: the fsGroup where there is one, else the image's user, whoever that is.
int secret_file_mode(const config::KubernetesConfig& kubernetes) { return has_fs_group(kubernetes) ? 0440 : 0444; }

// Directory -> the files in it.
std::map<std::string, std::vector<CredentialMount>> by_directory(const Plan& plan) {
  std::map<std::string, std::vector<CredentialMount>> directories;
  for (const CredentialMount& mount : plan.credential_mounts)
    directories[mount.path.substr(0, mount.path.rfind('/'))].push_back(mount);
  return directories;
}

std::string credential_volume_name(std::size_t index) { return "credential-files-" + std::to_string(index); }

Json credential_volume(const Plan& plan, std::size_t index, const std::vector<CredentialMount>& files) {
  Json sources = Json::array();
  for (const CredentialMount& file : files) {
    Json source = {{"name", file.secret.empty() ? auth_secret_name(plan.id) : file.secret},
                   {"items", {{{"key", file.key}, {"path", file.path.substr(file.path.rfind('/') + 1)}}}}};
    if (file.optional) source["optional"] = true;
    sources.push_back({{"secret", std::move(source)}});
  }
  return {{"name", credential_volume_name(index)},
          {"projected", {{"defaultMode", secret_file_mode(plan.config.kubernetes)}, {"sources", std::move(sources)}}}};
}

// A token by which the runner proves to the controlplane which pod it runs in: bound to this pod, of no use to anybody
// but the controlplane, renewed by the kubelet at 80 % of its life. Neither needs nor gives any right in the cluster.
Json identity_volume(const Plan& plan) {
  const Json token = {{"audience", plan.stored_credentials.token_audience},
                      {"expirationSeconds", kIdentityTokenSeconds},
                      {"path", kIdentityTokenFile}};
  return {{"name", kIdentityVolume},
          {"projected",
           {{"defaultMode", secret_file_mode(plan.config.kubernetes)},
            {"sources", Json::array({{{"serviceAccountToken", token}}})}}}};
}

bool has_identity(const Plan& plan) { return !plan.stored_credentials.manifest.empty(); }

Json volumes_json(const Plan& plan) {
  const auto& kubernetes = plan.config.kubernetes;
  Json workspace = {{"name", config::kWorkspaceVolume}};
  if (kubernetes.pvc.empty()) {
    workspace["emptyDir"] = Json::object();
  } else {
    workspace["persistentVolumeClaim"] = {{"claimName", kubernetes.pvc}};
  }
  Json secret = {{"secretName", auth_secret_name(plan.id)}};
  // Owner first (design §2.2): the pod may be there before its Secret. An optional volume would then be mounted empty
  // and filled a minute later; a required one makes the kubelet wait. Without data nobody may wait for it.
  secret["optional"] = plan.secret_data.empty();
  secret["defaultMode"] = secret_file_mode(kubernetes);
  Json volumes =
      Json::array({std::move(workspace),
                   {{"name", config::kAgentConfigVolume}, {"configMap", {{"name", config_map_name(plan.id)}}}},
                   {{"name", config::kAuthSecretVolume}, {"secret", std::move(secret)}}});
  std::size_t index = 0;
  for (const auto& [directory, files] : by_directory(plan)) volumes.push_back(credential_volume(plan, index++, files));
  if (has_identity(plan)) volumes.push_back(identity_volume(plan));
  if (kubernetes.extra_volumes) {
    for (const Json& extra : *kubernetes.extra_volumes) volumes.push_back(extra);
  }
  return volumes;
}

Json config_mount() {
  return {{"name", config::kAgentConfigVolume}, {"mountPath", kConfigMountPath}, {"readOnly", true}};
}

Json workspace_mount(const Plan& plan) {
  return {{"name", config::kWorkspaceVolume}, {"mountPath", plan.workspace_path}};
}

Json container_json(const Plan& plan, const char* name) {
  Json container = {{"name", name}, {"image", plan.image}};
  set_unless_empty(container, "imagePullPolicy", plan.config.kubernetes.image_pull_policy);
  // On workspace-init too: a strict ResourceQuota refuses a pod with one container that names none. The scheduler takes
  // the larger of init and main containers, so it costs nothing.
  set_unless_empty(container, "resources", resources_json(plan.resources));
  set_unless_empty(container, "securityContext", container_security_context(plan.config.kubernetes));
  return container;
}

std::string home_directory(const Plan& plan) { return plan.working_directory + "/.home"; }

std::vector<config::EnvVar> environment_of(const Plan& plan) {
  if (!needs_home(plan.config.kubernetes)) return plan.env;
  return merge_env({{"HOME", escape_expansion(home_directory(plan)), {}}}, plan.env);
}

Json main_container(const Plan& plan) {
  Json container = container_json(plan, kMainContainer);
  // No command: the image's ENTRYPOINT has to run (PATH of the auth helpers, user settings), it gets the argv.
  Json args = Json::array();
  for (const std::string& argument : plan.argv) args.push_back(escape_expansion(argument));
  container["args"] = std::move(args);
  set_unless_empty(container, "env", env_json(environment_of(plan)));
  container["workingDir"] = plan.working_directory;
  if (plan.stream) {
    container["ports"] = Json::array({{{"name", "serve"}, {"containerPort", plan.stream->port}, {"protocol", "TCP"}}});
    container["readinessProbe"] = {{"tcpSocket", {{"port", plan.stream->port}}},
                                   {"initialDelaySeconds", plan.stream->probe_initial_delay_seconds},
                                   {"periodSeconds", plan.stream->probe_period_seconds}};
  }
  Json mounts =
      Json::array({workspace_mount(plan),
                   config_mount(),
                   {{"name", config::kAuthSecretVolume}, {"mountPath", plan.auth_mount_path}, {"readOnly", true}}});
  std::size_t index = 0;
  for (const auto& [directory, files] : by_directory(plan))
    mounts.push_back({{"name", credential_volume_name(index++)}, {"mountPath", directory}, {"readOnly", true}});
  if (has_identity(plan))
    mounts.push_back({{"name", kIdentityVolume}, {"mountPath", kIdentityMountPath}, {"readOnly", true}});
  if (plan.config.kubernetes.extra_volume_mounts) {
    for (const Json& extra : *plan.config.kubernetes.extra_volume_mounts) mounts.push_back(extra);
  }
  container["volumeMounts"] = std::move(mounts);
  return container;
}

// An empty script: nothing to prepare, no init container. Unless root is asked for there always is something: the
// container runtime would make the working directory as root, and the image may name another user.
std::string script_of(const Plan& plan) {
  std::vector<std::string> directories;
  if (!runs_as_root(plan.config.kubernetes)) directories.push_back(plan.working_directory);
  if (needs_home(plan.config.kubernetes)) directories.push_back(home_directory(plan));
  return init_script(plan.working_directory, plan.files, directories);
}

Json init_container(const Plan& plan, const std::string& script) {
  Json container = container_json(plan, kInitContainer);
  container["command"] = {"sh", "-c", escape_expansion(script)};
  container["volumeMounts"] = Json::array({workspace_mount(plan), config_mount()});
  return container;
}

Json names_json(const std::vector<std::string>& names) {
  Json list = Json::array();
  for (const std::string& name : names) list.push_back({{"name", name}});
  return list;
}

void add_scheduling(const config::KubernetesConfig& kubernetes, Json& spec) {
  set_unless_empty(spec, "nodeSelector", kubernetes.node_selector);
  if (kubernetes.tolerations) set_unless_empty(spec, "tolerations", *kubernetes.tolerations);
  if (kubernetes.affinity) set_unless_empty(spec, "affinity", *kubernetes.affinity);
  set_unless_empty(spec, "priorityClassName", kubernetes.priority_class_name);
  set_unless_empty(spec, "runtimeClassName", kubernetes.runtime_class_name);
}

}  // namespace

Json resources_json(const config::Resources& resources) {
  Json json = Json::object();
  const auto put = [&json](const char* kind, const char* name, const std::string& quantity) {
    if (!quantity.empty()) json[kind][name] = quantity;
  };
  put("requests", "cpu", resources.cpu_request);
  put("requests", "memory", resources.memory_request);
  put("limits", "cpu", resources.cpu_limit);
  put("limits", "memory", resources.memory_limit);
  return json;
}

Json make_pod_spec(const Plan& plan) {
  const auto& kubernetes = plan.config.kubernetes;
  Json spec = {{"restartPolicy", "Never"},
               {"automountServiceAccountToken", kubernetes.automount_service_account_token},
               // Agents look services up by name; a list of all of them in the environment helps only an intruder.
               {"enableServiceLinks", false}};
  set_unless_empty(spec, "serviceAccountName", kubernetes.service_account);
  set_unless_empty(spec, "imagePullSecrets", names_json(kubernetes.image_pull_secrets));
  set_unless_empty(spec, "securityContext", pod_security_context(kubernetes));
  if (kubernetes.termination_grace_period_seconds) {
    spec["terminationGracePeriodSeconds"] = *kubernetes.termination_grace_period_seconds;
  }
  add_scheduling(kubernetes, spec);
  const std::string script = script_of(plan);
  if (!script.empty()) spec["initContainers"] = Json::array({init_container(plan, script)});
  spec["containers"] = Json::array({main_container(plan)});
  spec["volumes"] = volumes_json(plan);
  return spec;
}

}  // namespace fracta::agent
