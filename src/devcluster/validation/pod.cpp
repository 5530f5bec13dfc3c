// Pod and pod template (apis/core/validation).
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "devcluster/validation/go_text.hpp"
#include "devcluster/validation/pod_parts.hpp"
#include "devcluster/validation/validation.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

using Words = std::vector<std::string>;

void one_of(const Json& spec, const char* field, const std::string& path, const Words& allowed, FieldErrors& errors) {
  const std::string value = string_at(spec, field);
  if (value.empty())
    errors.required(path + "." + field);
  else if (std::find(allowed.begin(), allowed.end(), value) == allowed.end())
    errors.not_supported(path + "." + field, value, allowed);
}

void check_names(const Json& spec, const char* field, const std::string& path, Words (*check)(std::string_view),
                 FieldErrors& errors) {
  const std::string value = string_at(spec, field);
  if (value.empty()) return;
  for (const std::string& problem : check(value)) errors.invalid(path + "." + field, value, problem);
}

void check_tolerations(const Json& tolerations, const std::string& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < tolerations.size(); ++i) {
    const Json& toleration = tolerations[i];
    const std::string at = fmt::format("{}[{}]", path, i);
    const std::string key = string_at(toleration, "key");
    const std::string op = string_at(toleration, "operator");
    const std::string effect = string_at(toleration, "effect");
    const std::string value = string_at(toleration, "value");
    if (!key.empty()) validate_qualified_name(key, at + ".key", errors);
    if (key.empty() && op != "Exists")
      errors.invalid(at + ".operator", op,
                     "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
    if (find(toleration, "tolerationSeconds") != nullptr && effect != "NoExecute")
      errors.invalid(at + ".effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
    if (op.empty() || op == "Equal") {
      if (const auto problems = label_value_errors(value); !problems.empty())
        errors.invalid(at + ".operator", value, join(problems, ";"));
    } else if (op == "Exists") {
      if (!value.empty())
        errors.invalid_text(at + ".operator", go_toleration(toleration),
                            "value must be empty when `operator` is 'Exists'");
    } else {
      errors.not_supported(at + ".operator", op, {"Equal", "Exists"});
    }
    static const Words kEffects = {"NoSchedule", "PreferNoSchedule", "NoExecute"};
    if (!effect.empty() && std::find(kEffects.begin(), kEffects.end(), effect) == kEffects.end())
      errors.not_supported(at + ".effect", effect, kEffects);
  }
}

void check_security_context(const Json& context, const std::string& path, FieldErrors& errors) {
  for (const char* field : {"runAsUser", "runAsGroup", "fsGroup"}) {
    const auto value = int_at(context, field);
    if (value && (*value < 0 || *value > std::numeric_limits<std::int32_t>::max()))
      errors.invalid(path + "." + field, *value, "must be between 0 and 2147483647, inclusive");
  }
  const Json& groups = list_at(context, "supplementalGroups");
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto value = groups[i].get<std::int64_t>();
    if (value < 0 || value > std::numeric_limits<std::int32_t>::max())
      errors.invalid(fmt::format("{}.supplementalGroups[{}]", path, i), value,
                     "must be between 0 and 2147483647, inclusive");
  }
  const std::string change = string_at(context, "fsGroupChangePolicy");
  if (!change.empty() && change != "OnRootMismatch" && change != "Always")
    errors.not_supported(path + ".fsGroupChangePolicy", change, {"Always", "OnRootMismatch"});
  validate_seccomp(context, path, errors);
}

bool is_ip_address(const std::string& text) {
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(AF_INET, text.c_str(), address) == 1 || inet_pton(AF_INET6, text.c_str(), address) == 1;
}

void check_host_aliases(const Json& spec, const std::string& path, FieldErrors& errors) {
  const Json& aliases = list_at(spec, "hostAliases");
  for (std::size_t i = 0; i < aliases.size(); ++i) {
    const std::string address = string_at(aliases[i], "ip");
    if (!is_ip_address(address)) errors.invalid(path + ".hostAliases.ip", address, "must be valid IP address");
    const Json& names = list_at(aliases[i], "hostnames");
    for (std::size_t j = 0; j < names.size(); ++j) {
      const std::string name = names[j].is_string() ? names[j].get<std::string>() : "";
      for (const std::string& problem : dns1123_subdomain_errors(name))
        errors.invalid(path + ".hostAliases.hostnames", name, problem);
    }
  }
}

