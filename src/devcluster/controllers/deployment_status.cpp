// Status of a Deployment: counters and conditions.
#include <fmt/format.h>

#include <limits>

#include <nlohmann/json.hpp>

#include "devcluster/controllers/deployment_state.hpp"
#include "devcluster/controllers/replica_set_state.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {
namespace {

// More pods updated, ready or available, or fewer old ones, than the status said so far.
bool has_progressed(const Json& before, const Json& now) {
  const auto at = [](const Json& status, const char* field) { return int_at(status, field).value_or(0); };
  const auto old_pods = [&](const Json& status) { return at(status, "replicas") - at(status, "updatedReplicas"); };
  return at(now, "updatedReplicas") > at(before, "updatedReplicas") || old_pods(now) < old_pods(before) ||
         at(now, "readyReplicas") > at(before, "readyReplicas") ||
         at(now, "availableReplicas") > at(before, "availableReplicas");
}

bool has_timed_out(const Json& deployment, const Json& status, SystemTime now) {
  const Json* condition = find_condition(status, "Progressing");
  if (condition == nullptr) return false;
  const std::string reason = string_at(*condition, "reason");
  if (reason == "NewReplicaSetAvailable") return false;
  if (reason == "ProgressDeadlineExceeded") return true;
  const auto updated = parse_rfc3339(string_at(*condition, "lastUpdateTime"));
  const std::chrono::seconds deadline{int_at(deployment, "spec/progressDeadlineSeconds").value_or(600)};
  return updated && *updated + deadline < now;
}

const Json* failure_of(const Json& set) {
  const Json* status = find(set, "status");
  return status == nullptr ? nullptr : find_condition(*status, "ReplicaFailure");
}

}  // namespace

bool has_progress_deadline(const Json& deployment) {
  const auto deadline = int_at(deployment, "spec/progressDeadlineSeconds");
  return deadline && *deadline != std::numeric_limits<std::int32_t>::max();
}

const Json* find_condition(const Json& status, std::string_view type) {
  if (const Json* conditions = find(status, "conditions"); conditions != nullptr && conditions->is_array())
    for (const auto& condition : *conditions)
      if (string_at(condition, "type") == type) return &condition;
  return nullptr;
}

void drop_condition(Json& status, std::string_view type) {
  Json kept = Json::array();
  if (const Json* conditions = find(status, "conditions"); conditions != nullptr && conditions->is_array())
    for (const auto& condition : *conditions)
      if (string_at(condition, "type") != type) kept.push_back(condition);
  status.erase("conditions");
  if (!kept.empty()) status["conditions"] = std::move(kept);
}

void put_condition(Json& status, const std::string& type, const std::string& value, const std::string& reason,
                   const std::string& message, SystemTime now) {
  const std::string stamp = format_rfc3339(now);
  Json fresh{{"type", type},       {"status", value},         {"reason", reason},
             {"message", message}, {"lastUpdateTime", stamp}, {"lastTransitionTime", stamp}};
  if (const Json* old = find_condition(status, type); old != nullptr && string_at(*old, "status") == value) {
    if (string_at(*old, "reason") == reason) return;
    fresh["lastTransitionTime"] = string_at(*old, "lastTransitionTime");
  }
  drop_condition(status, type);
  status["conditions"].push_back(std::move(fresh));
}

bool is_complete(const Json& deployment, const Json& status) {
  const std::int64_t wanted = wanted_replicas(deployment);
  for (const char* field : {"updatedReplicas", "replicas", "availableReplicas"})
    if (int_at(status, field).value_or(0) != wanted) return false;
  return int_at(status, "observedGeneration").value_or(0) >= int_at(deployment, "metadata/generation").value_or(0);
}

Json deployment_status(const Json& deployment, const std::vector<Json>& old_sets, const std::optional<Json>& fresh,
                       SystemTime now) {
  std::vector<Json> all = old_sets;
  if (fresh) all.push_back(*fresh);
  const std::int64_t available = status_sum(all, "availableReplicas");
  Json status = Json::object();
  const auto put = [&](const char* field, std::int64_t value) {
    if (value > 0) status[field] = value;
  };
  put("observedGeneration", int_at(deployment, "metadata/generation").value_or(0));
  put("replicas", status_sum(all, "replicas"));
  put("updatedReplicas", fresh ? int_at(*fresh, "status/replicas").value_or(0) : 0);
  put("readyReplicas", status_sum(all, "readyReplicas"));
  put("availableReplicas", available);
  put("unavailableReplicas", spec_replicas(all) - available);
  for (const char* kept : {"conditions", "collisionCount"})
    if (const Json* value = find_path(deployment, std::string("status/") + kept)) status[kept] = *value;
  if (available >= wanted_replicas(deployment) - max_unavailable(deployment))
    put_condition(status, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now);
  else
    put_condition(status, "Available", "False", "MinimumReplicasUnavailable",
                  "Deployment does not have minimum availability.", now);
  return status;
}

void judge_progress(const Json& deployment, const std::vector<Json>& old_sets, const std::optional<Json>& fresh,
                    Json& status, SystemTime now) {
  const Json* before = find(deployment, "status");
  const Json old_status = before != nullptr && before->is_object() ? *before : Json::object();
  const Json* current = find_condition(old_status, "Progressing");
  const bool done = current != nullptr && string_at(*current, "reason") == "NewReplicaSetAvailable" &&
                    int_at(status, "replicas").value_or(0) == int_at(status, "updatedReplicas").value_or(0);
  const std::string subject = fresh ? fmt::format("ReplicaSet \"{}\"", string_at(*fresh, "metadata/name"))
                                    : fmt::format("Deployment \"{}\"", string_at(deployment, "metadata/name"));
  if (!has_progress_deadline(deployment)) {
    drop_condition(status, "Progressing");
  } else if (!done && is_complete(deployment, status)) {
    put_condition(status, "Progressing", "True", "NewReplicaSetAvailable", subject + " has successfully progressed.",
                  now);
  } else if (!done && has_progressed(old_status, status)) {
    // Also renews the time of an update with the same reason: that is what the deadline counts from.
    const std::string since = current != nullptr && string_at(*current, "status") == "True"
                                  ? string_at(*current, "lastTransitionTime")
                                  : format_rfc3339(now);
    drop_condition(status, "Progressing");
    put_condition(status, "Progressing", "True", "ReplicaSetUpdated", subject + " is progressing.", now);
    status["conditions"].back()["lastTransitionTime"] = since;
  } else if (!done && has_timed_out(deployment, status, now)) {
    put_condition(status, "Progressing", "False", "ProgressDeadlineExceeded", subject + " has timed out progressing.",
                  now);
  }
  const Json* failure = fresh ? failure_of(*fresh) : nullptr;
  for (auto set = old_sets.begin(); failure == nullptr && set != old_sets.end(); ++set) failure = failure_of(*set);
  if (failure == nullptr) {
    drop_condition(status, "ReplicaFailure");
    return;
  }
  const auto since = parse_rfc3339(string_at(*failure, "lastTransitionTime")).value_or(now);
  put_condition(status, "ReplicaFailure", string_at(*failure, "status"), string_at(*failure, "reason"),
                string_at(*failure, "message"), since);
}

}  // namespace fracta::devcluster
