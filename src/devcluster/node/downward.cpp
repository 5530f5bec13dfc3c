#include "devcluster/node/downward.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/quantity.hpp"

namespace fracta::devcluster {
namespace {

// key="value" lines, sorted, values quoted as Go's %q does.
std::string format_map(const Json* map) {
  std::string result;
  if (map == nullptr || !map->is_object()) return result;
  for (const auto& [key, value] : map->items()) {
    if (!result.empty()) result += '\n';
    result += fmt::format("{}={}", key, dump_json(value));
  }
  return result;
}

std::int64_t rounded_up(std::int64_t value, std::int64_t divisor) {
  return divisor <= 0 ? value : (value + divisor - 1) / divisor;
}

}  // namespace

const Json* find_container(const Json& pod, std::string_view name) {
  for (const char* list : {"spec/containers", "spec/initContainers"}) {
    const Json* containers = find_path(pod, list);
    if (containers == nullptr || !containers->is_array()) continue;
    for (const auto& c : *containers)
      if (string_at(c, "name") == name) return &c;
  }
  return nullptr;
}

Result<std::string> field_value(const Json& pod, std::string_view path, const NodeFacts& node,
                                std::string_view pod_ip) {
  for (const auto map : {std::string_view("labels"), std::string_view("annotations")}) {
    const std::string prefix = fmt::format("metadata.{}", map);
    const Json* values = find_path(pod, fmt::format("metadata/{}", map));
    if (path == prefix) return format_map(values);
    if (path.size() > prefix.size() + 4 && path.substr(0, prefix.size() + 2) == prefix + "['" &&
        path.substr(path.size() - 2) == "']") {
      const auto key = path.substr(prefix.size() + 2, path.size() - prefix.size() - 4);
      const Json* value = values != nullptr ? find(*values, key) : nullptr;
      return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
    }
  }
  if (path == "metadata.name") return string_at(pod, "metadata/name");
  if (path == "metadata.namespace") return string_at(pod, "metadata/namespace");
  if (path == "metadata.uid") return string_at(pod, "metadata/uid");
  if (path == "spec.nodeName") return node.name;
  if (path == "spec.serviceAccountName") return string_at(pod, "spec/serviceAccountName");
  if (path == "status.hostIP" || path == "status.hostIPs") return node.host_ip;
  if (path == "status.podIP" || path == "status.podIPs") return std::string(pod_ip);
  return make_error(ErrorCode::kInvalid, fmt::format("unsupported fieldPath: {}", path));
}

Result<std::string> resource_value(const Json& pod, const Json& reference, std::string_view own_container,
                                   const NodeFacts& node) {
  const std::string name = string_at(reference, "containerName", own_container);
  const std::string resource = string_at(reference, "resource");
  const Json* container = find_container(pod, name);
  if (container == nullptr) return make_error(ErrorCode::kInvalid, fmt::format("container {} not found", name));
  const auto dot = resource.find('.');
  const std::string kind = resource.substr(0, dot), what = dot == std::string::npos ? "" : resource.substr(dot + 1);
  if ((kind != "limits" && kind != "requests") || what.empty())
    return make_error(ErrorCode::kInvalid, fmt::format("unsupported container resource : {}", resource));
  const auto quantity_of = [](const Json* value) -> std::string {
    if (value == nullptr) return "";
    return value->is_string() ? value->get<std::string>() : dump_json(*value);
  };
  const Json* all = find_path(*container, "resources/" + kind);
  const std::string text = quantity_of(all != nullptr ? find(*all, what) : nullptr);
  const std::string divisor_text = quantity_of(find(reference, "divisor"));
  auto divisor = Quantity::parse(divisor_text.empty() || divisor_text == "0" ? "1" : divisor_text);
  if (!divisor) return divisor.error();
  // A limit that is not set is what the node can give (resource.MergeContainerResourceLimits).
  const bool cpu = what == "cpu";
  if (text.empty()) {
    std::int64_t all_of_node = kind == "requests" ? 0
                               : cpu              ? node.cpu_milli
                               : what == "memory" ? node.memory_bytes
                                                  : node.storage_bytes;
    return fmt::format("{}", rounded_up(all_of_node, cpu ? divisor->milli_value() : divisor->value()));
  }
  auto value = Quantity::parse(text);
  if (!value) return value.error();
  return fmt::format("{}", cpu ? rounded_up(value->milli_value(), divisor->milli_value())
                               : rounded_up(value->value(), divisor->value()));
}

}  // namespace fracta::devcluster
