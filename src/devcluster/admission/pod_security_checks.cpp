// The checks of the Pod Security Standards, in the order and words in which a real API server reports them.
#include <fmt/format.h>

#include <functional>
#include <set>

#include "devcluster/admission/pod_security.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

using Words = std::vector<std::string>;
using Set = std::set<std::string>;

struct Finding {
  std::string reason, detail;  // no reason: nothing found
};

template <class Names>
std::string quoted(const Names& names) {
  return "\"" + join(Words(names.begin(), names.end()), "\", \"") + "\"";
}
template <class Names>
std::string counted(const char* one, const char* many, const Names& names) {
  return names.size() == 1 ? one : many;
}
std::string containers_named(const Words& names) {
  return counted("container", "containers", names) + " " + quoted(names);
}

void each_container(const Json& spec, const std::function<void(const std::string&, const Json&)>& visit) {
  for (const char* list : {"initContainers", "containers", "ephemeralContainers"})
    if (const Json* containers = find(spec, list); containers != nullptr && containers->is_array())
      for (const Json& container : *containers) visit(string_at(container, "name"), container);
}
Words containers_where(const Json& spec, const std::function<bool(const Json&)>& bad) {
  Words names;
  each_container(spec, [&](const std::string& name, const Json& container) {
    if (bad(container)) names.push_back(name);
  });
  return names;
}
Words strings_at(const Json& object, std::string_view path) {
  Words result;
  if (const Json* list = find_path(object, path); list != nullptr && list->is_array())
    for (const Json& item : *list)
      if (item.is_string()) result.push_back(item.get<std::string>());
  return result;
}
bool is_set(const Json& object, std::string_view path) {
  const Json* value = find_path(object, path);
  return value != nullptr && !value->is_null();
}
bool is_windows(const Json& spec) { return string_at(spec, "os/name") == "windows"; }

// "pod and containers "a"": who set what they may not.
std::string setters(bool pod, const Words& containers) {
  Words parts;
  if (pod) parts.emplace_back("pod");
  if (!containers.empty()) parts.push_back(containers_named(containers));
  return join(parts, " and ");
}

Finding app_armor(const Json& metadata, const Json&) {
  Words forbidden;
  if (const Json* annotations = find(metadata, "annotations"); annotations != nullptr && annotations->is_object())
    for (const auto& [key, value] : annotations->items()) {
      const std::string profile = value.is_string() ? value.get<std::string>() : "";
      if (key.starts_with("container.apparmor.security.beta.kubernetes.io/") && !profile.empty() &&
          profile != "runtime/default" && !profile.starts_with("localhost/"))
        forbidden.push_back(key + "=" + go_quote(profile));
    }
  if (forbidden.empty()) return {};
  return {counted("forbidden AppArmor profile", "forbidden AppArmor profiles", forbidden), join(forbidden, ", ")};
}

Finding capabilities_baseline(const Json&, const Json& spec) {
  static const Set kAllowed = {"AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER",  "FSETID", "KILL",      "MKNOD",
                               "NET_BIND_SERVICE", "SETFCAP", "SETGID",       "SETPCAP", "SETUID", "SYS_CHROOT"};
  Set added;
  const Words bad = containers_where(spec, [&](const Json& container) {
    bool any = false;
    for (const auto& capability : strings_at(container, "securityContext/capabilities/add"))
      if (!kAllowed.contains(capability)) {
        added.insert(capability);
        any = true;
      }
    return any;
  });
  if (bad.empty()) return {};
  return {"non-default capabilities", fmt::format("{} must not include {} in securityContext.capabilities.add",
                                                  containers_named(bad), quoted(added))};
}

Finding capabilities_restricted(const Json&, const Json& spec) {
  if (is_windows(spec)) return {};
  Set forbidden;
  const Words keeping = containers_where(spec, [](const Json& container) {
    const Words drop = strings_at(container, "securityContext/capabilities/drop");
    return std::find(drop.begin(), drop.end(), "ALL") == drop.end();
  });
  const Words adding = containers_where(spec, [&](const Json& container) {
    bool any = false;
    for (const auto& capability : strings_at(container, "securityContext/capabilities/add"))
      if (capability != "NET_BIND_SERVICE") {
        forbidden.insert(capability);
        any = true;
      }
    return any;
  });
  Words details;
  if (!keeping.empty())
    details.push_back(containers_named(keeping) + " must set securityContext.capabilities.drop=[\"ALL\"]");
  if (!adding.empty())
    details.push_back(fmt::format("{} must not include {} in securityContext.capabilities.add",
                                  containers_named(adding), quoted(forbidden)));
  return details.empty() ? Finding{} : Finding{"unrestricted capabilities", join(details, "; ")};
}

