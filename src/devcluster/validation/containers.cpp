// spec.containers and spec.initContainers.
#include <fmt/format.h>

#include <algorithm>

#include "devcluster/validation/go_text.hpp"
#include "devcluster/validation/pod_parts.hpp"
#include "devcluster/validation/validation.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

void check_ports(const Json& ports, const std::string& path, FieldErrors& errors) {
  std::set<std::string> names;
  const auto in_range = [](std::int64_t port) { return port >= 1 && port <= 65535; };
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::string at = fmt::format("{}[{}]", path, i);
    if (const std::string name = string_at(ports[i], "name"); !name.empty()) {
      const auto problems = port_name_errors(name);
      for (const std::string& problem : problems) errors.invalid(at + ".name", name, problem);
      if (problems.empty() && !names.insert(name).second) errors.duplicate(at + ".name", name);
    }
    const auto number = int_at(ports[i], "containerPort").value_or(0);
    if (number == 0)
      errors.required(at + ".containerPort");
    else if (!in_range(number))
      errors.invalid(at + ".containerPort", number, "must be between 1 and 65535, inclusive");
    const auto host = int_at(ports[i], "hostPort").value_or(0);
    if (host != 0 && !in_range(host)) errors.invalid(at + ".hostPort", host, "must be between 1 and 65535, inclusive");
    const std::string protocol = string_at(ports[i], "protocol");
    if (protocol.empty())
      errors.required(at + ".protocol");
    else if (protocol != "TCP" && protocol != "UDP" && protocol != "SCTP")
      errors.not_supported(at + ".protocol", protocol, {"SCTP", "TCP", "UDP"});
  }
}

void check_propagation(const Json& container, const std::string& mode, const std::string& path, FieldErrors& errors) {
  if (mode != "Bidirectional" && mode != "HostToContainer" && mode != "None")
    errors.not_supported(path, mode, {"Bidirectional", "HostToContainer", "None"});
  if (mode == "Bidirectional" && !bool_at(container, "securityContext/privileged"))
    errors.forbidden(path, "Bidirectional mount propagation is available only to privileged containers");
}

void check_mounts(const Json& container, const std::string& path, const std::set<std::string>& volumes,
                  FieldErrors& errors) {
  std::set<std::string> seen;
  const Json& mounts = list_at(container, "volumeMounts");
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    const std::string at = fmt::format("{}[{}]", path, i);
    const std::string name = string_at(mounts[i], "name");
    const std::string target = string_at(mounts[i], "mountPath");
    if (name.empty()) errors.required(at + ".name");
    if (!volumes.contains(name)) errors.not_found(at + ".name", name);
    if (target.empty()) errors.required(at + ".mountPath");
    if (!seen.insert(target).second) errors.invalid(at + ".mountPath", target, "must be unique");
    const std::string sub_path = string_at(mounts[i], "subPath");
    const std::string expression = string_at(mounts[i], "subPathExpr");
    // The real server leaves the index out of these paths.
    if (!sub_path.empty()) validate_relative_path(sub_path, path + ".subPath", errors);
    if (!expression.empty()) {
      if (!sub_path.empty())
        errors.invalid(at + ".subPathExpr", expression, "subPathExpr and subPath are mutually exclusive");
      validate_relative_path(expression, path + ".subPathExpr", errors);
    }
    if (find(mounts[i], "mountPropagation") != nullptr)
      check_propagation(container, string_at(mounts[i], "mountPropagation"), path + ".mountPropagation", errors);
  }
}

void check_id(const Json& context, const char* field, const std::string& path, FieldErrors& errors) {
  const auto value = int_at(context, field);
  if (value && (*value < 0 || *value > 2147483647))
    errors.invalid(path + "." + field, *value, "must be between 0 and 2147483647, inclusive");
}

