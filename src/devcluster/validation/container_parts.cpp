// Environment, probes, resources of containers.
#include <fmt/format.h>

#include <algorithm>

#include "devcluster/validation/pod_parts.hpp"
#include "devcluster/validation/validation.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/quantity.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

using Words = std::vector<std::string>;

const Words kEnvFields = {"metadata.name",           "metadata.namespace", "metadata.uid", "spec.nodeName",
                          "spec.serviceAccountName", "status.hostIP",      "status.podIP", "status.podIPs"};
// Labels that exist but are not offered everywhere; anything else cannot even be converted.
const Words kKnownFields = {"metadata.annotations", "metadata.labels", "metadata.name",      "metadata.namespace",
                            "metadata.uid",         "spec.nodeName",   "spec.restartPolicy", "spec.serviceAccountName",
                            "spec.schedulerName",   "status.phase",    "status.hostIP",      "status.podIP",
                            "status.podIPs"};
const Words kResources = {"limits.cpu",   "limits.ephemeral-storage",   "limits.memory",
                          "requests.cpu", "requests.ephemeral-storage", "requests.memory"};

bool contains(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

void check_key_selector(const Json& selector, const std::string& path, FieldErrors& errors) {
  const std::string name = string_at(selector, "name");
  for (const std::string& problem : dns1123_subdomain_errors(name)) errors.invalid(path + ".name", name, problem);
  const std::string key = string_at(selector, "key");
  if (key.empty())
    errors.required(path + ".key");
  else
    for (const std::string& problem : config_map_key_errors(key)) errors.invalid(path + ".key", key, problem);
}

void check_value_from(const Json& variable, const std::string& path, FieldErrors& errors) {
  const Json* from = find(variable, "valueFrom");
  if (from == nullptr) return;
  int sources = 0;
  if (const Json* field = find(*from, "fieldRef")) {
    ++sources;
    validate_field_ref(*field, path + ".fieldRef", kEnvFields, errors);
  }
  if (const Json* resource = find(*from, "resourceFieldRef")) {
    ++sources;
    validate_resource_ref(*resource, path + ".resourceFieldRef", false, errors);
  }
  for (const char* name : {"configMapKeyRef", "secretKeyRef"}) {
    if (const Json* selector = find(*from, name)) {
      ++sources;
      check_key_selector(*selector, path + "." + name, errors);
    }
  }
  if (sources == 0)
    errors.invalid(path, "",
                   "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`");
  else if (!string_at(variable, "value").empty())
    errors.invalid(path, "", "may not be specified when `value` is not empty");
  else if (sources > 1)
    errors.invalid(path, "", "may not have more than one field specified at a time");
}

void check_port(const Json& port, const std::string& path, FieldErrors& errors) {
  if (port.is_string()) {
    for (const std::string& problem : port_name_errors(port.get<std::string>())) errors.invalid(path, port, problem);
  } else {
    const auto number = port.is_number_integer() ? port.get<std::int64_t>() : 0;
    if (number < 1 || number > 65535) errors.invalid(path, number, "must be between 1 and 65535, inclusive");
  }
}

void check_resource_name(const std::string& name, const std::string& path, FieldErrors& errors) {
  const auto problems = qualified_name_errors(name);
  for (const std::string& problem : problems) errors.invalid(path, name, problem);
  if (name.find('/') != std::string::npos) return;
  static const Words kContainer = {"cpu", "memory", "ephemeral-storage"};
  static const Words kStandard = {"cpu",
                                  "memory",
                                  "ephemeral-storage",
                                  "requests.cpu",
                                  "requests.memory",
                                  "requests.ephemeral-storage",
                                  "limits.cpu",
                                  "limits.memory",
                                  "limits.ephemeral-storage",
                                  "pods",
                                  "resourcequotas",
                                  "services",
                                  "replicationcontrollers",
                                  "secrets",
                                  "configmaps",
                                  "persistentvolumeclaims",
                                  "storage",
                                  "requests.storage",
                                  "services.nodeports",
                                  "services.loadbalancers"};
  const bool huge = name.starts_with("hugepages-");
  if (problems.empty() && !huge && !contains(kStandard, name))
    errors.invalid(path, name, "must be a standard resource type or fully qualified");
  if (!huge && !contains(kContainer, name)) errors.invalid(path, name, "must be a standard resource for containers");
}

void check_quantities(const Json& list, const std::string& path, FieldErrors& errors) {
  for (const auto& [name, value] : list.items()) {
    const std::string at = fmt::format("{}[{}]", path, name);
    check_resource_name(name, at, errors);
    const std::string text = value.is_string() ? value.get<std::string>() : "";
    const auto quantity = Quantity::parse(text);
    if (!quantity) continue;
    if (quantity->negative()) errors.invalid(at, text, "must be greater than or equal to 0");
    // Extended resources (GPUs) come in whole pieces.
    const bool extended = name.find('/') != std::string::npos && name.find("kubernetes.io/") == std::string::npos;
    const auto whole = Quantity::parse(std::to_string(quantity->value()));
    if (extended && whole && *whole != *quantity) errors.invalid(at, text, "must be an integer");
  }
}

}  // namespace

