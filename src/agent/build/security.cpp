#include "agent/build/security.hpp"

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"

namespace fracta::agent {
namespace {

using config::KubernetesConfig;
using config::PodSecurity;

// The config's own fields win one by one; what it does not name keeps pod_security's value.
void override_fields(Json& context, const std::shared_ptr<const Json>& fields) {
  if (!fields || !fields->is_object()) return;
  for (const auto& [key, value] : fields->items()) context[key] = value;
}

bool adds_sys_admin(const Json& context) {
  const Json* added = find_path(context, "capabilities/add");
  if (added == nullptr || !added->is_array()) return false;
  return std::any_of(added->begin(), added->end(),
                     [](const Json& name) { return name == "SYS_ADMIN" || name == "CAP_SYS_ADMIN"; });
}

bool names_user(const std::shared_ptr<const Json>& fields) { return fields && find(*fields, "runAsUser") != nullptr; }

std::int64_t user_of(const std::shared_ptr<const Json>& fields) { return int_at(*fields, "runAsUser").value_or(0); }

}  // namespace

Json pod_security_context(const KubernetesConfig& config) {
  Json context = Json::object();
  if (config.pod_security != PodSecurity::kNone) context["seccompProfile"] = {{"type", "RuntimeDefault"}};
  if (config.pod_security == PodSecurity::kRestricted) {
    context["runAsNonRoot"] = true;
    // A root image would be refused by the kubelet with runAsNonRoot alone.
    context["runAsUser"] = kNonRootId;
    context["runAsGroup"] = kNonRootId;
    // Makes the Secret and a claim readable for that user, without a chown of the whole claim at every start.
    context["fsGroup"] = kNonRootId;
    context["fsGroupChangePolicy"] = "OnRootMismatch";
  }
  override_fields(context, config.pod_security_context);
  return context;
}

Json container_security_context(const KubernetesConfig& config) {
  Json context = Json::object();
  if (config.pod_security != PodSecurity::kNone) context["allowPrivilegeEscalation"] = false;
  if (config.pod_security == PodSecurity::kRestricted) context["capabilities"] = {{"drop", {"ALL"}}};
  override_fields(context, config.container_security_context);
  // The API server refuses these together with allowPrivilegeEscalation: false. Who asks for them has decided.
  const bool asked =
      config.container_security_context && find(*config.container_security_context, "allowPrivilegeEscalation");
  if (!asked && (bool_at(context, "privileged") || adds_sys_admin(context))) context.erase("allowPrivilegeEscalation");
  return context;
}

bool needs_home(const KubernetesConfig& config) {
  return config.pod_security == PodSecurity::kRestricted && !names_user(config.pod_security_context) &&
         !names_user(config.container_security_context);
}

bool runs_as_root(const KubernetesConfig& config) {
  if (names_user(config.container_security_context)) return user_of(config.container_security_context) == 0;
  return names_user(config.pod_security_context) && user_of(config.pod_security_context) == 0;
}

bool has_fs_group(const KubernetesConfig& config) {
  return int_at(pod_security_context(config), "fsGroup").has_value();
}

}  // namespace fracta::agent