void check_security_context(const Json& context, const std::string& path, FieldErrors& errors) {
  check_id(context, "runAsUser", path, errors);
  check_id(context, "runAsGroup", path, errors);
  validate_seccomp(context, path, errors);
  if (find(context, "allowPrivilegeEscalation") == nullptr || bool_at(context, "allowPrivilegeEscalation")) return;
  if (bool_at(context, "privileged"))
    errors.invalid_text(path, go_security_context(context),
                        "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
  if (const Json* added = find_path(context, "capabilities/add");
      added != nullptr && std::find(added->begin(), added->end(), "CAP_SYS_ADMIN") != added->end()) {
    errors.invalid_text(path, go_security_context(context),
                        "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
  }
}

void check_common(const Json& container, const std::string& path, const std::set<std::string>& volumes,
                  FieldErrors& errors) {
  const std::string name = string_at(container, "name");
  if (name.empty())
    errors.required(path + ".name");
  else
    for (const std::string& problem : dns1123_label_errors(name)) errors.invalid(path + ".name", name, problem);
  const std::string image = string_at(container, "image");
  if (image.empty())
    errors.required(path + ".image");
  else if (trim(image) != image)
    errors.invalid(path + ".image", image, "must not have leading or trailing whitespace");
  const std::string termination = string_at(container, "terminationMessagePolicy");
  if (termination.empty())
    errors.required(path + ".terminationMessagePolicy");
  else if (termination != "File" && termination != "FallbackToLogsOnError")
    errors.not_supported(path + ".terminationMessagePolicy", termination, {"File", "FallbackToLogsOnError"});
  check_ports(list_at(container, "ports"), path + ".ports", errors);
  validate_env(container, path, errors);
  check_mounts(container, path + ".volumeMounts", volumes, errors);
  const std::string pull = string_at(container, "imagePullPolicy");
  if (pull.empty())
    errors.required(path + ".imagePullPolicy");
  else if (pull != "Always" && pull != "IfNotPresent" && pull != "Never")
    errors.not_supported(path + ".imagePullPolicy", pull, {"Always", "IfNotPresent", "Never"});
  if (const Json* resources = find(container, "resources")) validate_resources(*resources, path + ".resources", errors);
  if (const Json* context = find(container, "securityContext"))
    check_security_context(*context, path + ".securityContext", errors);
}

void check_probes(const Json& container, const std::string& path, FieldErrors& errors) {
  if (const Json* lifecycle = find(container, "lifecycle")) {
    for (const char* hook : {"postStart", "preStop"}) {
      if (const Json* handler = find(*lifecycle, hook))
        validate_handler(*handler, path + ".lifecycle." + hook, false, errors);
    }
  }
  for (const char* name : {"livenessProbe", "readinessProbe", "startupProbe"}) {
    const Json* probe = find(container, name);
    if (probe == nullptr) continue;
    const std::string at = path + "." + name;
    validate_probe(*probe, at, errors);
    const bool readiness = std::string_view(name) == "readinessProbe";
    const auto successes = int_at(*probe, "successThreshold").value_or(1);
    if (!readiness && successes != 1) errors.invalid(at + ".successThreshold", successes, "must be 1");
    const auto grace = int_at(*probe, "terminationGracePeriodSeconds");
    if (readiness && grace)
      errors.invalid(at + ".terminationGracePeriodSeconds", *grace, "must not be set for readinessProbes");
  }
}

void check_host_ports(const Json& containers, const std::string& path, FieldErrors& errors) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < containers.size(); ++i) {
    const Json& ports = list_at(containers[i], "ports");
    for (std::size_t j = 0; j < ports.size(); ++j) {
      const auto port = int_at(ports[j], "hostPort").value_or(0);
      if (port == 0) continue;
      const std::string key =
          fmt::format("{}/{}/{}", string_at(ports[j], "protocol"), string_at(ports[j], "hostIP"), port);
      if (!seen.insert(key).second) errors.duplicate(fmt::format("{}[{}].ports[{}].hostPort", path, i, j), key);
    }
  }
}

}  // namespace

void validate_containers(const Json& spec, const std::string& path, const std::set<std::string>& volumes,
                         FieldErrors& errors) {
  const Json& containers = list_at(spec, "containers");
  std::set<std::string> names;
  if (containers.empty()) errors.required(path + ".containers");
  for (std::size_t i = 0; i < containers.size(); ++i) {
    const std::string at = fmt::format("{}.containers[{}]", path, i);
    check_common(containers[i], at, volumes, errors);
    const std::string name = string_at(containers[i], "name");
    if (!names.insert(name).second) errors.duplicate(at + ".name", name);
    check_probes(containers[i], at, errors);
  }
  check_host_ports(containers, path + ".containers", errors);
  const Json& init = list_at(spec, "initContainers");
  for (std::size_t i = 0; i < init.size(); ++i) {
    const std::string at = fmt::format("{}.initContainers[{}]", path, i);
    check_common(init[i], at, volumes, errors);
    const std::string name = string_at(init[i], "name");
    if (!name.empty() && !names.insert(name).second) errors.duplicate(at + ".name", name);
    for (const char* field : {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}) {
      if (find(init[i], field) != nullptr) errors.forbidden(at + "." + field, "may not be set for init containers");
    }
  }
}

}  // namespace fracta::devcluster