void validate_field_ref(const Json& reference, const std::string& path, const Words& supported, FieldErrors& errors) {
  const std::string field = string_at(reference, "fieldPath");
  if (string_at(reference, "apiVersion").empty()) return errors.required(path + ".apiVersion");
  if (field.empty()) return errors.required(path + ".fieldPath");
  const auto bracket = field.find("['");
  if (bracket != std::string::npos && field.ends_with("']")) {
    const std::string base = field.substr(0, bracket);
    const std::string key = field.substr(bracket + 2, field.size() - bracket - 4);
    if (base == "metadata.annotations") return validate_qualified_name(to_lower(key), path, errors);
    if (base == "metadata.labels") return validate_qualified_name(key, path, errors);
    if (contains(kKnownFields, base)) return errors.invalid(path, base, "does not support subscript");
  }
  if (string_at(reference, "apiVersion") != "v1") {
    return errors.invalid(
        path + ".fieldPath", field,
        fmt::format("error converting fieldPath: unsupported pod version: {}", string_at(reference, "apiVersion")));
  }
  if (!contains(kKnownFields, field))
    return errors.invalid(path + ".fieldPath", field,
                          fmt::format("error converting fieldPath: field label not supported: {}", field));
  if (!contains(supported, field)) errors.not_supported(path + ".fieldPath", field, supported);
}

void validate_resource_ref(const Json& reference, const std::string& path, bool volume, FieldErrors& errors) {
  const std::string resource = string_at(reference, "resource");
  if (volume && string_at(reference, "containerName").empty())
    errors.required(path + ".containerName");
  else if (resource.empty())
    errors.required(path + ".resource");
  else if (!contains(kResources, resource) && !resource.starts_with("limits.hugepages-") &&
           !resource.starts_with("requests.hugepages-"))
    errors.not_supported(path + ".resource", resource, kResources);
  const std::string divisor = string_at(reference, "divisor", "0");
  if (divisor == "0") return;
  static const Words kMemory = {"1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"};
  if (resource.ends_with(".cpu") && divisor != "1" && divisor != "1m") {
    errors.invalid(path + ".divisor", resource, "only divisor's values 1m and 1 are supported with the cpu resource");
  } else if (resource.ends_with(".memory") && !contains(kMemory, divisor)) {
    errors.invalid(path + ".divisor", resource,
                   "only divisor's values " + join(kMemory, ", ") + " are supported with the memory resource");
  } else if (resource.ends_with(".ephemeral-storage") && !contains(kMemory, divisor)) {
    errors.invalid(
        path + ".divisor", resource,
        "only divisor's values " + join(kMemory, ", ") + " are supported with the local ephemeral storage resource");
  }
}

