// One look at the finished pod spec, whatever made it so: checks on the input alone were bypassed twice elsewhere
// (Argo, CVE-2026-31892 and GHSA-3775-99mw-8rp4).
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/build/pod_policy.hpp"
#include "fracta/agent/build.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/config/volumes.hpp"

namespace fracta::agent {
namespace {

using Offences = std::vector<ErrorCause>;

constexpr std::array<std::string_view, 3> kBuiltIn = {config::kAgentConfigVolume, config::kAuthSecretVolume,
                                                      config::kWorkspaceVolume};

void add(Offences& offences, std::string field, std::string what) {
  offences.push_back({std::move(field), "FieldValueForbidden", std::move(what)});
}

const Json& list_at(const Json& object, std::string_view key) {
  static const Json none = Json::array();
  const Json* found = find(object, key);
  return found != nullptr && found->is_array() ? *found : none;
}

// Under the identity volume's name stands the token Fracta asked for, or there is no such volume.
bool is_identity(const Json& volume) {
  const Json* sources = find_path(volume, "projected/sources");
  return volume.size() == 2 && sources != nullptr && sources->is_array() && sources->size() == 1 &&
         (*sources)[0].size() == 1 && string_at((*sources)[0], "serviceAccountToken/path") == kIdentityTokenFile &&
         !string_at((*sources)[0], "serviceAccountToken/audience").empty();
}

// The built-in volume is the one Fracta makes, not one of the same name from somewhere else.
bool is_ours(const Json& volume, const std::string& name, const config::KubernetesConfig& kubernetes) {
  if (volume.size() != 2) return false;
  if (name == config::kAgentConfigVolume) return string_at(volume, "configMap/name").starts_with("fracta-config-");
  if (name == config::kAuthSecretVolume) return string_at(volume, "secret/secretName").starts_with("fracta-auth-");
  if (kubernetes.pvc.empty()) return find(volume, "emptyDir") != nullptr;
  return string_at(volume, "persistentVolumeClaim/claimName") == kubernetes.pvc;
}

std::set<std::string> check_volumes(const Json& spec, const config::KubernetesConfig& kubernetes, Offences& offences) {
  std::set<std::string> names;
  const Json& volumes = list_at(spec, "volumes");
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    const std::string name = string_at(volumes[i], "name");
    const std::string field = fmt::format("spec.volumes[{}]", i);
    const bool reserved = std::find(kBuiltIn.begin(), kBuiltIn.end(), name) != kBuiltIn.end();
    if (!names.insert(name).second) {
      add(offences, field + ".name",
          fmt::format("volume name \"{}\" is used twice{}", name, reserved ? "; it is one of Fracta's own" : ""));
    } else if (name == kIdentityVolume && !is_identity(volumes[i])) {
      add(offences, field, fmt::format("volume \"{}\" is Fracta's own and must not be replaced", name));
    } else if (reserved && !is_ours(volumes[i], name, kubernetes)) {
      add(offences, field, fmt::format("volume \"{}\" is Fracta's own and must not be replaced", name));
    }
  }
  for (const std::string_view name : kBuiltIn) {
    if (!names.contains(std::string(name)))
      add(offences, "spec.volumes", fmt::format("built-in volume \"{}\" is missing", name));
  }
  return names;
}

void check_mounts(const Json& container, const std::string& at, const std::set<std::string>& volumes, bool main,
                  Offences& offences) {
  std::map<std::string, std::string> taken;
  const Json& mounts = list_at(container, "volumeMounts");
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    const std::string field = fmt::format("{}.volumeMounts[{}]", at, i);
    const std::string name = string_at(mounts[i], "name");
    const std::string path = string_at(mounts[i], "mountPath");
    if (!volumes.contains(name)) add(offences, field + ".name", fmt::format("no volume is named \"{}\"", name));
    const auto [other, fresh] = taken.emplace(path, name);
    if (!fresh) {
      add(offences, field + ".mountPath",
          fmt::format("\"{}\" is taken by the mount of \"{}\" already; choose another path for \"{}\"", path,
                      other->second, name));
    }
    const bool allowed = main || name == config::kWorkspaceVolume || name == config::kAgentConfigVolume;
    if (!allowed) {
      add(offences, field, fmt::format("\"{}\" may be mounted by container {} only", name, kMainContainer));
    }
  }
}

void check_containers(const Json& spec, const std::set<std::string>& volumes, Offences& offences) {
  const Json& containers = list_at(spec, "containers");
  if (containers.size() != 1 || string_at(containers[0], "name") != kMainContainer) {
    add(offences, "spec.containers", fmt::format("must be exactly one container named {}", kMainContainer));
  }
  for (std::size_t i = 0; i < containers.size(); ++i) {
    const bool main = string_at(containers[i], "name") == kMainContainer;
    check_mounts(containers[i], fmt::format("spec.containers[{}]", i), volumes, main, offences);
  }
  const Json& init = list_at(spec, "initContainers");
  for (std::size_t i = 0; i < init.size(); ++i) {
    const std::string at = fmt::format("spec.initContainers[{}]", i);
    if (string_at(init[i], "name") != kInitContainer)
      add(offences, at + ".name", "is not one of Fracta's init containers");
    check_mounts(init[i], at, volumes, false, offences);
  }
}

void check_host_access(const Json& spec, const config::KubernetesConfig& kubernetes, Offences& offences) {
  for (const char* key : {"hostNetwork", "hostPID", "hostIPC"}) {
    if (bool_at(spec, key)) add(offences, std::string("spec.") + key, "agents never share the host's namespaces");
  }
  const Json* token = find(spec, "automountServiceAccountToken");
  const bool off = token != nullptr && *token == false;
  if (!off && !kubernetes.automount_service_account_token) {
    add(offences, "spec.automountServiceAccountToken",
        "must be false: agents get an API token only with runtime.kubernetes.automount_service_account_token");
  }
}

}  // namespace

Result<void> check_pod_spec(const Json& pod_spec, const config::Config& config) {
  Offences offences;
  const auto volumes = check_volumes(pod_spec, config.kubernetes, offences);
  check_containers(pod_spec, volumes, offences);
  check_host_access(pod_spec, config.kubernetes, offences);
  check_pod_policy(pod_spec, config.kubernetes.pod_security, offences);
  if (offences.empty()) return {};
  std::string message = "the pod spec is refused:";
  for (const ErrorCause& offence : offences) message += fmt::format(" {}: {};", offence.field, offence.message);
  message.pop_back();
  Error error = make_error(ErrorCode::kInvalid, shorten(message, 4096));
  error.reason = "PodSpecRefused";
  error.causes = std::move(offences);
  return error;
}

}  // namespace fracta::agent
