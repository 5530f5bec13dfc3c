#include "devcluster/node/scheduler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "devcluster/node/node_faults.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

Json list_at(const Json& object, std::string_view path) {
  const Json* found = find_path(object, path);
  return found != nullptr && found->is_array() ? *found : Json::array();
}

bool matches_expression(const Json& expression, const std::optional<std::string>& value) {
  const std::string op = string_at(expression, "operator");
  const Json values = list_at(expression, "values");
  const auto listed = [&] { return value && std::find(values.begin(), values.end(), Json(*value)) != values.end(); };
  if (op == "In") return listed();
  if (op == "NotIn") return !listed();
  if (op == "Exists") return value.has_value();
  if (op == "DoesNotExist") return !value.has_value();
  const auto left = value ? parse_int(*value) : std::nullopt;
  const auto right =
      values.size() == 1 && values[0].is_string() ? parse_int(values[0].get<std::string>()) : std::nullopt;
  if (!left || !right) return false;
  return op == "Gt" ? *left > *right : op == "Lt" && *left < *right;
}

bool fits_selector(const Json& pod, const Json& labels, const std::string& node_name) {
  if (const Json* selector = find_path(pod, "spec/nodeSelector"); selector != nullptr && selector->is_object())
    for (const auto& [key, value] : selector->items()) {
      const Json* label = find(labels, key);
      if (label == nullptr || *label != value) return false;
    }
  const Json* required = find_path(pod, "spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution");
  if (required == nullptr || !required->is_object()) return true;
  const Json terms = list_at(*required, "nodeSelectorTerms");
  return std::any_of(terms.begin(), terms.end(),
                     [&](const Json& term) { return matches_term(term, labels, node_name); });
}

// `kubectl cordon`, and what faults put on the node.
std::optional<std::string> untolerated_taint(const Json& node, const Json& pod) {
  if (bool_at(node, "spec/unschedulable")) return "1 node(s) were unschedulable";
  for (const auto& taint : list_at(node, "spec/taints")) {
    const std::string key = string_at(taint, "key"), value = string_at(taint, "value"),
                      effect = string_at(taint, "effect");
    if (effect == "PreferNoSchedule" || toleration_of(pod, key, value, effect).tolerated) continue;
    return fmt::format("1 node(s) had untolerated taint {{{}: {}}}", key, value);
  }
  return std::nullopt;
}

// `preemption`: why ending other pods would not help.
std::string refused(const Json& pod, const std::string& reason,
                    const std::string& preemption = "Preemption is not helpful for scheduling") {
  const bool never = string_at(pod, "spec/preemptionPolicy") == "Never";
  return fmt::format(
      "0/1 nodes are available: {}. preemption: {}.", reason,
      never ? "not eligible due to preemptionPolicy=Never." : fmt::format("0/1 nodes are available: 1 {}", preemption));
}

}  // namespace

bool matches_term(const Json& term, const Json& labels, const std::string& node_name) {
  const Json expressions = list_at(term, "matchExpressions"), fields = list_at(term, "matchFields");
  if (expressions.empty() && fields.empty()) return false;  // an empty term matches nothing
  for (const auto& expression : expressions) {
    const Json* label = find(labels, string_at(expression, "key"));
    if (!matches_expression(expression, label != nullptr && label->is_string()
                                            ? std::optional(label->get<std::string>())
                                            : std::nullopt))
      return false;
  }
  return std::all_of(fields.begin(), fields.end(), [&](const Json& field) {
    return string_at(field, "key") == "metadata.name" && matches_expression(field, node_name);
  });
}

std::optional<std::string> why_unschedulable(const Api& api, const Json& pod, const Json& node_labels,
                                             const std::string& node_name, const NodeRoom& room) {
  for (const auto& volume : list_at(pod, "spec/volumes")) {
    const std::string claim = string_at(volume, "persistentVolumeClaim/claimName");
    if (claim.empty()) continue;
    const auto found = api.get("persistentvolumeclaims", string_at(pod, "metadata/namespace"), claim);
    if (!found) return refused(pod, fmt::format("persistentvolumeclaim \"{}\" not found", claim));
    if (find_path(**found, "metadata/deletionTimestamp") != nullptr)
      return refused(pod, fmt::format("persistentvolumeclaim \"{}\" is being deleted", claim));
    if (string_at(**found, "status/phase") != "Bound")
      return refused(pod, "pod has unbound immediate PersistentVolumeClaims");
  }
  const auto node = api.get("nodes", "", node_name);
  if (!node) return "no nodes available to schedule pods";
  if (const auto taint = untolerated_taint(**node, pod)) return refused(pod, *taint);
  if (!fits_selector(pod, node_labels, node_name))
    return refused(pod, "1 node(s) didn't match Pod's node affinity/selector");
  const Json* allocatable = find_path(**node, "status/allocatable");
  std::vector<std::string> lacking = room.lacking(pod, allocatable == nullptr ? Json() : *allocatable);
  if (lacking.empty()) return std::nullopt;
  for (std::string& reason : lacking) reason.insert(0, "1 ");
  std::sort(lacking.begin(), lacking.end());
  return refused(pod, join(lacking, ", "), "No preemption victims found for incoming pod");
}

}  // namespace fracta::devcluster