void validate_env(const Json& container, const std::string& path, FieldErrors& errors) {
  const Json& variables = list_at(container, "env");
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const std::string at = fmt::format("{}.env[{}]", path, i);
    const std::string name = string_at(variables[i], "name");
    if (name.empty())
      errors.required(at + ".name");
    else
      for (const std::string& problem : env_name_errors(name)) errors.invalid(at + ".name", name, problem);
    check_value_from(variables[i], at + ".valueFrom", errors);
  }
  const Json& sources = list_at(container, "envFrom");
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::string at = fmt::format("{}.envFrom[{}]", path, i);
    const std::string prefix = string_at(sources[i], "prefix");
    if (!prefix.empty()) {
      for (const std::string& problem : env_name_errors(prefix)) errors.invalid(at + ".prefix", prefix, problem);
    }
    int count = 0;
    for (const char* kind : {"configMapRef", "secretRef"}) {
      const Json* reference = find(sources[i], kind);
      if (reference == nullptr) continue;
      ++count;
      const std::string name = string_at(*reference, "name");
      if (name.empty())
        errors.required(at + "." + kind + ".name");
      else
        for (const std::string& problem : dns1123_subdomain_errors(name))
          errors.invalid(at + "." + kind + ".name", name, problem);
    }
    if (count == 0) errors.invalid(path + ".envFrom", "", "must specify one of: `configMapRef` or `secretRef`");
    if (count > 1) errors.invalid(path + ".envFrom", "", "may not have more than one field specified at a time");
  }
}

void validate_handler(const Json& handler, const std::string& path, bool grpc, FieldErrors& errors) {
  int count = 0;
  for (const char* name : {"exec", "httpGet", "tcpSocket", "grpc"}) {
    const Json* action = find(handler, name);
    const std::string_view kind = name;
    if (action == nullptr || (kind == "grpc" && !grpc)) continue;
    const std::string at = path + "." + name;
    if (count++ > 0) {
      errors.forbidden(at, "may not specify more than 1 handler type");
    } else if (kind == "exec") {
      if (list_at(*action, "command").empty()) errors.required(at + ".command");
    } else {
      if (kind == "httpGet" && string_at(*action, "path").empty()) errors.required(at + ".path");
      check_port(action->value("port", Json(0)), at + ".port", errors);
      const std::string scheme = string_at(*action, "scheme");
      if (kind == "httpGet" && scheme != "HTTP" && scheme != "HTTPS")
        errors.not_supported(at + ".scheme", scheme, {"HTTP", "HTTPS"});
    }
  }
  if (count == 0) errors.required(path, "must specify a handler type");
}

void validate_probe(const Json& probe, const std::string& path, FieldErrors& errors) {
  validate_handler(probe, path, true, errors);
  for (const char* field :
       {"initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"}) {
    const auto value = int_at(probe, field);
    if (value && *value < 0) errors.invalid(path + "." + field, *value, kNonNegative);
  }
  if (const auto grace = int_at(probe, "terminationGracePeriodSeconds"); grace && *grace <= 0) {
    errors.invalid(path + ".terminationGracePeriodSeconds", *grace, "must be greater than 0");
  }
}

void validate_resources(const Json& resources, const std::string& path, FieldErrors& errors) {
  const Json none = Json::object();
  const Json* limits = find(resources, "limits");
  const Json* requests = find(resources, "requests");
  if (limits != nullptr) check_quantities(*limits, path + ".limits", errors);
  if (requests == nullptr) return;
  check_quantities(*requests, path + ".requests", errors);
  for (const auto& [name, value] : requests->items()) {
    const std::string text = value.is_string() ? value.get<std::string>() : "";
    const bool overcommit = name.find('/') == std::string::npos && !name.starts_with("hugepages-");
    const Json* limit = limits == nullptr ? nullptr : find(*limits, name);
    if (limit == nullptr) {
      if (!overcommit) errors.required(path + ".limits", "Limit must be set for non overcommitable resources");
      continue;
    }
    const auto asked = Quantity::parse(text);
    const auto most = Quantity::parse(limit->is_string() ? limit->get<std::string>() : "0");
    if (!asked || !most) continue;
    if (!(*asked == *most) && !overcommit)
      errors.invalid(path + ".requests", text, fmt::format("must be equal to {} limit", name));
    else if (*asked > *most)
      errors.invalid(path + ".requests", text, fmt::format("must be less than or equal to {} limit", name));
  }
}

}  // namespace fracta::devcluster