Finding host_namespaces(const Json&, const Json& spec) {
  Words used;
  for (const char* field : {"hostNetwork", "hostPID", "hostIPC"})
    if (bool_at(spec, field)) used.push_back(std::string(field) + "=true");
  return used.empty() ? Finding{} : Finding{"host namespaces", join(used, ", ")};
}

Finding host_path_volumes(const Json&, const Json& spec) {
  Words names;
  if (const Json* volumes = find(spec, "volumes"); volumes != nullptr && volumes->is_array())
    for (const Json& volume : *volumes)
      if (is_set(volume, "hostPath")) names.push_back(string_at(volume, "name"));
  if (names.empty()) return {};
  return {"hostPath volumes", counted("volume", "volumes", names) + " " + quoted(names)};
}

Finding host_ports(const Json&, const Json& spec) {
  Set ports;
  const Words bad = containers_where(spec, [&](const Json& container) {
    bool any = false;
    if (const Json* list = find(container, "ports"); list != nullptr && list->is_array())
      for (const Json& port : *list)
        if (const auto number = int_at(port, "hostPort").value_or(0); number != 0) {
          ports.insert(std::to_string(number));
          any = true;
        }
    return any;
  });
  if (bad.empty()) return {};
  return {"hostPort",
          fmt::format("{} {} {} {}", containers_named(bad), counted("uses", "use", bad),
                      counted("hostPort", "hostPorts", ports), join(Words(ports.begin(), ports.end()), ", "))};
}

Finding privileged(const Json&, const Json& spec) {
  const Words bad =
      containers_where(spec, [](const Json& container) { return bool_at(container, "securityContext/privileged"); });
  if (bad.empty()) return {};
  return {"privileged", containers_named(bad) + " must not set securityContext.privileged=true"};
}

Finding proc_mount(const Json&, const Json& spec) {
  Set types;
  const Words bad = containers_where(spec, [&](const Json& container) {
    const std::string type = string_at(container, "securityContext/procMount", "Default");
    if (type != "Default") types.insert(type);
    return type != "Default";
  });
  if (bad.empty()) return {};
  return {"procMount",
          fmt::format("{} must not set securityContext.procMount to {}", containers_named(bad), quoted(types))};
}

Finding restricted_volumes(const Json&, const Json& spec) {
  static const Words kFine = {"configMap", "csi",   "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
                              "projected", "secret"};
  static const Words kKnown = {"hostPath",
                               "gcePersistentDisk",
                               "awsElasticBlockStore",
                               "gitRepo",
                               "nfs",
                               "iscsi",
                               "glusterfs",
                               "rbd",
                               "flexVolume",
                               "cinder",
                               "cephfs",
                               "flocker",
                               "fc",
                               "azureFile",
                               "vsphereVolume",
                               "quobyte",
                               "azureDisk",
                               "photonPersistentDisk",
                               "portworxVolume",
                               "scaleIO",
                               "storageos"};
  Words names;
  Set types;
  const Json* volumes = find(spec, "volumes");
  if (volumes == nullptr || !volumes->is_array()) return {};
  for (const Json& volume : *volumes) {
    const auto has = [&](const std::string& type) { return is_set(volume, type); };
    if (std::any_of(kFine.begin(), kFine.end(), has)) continue;
    names.push_back(string_at(volume, "name"));
    const auto known = std::find_if(kKnown.begin(), kKnown.end(), has);
    types.insert(known == kKnown.end() ? "unknown" : *known);
  }
  if (names.empty()) return {};
  return {
      "restricted volume types",
      fmt::format("{} {} {} {} {}", counted("volume", "volumes", names), quoted(names), counted("uses", "use", names),
                  counted("restricted volume type", "restricted volume types", types), quoted(types))};
}

