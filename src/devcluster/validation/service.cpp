// Service (apis/core/validation). Addresses are not allocated here, so rules about them are left to real clusters.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "devcluster/validation/pod_parts.hpp"
#include "devcluster/validation/validation.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"

namespace fracta::devcluster {

namespace {

constexpr const char* kPortRange = "must be between 1 and 65535, inclusive";

void one_of(const Json& object, const std::string& path, const char* field, const std::vector<std::string>& known,
            FieldErrors& errors) {
  const std::string value = string_at(object, field);
  if (value.empty())
    errors.required(path + "." + field);
  else if (std::find(known.begin(), known.end(), value) == known.end())
    errors.not_supported(path + "." + field, value, known);
}

void validate_service_port(const Json& port, bool need_name, std::set<std::string>& names, const std::string& path,
                           FieldErrors& errors) {
  const std::string name = string_at(port, "name");
  if (need_name && name.empty()) errors.required(path + ".name");
  if (!name.empty()) {
    for (const auto& problem : dns1123_label_errors(name)) errors.invalid(path + ".name", name, problem);
    if (!names.insert(name).second) errors.duplicate(path + ".name", name);
  }
  const std::int64_t number = int_at(port, "port").value_or(0);
  if (number < 1 || number > 65535) errors.invalid(path + ".port", number, kPortRange);
  one_of(port, path, "protocol", {"SCTP", "TCP", "UDP"}, errors);
  const Json target = port.value("targetPort", Json(0));
  if (target.is_string()) {
    for (const auto& problem : port_name_errors(target.get<std::string>()))
      errors.invalid(path + ".targetPort", target, problem);
  } else if (const auto value = target.is_number() ? target.get<std::int64_t>() : 0; value < 1 || value > 65535) {
    errors.invalid(path + ".targetPort", value, kPortRange);
  }
  if (const std::string protocol = string_at(port, "appProtocol"); !protocol.empty())
    validate_qualified_name(protocol, path + ".appProtocol", errors);
}

void validate_ports(const Json& spec, const std::string& type, FieldErrors& errors) {
  const Json& ports = list_at(spec, "ports");
  std::set<std::string> names;
  std::set<std::pair<std::string, std::int64_t>> numbers, node_ports;
  for (std::size_t i = 0; i < ports.size(); ++i)
    validate_service_port(ports[i], ports.size() > 1, names, fmt::format("spec.ports[{}]", i), errors);
  validate_labels(spec.value("selector", Json::object()), "spec.selector", errors);
  one_of(spec, "spec", "sessionAffinity", {"ClientIP", "None"}, errors);
  one_of(spec, "spec", "type", {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"}, errors);
  for (std::size_t i = 0; i < ports.size(); ++i)
    if (type == "ClusterIP" && int_at(ports[i], "nodePort").value_or(0) != 0)
      errors.forbidden(fmt::format("spec.ports[{}].nodePort", i), "may not be used when `type` is 'ClusterIP'");
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::int64_t node = int_at(ports[i], "nodePort").value_or(0);
    if (node != 0 && !node_ports.insert({string_at(ports[i], "protocol"), node}).second)
      errors.duplicate(fmt::format("spec.ports[{}].nodePort", i), node);
  }
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::string protocol = string_at(ports[i], "protocol");
    const std::int64_t number = int_at(ports[i], "port").value_or(0);
    if (!numbers.insert({protocol, number}).second)
      errors.duplicate_text(
          fmt::format("spec.ports[{}]", i),
          fmt::format("core.ServicePort{{Name:\"\", Protocol:{}, AppProtocol:(*string)(nil), Port:{}, "
                      "TargetPort:intstr.IntOrString{{Type:0, IntVal:0, StrVal:\"\"}}, NodePort:0}}",
                      go_quote(protocol), number));
  }
}

}  // namespace

void validate_service(const Json& service, FieldErrors& errors) {
  const Json spec = service.value("spec", Json::object());
  const std::string type = string_at(spec, "type");
  const bool headless = string_at(spec, "clusterIP") == "None";
  if (list_at(spec, "ports").empty() && !headless && type != "ExternalName") errors.required("spec.ports");
  if (headless && (type == "LoadBalancer" || type == "NodePort"))
    errors.invalid("spec.clusterIPs[0]", "None", fmt::format("may not be set to 'None' for {} services", type));
  if (type == "ExternalName") {
    std::string name = string_at(spec, "externalName");
    if (name.ends_with('.')) name.pop_back();
    if (name.empty()) errors.required("spec.externalName");
    for (const auto& problem : name.empty() ? std::vector<std::string>() : dns1123_subdomain_errors(name))
      errors.invalid("spec.externalName", name, problem);
  }
  validate_ports(spec, type, errors);
}

}  // namespace fracta::devcluster
