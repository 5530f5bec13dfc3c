#include "agent/build/pod_policy.hpp"

#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"

namespace fracta::agent {
namespace {

using config::PodSecurity;

constexpr std::array<std::string_view, 13> kBaselineCapabilities = {
    "AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER",  "FSETID", "KILL",      "MKNOD",
    "NET_BIND_SERVICE", "SETFCAP", "SETGID",       "SETPCAP", "SETUID", "SYS_CHROOT"};
constexpr std::array<std::string_view, 8> kRestrictedVolumes = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"};
// The list grew in 1.27 and 1.29; a server older than that refuses the later ones itself.
constexpr std::array<std::string_view, 10> kSafeSysctls = {
    "kernel.shm_rmid_forced",     "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",    "net.ipv4.ping_group_range",    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_fin_timeout",   "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time"};
constexpr std::array<std::string_view, 4> kSelinuxTypes = {"", "container_t", "container_init_t", "container_kvm_t"};

template <class List>
bool contains(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

const Json& list_at(const Json& object, std::string_view path) {
  static const Json none = Json::array();
  const Json* found = find_path(object, path);
  return found != nullptr && found->is_array() ? *found : none;
}

class Checker {
 public:
  Checker(const Json& spec, PodSecurity level, std::vector<ErrorCause>& offences)
      : spec_(spec),
        restricted_(level == PodSecurity::kRestricted),
        level_(restricted_ ? "restricted" : "baseline"),
        offences_(offences) {}

  void run() {
    volumes();
    context(spec_, "spec.securityContext");
    for (const Json& sysctl : list_at(spec_, "securityContext/sysctls")) {
      const std::string name = string_at(sysctl, "name");
      if (!contains(kSafeSysctls, name)) add("spec.securityContext.sysctls", "sysctl \"" + name + "\" is not allowed");
    }
    // The pod's own false is refused even where every container says true.
    const Json* non_root = find_path(spec_, "securityContext/runAsNonRoot");
    if (restricted_ && non_root != nullptr && *non_root == false) {
      add("spec.securityContext.runAsNonRoot", "must not be false");
    }
    for (const char* kind : {"initContainers", "containers"}) {
      const Json& list = list_at(spec_, kind);
      for (std::size_t i = 0; i < list.size(); ++i) container(list[i], fmt::format("spec.{}[{}]", kind, i));
    }
  }

 private:
  void add(std::string field, std::string what) {
    offences_.push_back({std::move(field), "PodSecurity", fmt::format("{} under pod_security: {}", what, level_)});
  }

  void volumes() {
    const Json& list = list_at(spec_, "volumes");
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!list[i].is_object()) continue;
      for (const auto& [source, value] : list[i].items()) {
        const bool fine =
            source == "name" || (restricted_ ? contains(kRestrictedVolumes, source) : source != "hostPath");
        if (fine) continue;
        add(fmt::format("spec.volumes[{}].{}", i, source),
            fmt::format("volume \"{}\": {} is not allowed", string_at(list[i], "name"), source));
      }
    }
  }

  // What pod and container security contexts have in common.
  void context(const Json& owner, const std::string& field) {
    const std::string seccomp = string_at(owner, "securityContext/seccompProfile/type");
    if (seccomp == "Unconfined") add(field + ".seccompProfile.type", "Unconfined is not allowed");
    if (!contains(kSelinuxTypes, string_at(owner, "securityContext/seLinuxOptions/type"))) {
      add(field + ".seLinuxOptions.type", "this SELinux type is not allowed");
    }
    for (const char* key : {"user", "role"}) {
      if (!string_at(owner, std::string("securityContext/seLinuxOptions/") + key).empty()) {
        add(field + ".seLinuxOptions." + key, "an SELinux user or role is not allowed");
      }
    }
    if (bool_at(owner, "securityContext/windowsOptions/hostProcess")) {
      add(field + ".windowsOptions.hostProcess", "a host process is not allowed");
    }
    if (restricted_ && int_at(owner, "securityContext/runAsUser") == 0) add(field + ".runAsUser", "must not be 0");
  }

  void container(const Json& container, const std::string& at) {
    const std::string field = at + ".securityContext";
    context(container, field);
    if (bool_at(container, "securityContext/privileged")) add(field + ".privileged", "must not be true");
    const std::string proc = string_at(container, "securityContext/procMount", "Default");
    if (proc != "Default") add(field + ".procMount", "must be Default");
    for (const Json& port : list_at(container, "ports")) {
      if (int_at(port, "hostPort").value_or(0) != 0) add(at + ".ports", "hostPort is not allowed");
    }
    capabilities(container, field);
    if (restricted_) restricted_container(container, field);
  }

  void capabilities(const Json& container, const std::string& field) {
    for (const Json& value : list_at(container, "securityContext/capabilities/add")) {
      const std::string name = value.is_string() ? value.get<std::string>() : "";
      const bool fine = restricted_ ? name == "NET_BIND_SERVICE" : contains(kBaselineCapabilities, name);
      if (!fine) add(field + ".capabilities.add", "capability \"" + name + "\" is not allowed");
    }
  }

  void restricted_container(const Json& container, const std::string& field) {
    const Json* escalation = find_path(container, "securityContext/allowPrivilegeEscalation");
    if (escalation == nullptr || *escalation != false) add(field + ".allowPrivilegeEscalation", "must be false");
    const Json& dropped = list_at(container, "securityContext/capabilities/drop");
    if (!contains(dropped, "ALL")) add(field + ".capabilities.drop", "must contain ALL");
    if (!effective(container, "runAsNonRoot", [](const Json& value) { return value == true; })) {
      add(field + ".runAsNonRoot", "must be true");
    }
    const auto confined = [](const Json& value) {
      const std::string type = string_at(value, "type");
      return type == "RuntimeDefault" || type == "Localhost";
    };
    if (!effective(container, "seccompProfile", confined)) {
      add(field + ".seccompProfile.type", "must be RuntimeDefault or Localhost");
    }
  }

  // The container's own value, or the pod's where the container has none.
  template <class Predicate>
  bool effective(const Json& container, const std::string& key, const Predicate& holds) {
    const Json* value = find_path(container, "securityContext/" + key);
    if (value == nullptr) value = find_path(spec_, "securityContext/" + key);
    return value != nullptr && holds(*value);
  }

  const Json& spec_;
  bool restricted_;
  const char* level_;
  std::vector<ErrorCause>& offences_;
};

}  // namespace

void check_pod_policy(const Json& pod_spec, PodSecurity level, std::vector<ErrorCause>& offences) {
  if (level == PodSecurity::kDefault || level == PodSecurity::kNone) return;
  Checker(pod_spec, level, offences).run();
}

}  // namespace fracta::agent