Finding run_as_non_root(const Json&, const Json& spec) {
  const bool pod_set = is_set(spec, "securityContext/runAsNonRoot");
  const bool pod_true = bool_at(spec, "securityContext/runAsNonRoot");
  const Words explicit_bad = containers_where(spec, [](const Json& container) {
    return is_set(container, "securityContext/runAsNonRoot") && !bool_at(container, "securityContext/runAsNonRoot");
  });
  if ((pod_set && !pod_true) || !explicit_bad.empty())
    return {"runAsNonRoot != true",
            setters(pod_set && !pod_true, explicit_bad) + " must not set securityContext.runAsNonRoot=false"};
  if (pod_true) return {};
  const Words implicit_bad =
      containers_where(spec, [](const Json& container) { return !is_set(container, "securityContext/runAsNonRoot"); });
  if (implicit_bad.empty()) return {};
  return {"runAsNonRoot != true",
          "pod or " + containers_named(implicit_bad) + " must set securityContext.runAsNonRoot=true"};
}

Finding run_as_user(const Json&, const Json& spec) {
  const auto root = [](const Json& object) { return int_at(object, "securityContext/runAsUser") == 0; };
  const Words bad = containers_where(spec, root);
  if (!root(spec) && bad.empty()) return {};
  return {"runAsUser=0", setters(root(spec), bad) + " must not set runAsUser=0"};
}

Finding se_linux(const Json&, const Json& spec) {
  Set types;
  bool user = false, role = false;
  const auto bad = [&](const Json& object) {
    const std::string path = "securityContext/seLinuxOptions/", type = string_at(object, path + "type");
    const bool typed =
        !type.empty() && type != "container_t" && type != "container_init_t" && type != "container_kvm_t";
    if (typed) types.insert(type);
    const bool sets_user = !string_at(object, path + "user").empty();
    const bool sets_role = !string_at(object, path + "role").empty();
    user = user || sets_user;
    role = role || sets_role;
    return typed || sets_user || sets_role;
  };
  const bool pod = bad(spec);
  const Words containers = containers_where(spec, bad);
  if (!pod && containers.empty()) return {};
  Words data;
  if (!types.empty()) data.push_back(counted("type", "types", types) + " " + quoted(types));
  if (user) data.emplace_back("user may not be set");
  if (role) data.emplace_back("role may not be set");
  return {"seLinuxOptions", fmt::format("{} set forbidden securityContext.seLinuxOptions: {}", setters(pod, containers),
                                        join(data, "; "))};
}

// Before 1.19 there were only annotations.
Finding seccomp_annotations(const Json& metadata, const Json& spec) {
  Set forbidden;
  const Json* annotations = find(metadata, "annotations");
  const auto check = [&](const std::string& key) {
    const Json* value = annotations == nullptr ? nullptr : find(*annotations, key);
    if (value == nullptr || !value->is_string()) return;
    const std::string profile = value->get<std::string>();
    if (profile != "runtime/default" && profile != "docker/default" && !profile.starts_with("localhost/"))
      forbidden.insert(key + "=" + go_quote(profile));
  };
  check("seccomp.security.alpha.kubernetes.io/pod");
  each_container(spec, [&](const std::string& name, const Json&) {
    check("container.seccomp.security.alpha.kubernetes.io/" + name);
  });
  if (forbidden.empty()) return {};
  return {"seccompProfile", fmt::format("forbidden {} {}", counted("annotation", "annotations", forbidden),
                                        join(Words(forbidden.begin(), forbidden.end()), ", "))};
}

bool seccomp_fits(const std::string& type) { return type == "RuntimeDefault" || type == "Localhost"; }

Finding seccomp_fields(const Json&, const Json& spec) {
  Set values;
  const auto bad = [&](const Json& object) {
    if (!is_set(object, "securityContext/seccompProfile")) return false;
    const std::string type = string_at(object, "securityContext/seccompProfile/type");
    if (seccomp_fits(type)) return false;
    values.insert(type);
    return true;
  };
  const bool pod = bad(spec);
  const Words containers = containers_where(spec, bad);
  if (!pod && containers.empty()) return {};
  return {"seccompProfile", fmt::format("{} must not set securityContext.seccompProfile.type to {}",
                                        setters(pod, containers), quoted(values))};
}