void check_os(const std::string& name, const std::string& path, FieldErrors& errors) {
  if (name.empty())
    errors.required(path + ".name", "cannot be empty");
  else if (name != "linux" && name != "windows")
    errors.not_supported(path, name, {"linux", "windows"});
}

void validate_spec(const Json& spec, const std::string& path, const std::string& pod_name, FieldErrors& errors) {
  const auto volumes = validate_volumes(list_at(spec, "volumes"), path + ".volumes", pod_name, errors);
  validate_containers(spec, path, volumes, errors);
  one_of(spec, "restartPolicy", path, {"Always", "OnFailure", "Never"}, errors);
  one_of(spec, "dnsPolicy", path, {"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"}, errors);
  if (string_at(spec, "dnsPolicy") == "None" &&
      list_at(spec.value("dnsConfig", Json::object()), "nameservers").empty()) {
    if (find(spec, "dnsConfig") == nullptr)
      errors.required(path + ".dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None");
    else
      errors.required(path + ".dnsConfig.nameservers",
                      "must provide at least one DNS nameserver when `dnsPolicy` is None");
  }
  if (const Json* selector = find(spec, "nodeSelector")) validate_labels(*selector, path + ".nodeSelector", errors);
  if (const Json* context = find(spec, "securityContext"))
    check_security_context(*context, path + ".securityContext", errors);
  check_names(spec, "serviceAccountName", path, dns1123_subdomain_errors, errors);
  check_names(spec, "nodeName", path, dns1123_subdomain_errors, errors);
  if (const auto deadline = int_at(spec, "activeDeadlineSeconds");
      deadline && (*deadline < 1 || *deadline > std::numeric_limits<std::int32_t>::max())) {
    errors.invalid(path + ".activeDeadlineSeconds", *deadline, "must be between 1 and 2147483647, inclusive");
  }
  check_names(spec, "hostname", path, dns1123_label_errors, errors);
  check_names(spec, "subdomain", path, dns1123_label_errors, errors);
  check_tolerations(list_at(spec, "tolerations"), path + ".tolerations", errors);
  check_host_aliases(spec, path, errors);
  if (const Json* affinity = find(spec, "affinity")) validate_affinity(*affinity, path + ".affinity", errors);
  validate_topology_spread(list_at(spec, "topologySpreadConstraints"), path + ".topologySpreadConstraints", errors);
  if (const Json* os = find(spec, "os")) check_os(string_at(*os, "name"), path + ".os", errors);
  check_names(spec, "priorityClassName", path, dns1123_subdomain_errors, errors);
  check_names(spec, "runtimeClassName", path, dns1123_subdomain_errors, errors);
}

// What of a pod's spec an update may change, set back to the old value.
Json without_changeable(Json spec, const Json& old) {
  for (const char* list : {"containers", "initContainers"}) {
    if (!spec.contains(list) || !old.contains(list) || spec[list].size() != old[list].size()) continue;
    for (std::size_t i = 0; i < spec[list].size(); ++i) spec[list][i]["image"] = old[list][i].value("image", "");
  }
  for (const char* field : {"activeDeadlineSeconds", "tolerations", "schedulingGates"}) {
    if (old.contains(field))
      spec[field] = old[field];
    else
      spec.erase(field);
  }
  if (int_at(old, "terminationGracePeriodSeconds").value_or(0) < 0 &&
      int_at(spec, "terminationGracePeriodSeconds") == 1)
    spec["terminationGracePeriodSeconds"] = old["terminationGracePeriodSeconds"];
  return spec;
}

bool check_container_count(const Json& spec, const Json& old, const char* list, FieldErrors& errors) {
  if (list_at(spec, list).size() == list_at(old, list).size()) return true;
  errors.forbidden(std::string("spec.") + list, "pod updates may not add or remove containers");
  return false;
}

