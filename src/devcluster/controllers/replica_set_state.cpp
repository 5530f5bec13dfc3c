#include "devcluster/controllers/replica_set_state.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include <nlohmann/json.hpp>

#include "devcluster/controllers/job_state.hpp"
#include "devcluster/controllers/owned_pods.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {
namespace {

SystemTime ready_since(const Json& pod) {
  if (const Json* conditions = find_path(pod, "status/conditions"); conditions != nullptr && conditions->is_array())
    for (const auto& condition : *conditions)
      if (string_at(condition, "type") == "Ready")
        return parse_rfc3339(string_at(condition, "lastTransitionTime")).value_or(SystemTime{});
  return {};
}

std::int64_t restarts(const Json& pod) {
  std::int64_t most = 0;
  if (const Json* statuses = find_path(pod, "status/containerStatuses"); statuses != nullptr && statuses->is_array())
    for (const auto& status : *statuses) most = std::max(most, int_at(status, "restartCount").value_or(0));
  return most;
}

std::int64_t deletion_cost(const Json& pod) {
  const Json* annotations = find_path(pod, "metadata/annotations");
  if (annotations == nullptr) return 0;
  return parse_int(
             string_at(Json{{"cost", annotations->value("controller.kubernetes.io/pod-deletion-cost", "")}}, "cost"))
      .value_or(0);
}

// Smaller goes first: not bound, then not running, not ready, cheap, crowded, short ready, much restarted, young.
auto rank(const Json& pod, const std::map<std::string, std::int64_t>& ready_on_node) {
  const std::string node = string_at(pod, "spec/nodeName"), phase = string_at(pod, "status/phase");
  const bool ready = is_pod_ready(pod);
  const auto crowd = ready_on_node.find(node);
  return std::tuple{
      !node.empty(),
      phase == "Running" ? 2 : (phase == "Unknown" ? 1 : 0),
      ready,
      deletion_cost(pod),
      crowd == ready_on_node.end() ? std::int64_t{0} : -crowd->second,
      ready ? -ready_since(pod).time_since_epoch().count() : 0,
      -restarts(pod),
      -parse_rfc3339(string_at(pod, "metadata/creationTimestamp")).value_or(SystemTime{}).time_since_epoch().count(),
      string_at(pod, "metadata/uid")};
}

bool contains_labels(const Json* labels, const Json* wanted) {
  if (wanted == nullptr || !wanted->is_object()) return true;
  for (const auto& [key, value] : wanted->items())
    if (labels == nullptr || !labels->is_object() || labels->value(key, Json()) != value) return false;
  return true;
}

void put_failure(Json& status, const std::string& failure, bool too_few, SystemTime now) {
  Json kept = Json::array();
  bool known = false;
  if (const Json* old = find(status, "conditions"); old != nullptr && old->is_array())
    for (const auto& condition : *old) {
      const bool ours = string_at(condition, "type") == "ReplicaFailure";
      if (ours && failure.empty()) continue;
      known = known || ours;
      kept.push_back(condition);
    }
  if (!failure.empty() && !known)
    kept.push_back({{"type", "ReplicaFailure"},
                    {"status", "True"},
                    {"lastTransitionTime", format_rfc3339(now)},
                    {"reason", too_few ? "FailedCreate" : "FailedDelete"},
                    {"message", failure}});
  status.erase("conditions");
  if (!kept.empty()) status["conditions"] = std::move(kept);
}

}  // namespace

std::int64_t wanted_replicas(const Json& object) { return int_at(object, "spec/replicas").value_or(1); }

std::optional<std::chrono::seconds> until_available(const Json& pod, std::int64_t min_ready_seconds, SystemTime now) {
  if (!is_pod_ready(pod)) return std::nullopt;
  const auto at = ready_since(pod) + std::chrono::seconds{min_ready_seconds};
  if (min_ready_seconds == 0 || at <= now) return std::chrono::seconds{0};
  return std::chrono::ceil<std::chrono::seconds>(at - now);
}

void order_for_deletion(std::vector<Object>& pods) {
  std::map<std::string, std::int64_t> ready_on_node;
  for (const auto& pod : pods)
    if (is_pod_ready(*pod)) ++ready_on_node[string_at(*pod, "spec/nodeName")];
  std::sort(pods.begin(), pods.end(),
            [&](const Object& a, const Object& b) { return rank(*a, ready_on_node) < rank(*b, ready_on_node); });
}

Json replica_set_status(const Json& replica_set, const std::vector<Object>& active, const std::string& failure,
                        SystemTime now) {
  const Json* old = find(replica_set, "status");
  Json status = old != nullptr && old->is_object() ? *old : Json::object();
  const std::int64_t min_ready = int_at(replica_set, "spec/minReadySeconds").value_or(0);
  const Json* labels = find_path(replica_set, "spec/template/metadata/labels");
  std::int64_t labeled = 0, ready = 0, available = 0;
  for (const auto& pod : active) {
    labeled += contains_labels(find_path(*pod, "metadata/labels"), labels) ? 1 : 0;
    const auto wait = until_available(*pod, min_ready, now);
    ready += wait ? 1 : 0;
    available += wait && wait->count() == 0 ? 1 : 0;
  }
  put_failure(status, failure, static_cast<std::int64_t>(active.size()) < wanted_replicas(replica_set), now);
  status["replicas"] = active.size();
  const auto put = [&](const char* field, std::int64_t value) {
    status.erase(field);
    if (value != 0) status[field] = value;
  };
  put("fullyLabeledReplicas", labeled);
  put("readyReplicas", ready);
  put("availableReplicas", available);
  put("observedGeneration", int_at(replica_set, "metadata/generation").value_or(0));
  return status;
}

Json pod_of_replica_set(const Json& replica_set) {
  const Json* pod_template = find_path(replica_set, "spec/template");
  Json pod = pod_template != nullptr && pod_template->is_object() ? *pod_template : Json::object();
  pod["apiVersion"] = "v1";
  pod["kind"] = "Pod";
  Json& metadata = pod["metadata"];
  if (!metadata.is_object()) metadata = Json::object();
  metadata.erase("creationTimestamp");
  metadata["generateName"] = string_at(replica_set, "metadata/name") + "-";
  metadata["namespace"] = string_at(replica_set, "metadata/namespace");
  metadata["ownerReferences"] = Json::array({controller_reference(replica_set, "apps/v1", "ReplicaSet")});
  return pod;
}

}  // namespace fracta::devcluster