Finding seccomp_restricted(const Json& metadata, const Json& spec) {
  if (is_windows(spec)) return {};
  if (Finding found = seccomp_fields(metadata, spec); !found.reason.empty()) return found;
  if (seccomp_fits(string_at(spec, "securityContext/seccompProfile/type"))) return {};
  const Words bad = containers_where(
      spec, [](const Json& container) { return !is_set(container, "securityContext/seccompProfile"); });
  if (bad.empty()) return {};
  return {"seccompProfile",
          fmt::format("pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"",
                      containers_named(bad))};
}

Finding sysctls(const Json&, const Json& spec) {
  static const Set kAllowed = {"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
                               "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start"};
  Words forbidden;
  if (const Json* list = find_path(spec, "securityContext/sysctls"); list != nullptr && list->is_array())
    for (const Json& sysctl : *list)
      if (const std::string name = string_at(sysctl, "name"); !kAllowed.contains(name)) forbidden.push_back(name);
  return forbidden.empty() ? Finding{} : Finding{"forbidden sysctls", join(forbidden, ", ")};
}

Finding windows_host_process(const Json&, const Json& spec) {
  const auto bad = [](const Json& object) { return bool_at(object, "securityContext/windowsOptions/hostProcess"); };
  const Words containers = containers_where(spec, bad);
  if (!bad(spec) && containers.empty()) return {};
  return {"hostProcess",
          setters(bad(spec), containers) + " must not set securityContext.windowsOptions.hostProcess=true"};
}

Finding privilege_escalation(const Json&, const Json& spec) {
  if (is_windows(spec)) return {};
  const Words bad = containers_where(
      spec, [](const Json& container) { return bool_at(container, "securityContext/allowPrivilegeEscalation", true); });
  if (bad.empty()) return {};
  return {"allowPrivilegeEscalation != false",
          containers_named(bad) + " must set securityContext.allowPrivilegeEscalation=false"};
}

struct Check {
  Finding (*find)(const Json& metadata, const Json& spec);
  bool baseline, restricted;   // the levels it belongs to
  int from = 0, until = 1000;  // minor versions
};

// Sorted by the names of a real server's checks; baseline first. A restricted check replaces its baseline sibling from
// the version on that brought it.
constexpr int kSeccompFields = 19, kDropAll = 22, kRunAsUser = 23, kEscalation = 8;
const Check kChecks[] = {
    {app_armor, true, true},
    {capabilities_baseline, true, false},
    {capabilities_baseline, false, true, 0, kDropAll},
    {host_namespaces, true, true},
    {host_path_volumes, true, false},
    {host_ports, true, true},
    {privileged, true, true},
    {proc_mount, true, true},
    {se_linux, true, true},
    {seccomp_annotations, true, true, 0, kSeccompFields},
    {seccomp_fields, true, false, kSeccompFields},
    {sysctls, true, true},
    {windows_host_process, true, true},
    {privilege_escalation, false, true, kEscalation},
    {capabilities_restricted, false, true, kDropAll},
    {restricted_volumes, false, true},
    {run_as_non_root, false, true},
    {run_as_user, false, true, kRunAsUser},
    {seccomp_restricted, false, true, kSeccompFields},
};

}  // namespace

Violations check_standard(const SecurityStandard& standard, const Json& metadata, const Json& spec) {
  Violations result;
  if (standard.level == SecurityLevel::kPrivileged) return result;
  const int minor = standard.minor.value_or(999);
  if (constexpr int kWindows = 25; minor < kWindows && is_windows(spec)) {  // not yet exempt from anything
    Json plain = spec;
    plain.erase("os");
    return check_standard(standard, metadata, plain);
  }
  for (const Check& check : kChecks) {
    if (minor < check.from || minor >= check.until) continue;
    if (standard.level == SecurityLevel::kBaseline ? !check.baseline : !check.restricted) continue;
    Finding finding = check.find(metadata, spec);
    if (finding.reason.empty()) continue;
    result.reasons.push_back(std::move(finding.reason));
    result.details.push_back(std::move(finding.detail));
  }
  return result;
}

}  // namespace fracta::devcluster