void check_added_tolerations(const Json& spec, const Json& old, FieldErrors& errors) {
  const Json& now = list_at(spec, "tolerations");
  for (const Json& toleration : list_at(old, "tolerations")) {
    if (std::find(now.begin(), now.end(), toleration) == now.end()) {
      errors.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds");
      return;
    }
  }
}

}  // namespace

const Json& list_at(const Json& object, std::string_view key) {
  static const Json none = Json::array();
  const Json* found = find(object, key);
  return found != nullptr && found->is_array() ? *found : none;
}

void validate_qualified_name(std::string_view name, std::string_view path, FieldErrors& errors) {
  for (const std::string& problem : qualified_name_errors(name)) errors.invalid(path, std::string(name), problem);
}

void validate_seccomp(const Json& context, const std::string& path, FieldErrors& errors) {
  const Json* profile = find(context, "seccompProfile");
  if (profile == nullptr) return;
  const std::string at = path + ".seccompProfile";
  const std::string type = string_at(*profile, "type");
  const Json* local = find(*profile, "localhostProfile");
  if (type == "Localhost") {
    if (local == nullptr)
      errors.required(at + ".localhostProfile", "must be set when seccomp type is Localhost");
    else
      validate_relative_path(local->get<std::string>(), at + ".localhostProfile", errors);
  } else if (local != nullptr) {
    errors.invalid_text(at + ".localhostProfile", go_value(*local), "can only be set when seccomp type is Localhost");
  }
  if (type.empty())
    errors.required(at + ".type", "type is required when seccompProfile is set");
  else if (type != "Localhost" && type != "RuntimeDefault" && type != "Unconfined")
    errors.not_supported(at + ".type", type, {"Localhost", "RuntimeDefault", "Unconfined"});
}

void validate_pod_spec(const Json& spec, std::string_view path, FieldErrors& errors) {
  validate_spec(spec, std::string(path), "", errors);
}

void validate_pod_template(const Json& pod_template, std::string_view path, FieldErrors& errors) {
  const std::string at(path);
  if (const Json* labels = find_path(pod_template, "metadata/labels")) validate_labels(*labels, at + ".labels", errors);
  if (const Json* annotations = find_path(pod_template, "metadata/annotations"))
    validate_annotations(*annotations, at + ".annotations", errors);
  const Json spec = pod_template.value("spec", Json::object());
  validate_spec(spec, at + ".spec", "", errors);
  if (!list_at(spec, "ephemeralContainers").empty())
    errors.forbidden(at + ".spec.ephemeralContainers", "ephemeral containers not allowed in pod template");
}

void validate_pod(const Json& pod, FieldErrors& errors) {
  const Json spec = pod.value("spec", Json::object());
  validate_spec(spec, "spec", string_at(pod, "metadata/name"), errors);
  if (!list_at(spec, "ephemeralContainers").empty())
    errors.forbidden("spec.ephemeralContainers", "cannot be set on create");
}

void validate_pod_update(const Json& pod, const Json& old, FieldErrors& errors) {
  const Json& spec = pod["spec"];
  const Json& before = old["spec"];
  validate_spec(spec, "spec", string_at(pod, "metadata/name"), errors);
  if (!check_container_count(spec, before, "containers", errors) ||
      !check_container_count(spec, before, "initContainers", errors))
    return;
  const auto deadline = int_at(spec, "activeDeadlineSeconds");
  const auto old_deadline = int_at(before, "activeDeadlineSeconds");
  if (deadline && old_deadline && *deadline > *old_deadline)
    return errors.invalid("spec.activeDeadlineSeconds", *deadline, "must be less than or equal to previous value");
  if (!deadline && old_deadline)
    errors.invalid_text("spec.activeDeadlineSeconds", "null", "must not update from a positive integer to nil value");
  check_added_tolerations(spec, before, errors);
  if (without_changeable(spec, before) != before) {
    errors.forbidden(
        "spec",
        "pod updates may not change fields other than `spec.containers[*].image`, `spec.initContainers[*].image`, "
        "`spec.activeDeadlineSeconds`, `spec.tolerations` (only additions to existing tolerations) "
        "or `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)");
  }
}

}  // namespace fracta::devcluster
