#include "devcluster/node/node_faults.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {
namespace {

constexpr std::string_view kUnreachable = "node.kubernetes.io/unreachable";
constexpr std::string_view kDiskPressure = "node.kubernetes.io/disk-pressure";

Json& array_at(Json& object, const char* key) {
  Json& found = object[key];
  if (!found.is_array()) found = Json::array();
  return found;
}

void set_condition(Json& conditions, std::string_view type, std::string_view status, std::string_view reason,
                   std::string_view message, SystemTime now) {
  const std::string time = format_rfc3339(now);
  auto found =
      std::find_if(conditions.begin(), conditions.end(), [&](const Json& c) { return string_at(c, "type") == type; });
  if (found == conditions.end()) {
    conditions.push_back({{"type", type}});
    found = conditions.end() - 1;
  }
  Json& condition = *found;
  if (string_at(condition, "status") != status) condition["lastTransitionTime"] = time;
  condition["status"] = status;
  condition["reason"] = reason;
  condition["message"] = message;
}

void set_taints(Api& api, const std::string& node, std::string_view key, const std::vector<std::string>& effects,
                SystemTime now) {
  (void)api
      .mutate("nodes", "", node,
              [&](Json& object) {
                Json& taints = array_at(object["spec"], "taints");
                const Json old = taints;
                Json kept = Json::array();
                for (const auto& taint : taints)
                  if (string_at(taint, "key") != key) kept.push_back(taint);
                for (const auto& effect : effects) {
                  Json taint{{"key", key}, {"effect", effect}};
                  if (effect == "NoExecute") taint["timeAdded"] = format_rfc3339(now);
                  kept.push_back(std::move(taint));
                }
                taints = std::move(kept);
                const bool changed = taints != old;
                if (taints.empty()) object["spec"].erase("taints");
                return changed;
              })
      .ok();
}

std::vector<Object> pods_of(const Api& api, const std::string& node) {
  std::vector<Object> result;
  for (auto& pod : api.list("pods", ""))
    if (string_at(*pod, "spec/nodeName") == node) result.push_back(pod);
  return result;
}

void mark_pod_not_ready(Api& api, const Json& pod, SystemTime now) {
  const auto done = api.mutate(
      "pods", string_at(pod, "metadata/namespace"), string_at(pod, "metadata/name"),
      [&](Json& object) {
        Json* conditions = object.contains("status") ? &array_at(object["status"], "conditions") : nullptr;
        if (conditions == nullptr) return false;
        for (auto& condition : *conditions) {
          if (string_at(condition, "type") != "Ready" || string_at(condition, "status") != "True") continue;
          condition["status"] = "False";
          condition["lastTransitionTime"] = format_rfc3339(now);
          return true;
        }
        return false;
      },
      "status");
  if (done.ok()) api.record_event(pod, "Warning", "NodeNotReady", "Node is not ready", "node-controller");
}

}  // namespace

Toleration toleration_of(const Json& pod, std::string_view key, std::string_view value, std::string_view effect) {
  Toleration result;
  const Json* tolerations = find_path(pod, "spec/tolerations");
  if (tolerations == nullptr || !tolerations->is_array()) return result;
  for (const auto& toleration : *tolerations) {
    const std::string its_key = string_at(toleration, "key"), its_effect = string_at(toleration, "effect");
    if (!its_effect.empty() && its_effect != effect) continue;
    if (!its_key.empty() && its_key != key) continue;
    const bool exists = string_at(toleration, "operator") == "Exists";
    if (!exists && (its_key.empty() || string_at(toleration, "value") != value)) continue;
    const auto seconds = int_at(toleration, "tolerationSeconds");
    // The shortest counts.
    if (seconds && (!result.seconds || *seconds < *result.seconds)) result.seconds = seconds;
    result.tolerated = true;
  }
  return result;
}

void mark_node_lost(Api& api, const std::string& node, SystemTime now) {
  const auto marked = api.mutate(
      "nodes", "", node,
      [&](Json& object) {
        Json& conditions = array_at(object["status"], "conditions");
        for (const char* type : {"MemoryPressure", "DiskPressure", "PIDPressure", "Ready"})
          set_condition(conditions, type, "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", now);
        return true;
      },
      "status");
  set_taints(api, node, kUnreachable, {"NoSchedule", "NoExecute"}, now);
  if (marked.ok())
    api.record_event(**marked, "Normal", "NodeNotReady", fmt::format("Node {} status is now: NodeNotReady", node),
                     "node-controller");
  for (const auto& pod : pods_of(api, node)) mark_pod_not_ready(api, *pod, now);
}

void mark_node_back(Api& api, const std::string& node, const Json& status, SystemTime now) {
  const auto marked = api.mutate(
      "nodes", "", node,
      [&](Json& object) {
        object["status"] = status;
        const std::string time = format_rfc3339(now);
        for (auto& condition : array_at(object["status"], "conditions"))
          condition["lastHeartbeatTime"] = condition["lastTransitionTime"] = time;
        return true;
      },
      "status");
  set_taints(api, node, kUnreachable, {}, now);
  if (marked.ok())
    api.record_event(**marked, "Normal", "NodeReady", fmt::format("Node {} status is now: NodeReady", node), "kubelet");
}

void mark_disk_pressure(Api& api, const std::string& node, bool pressure, SystemTime now) {
  const auto marked = api.mutate(
      "nodes", "", node,
      [&](Json& object) {
        set_condition(array_at(object["status"], "conditions"), "DiskPressure", pressure ? "True" : "False",
                      pressure ? "KubeletHasDiskPressure" : "KubeletHasNoDiskPressure",
                      pressure ? "kubelet has disk pressure" : "kubelet has no disk pressure", now);
        return true;
      },
      "status");
  set_taints(api, node, kDiskPressure, pressure ? std::vector<std::string>{"NoSchedule"} : std::vector<std::string>{},
             now);
  if (!marked.ok()) return;
  const char* reason = pressure ? "NodeHasDiskPressure" : "NodeHasNoDiskPressure";
  api.record_event(**marked, "Normal", reason, fmt::format("Node {} status is now: {}", node, reason), "kubelet");
}

void evict_from_lost_node(Api& api, const std::string& node, std::chrono::seconds lost_for, SystemTime now) {
  for (const auto& pod : pods_of(api, node)) {
    if (find_path(*pod, "metadata/deletionTimestamp") != nullptr) continue;
    const std::string phase = string_at(*pod, "status/phase");
    if (phase == "Succeeded" || phase == "Failed") continue;
    const Toleration toleration = toleration_of(*pod, kUnreachable, "", "NoExecute");
    if (toleration.tolerated && (!toleration.seconds || *toleration.seconds > lost_for.count())) continue;
    const std::string ns = string_at(*pod, "metadata/namespace"), name = string_at(*pod, "metadata/name");
    api.record_event(*pod, "Normal", "TaintManagerEviction", fmt::format("Marking for deletion Pod {}/{}", ns, name),
                     "taint-eviction-controller");
    (void)api
        .mutate(
            "pods", ns, name,
            [&](Json& object) {
              set_condition(array_at(object["status"], "conditions"), "DisruptionTarget", "True",
                            "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint", now);
              return true;
            },
            "status")
        .ok();
    RemoveOptions options;
    options.precondition_uid = string_at(*pod, "metadata/uid");
    (void)api.remove("pods", ns, name, options).ok();
  }
}

}  // namespace fracta::devcluster
