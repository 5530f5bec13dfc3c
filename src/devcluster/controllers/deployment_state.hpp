// What a Deployment and its ReplicaSets say, as pure functions (pkg/controller/deployment of Kubernetes 1.26).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

inline constexpr const char* kRevision = "deployment.kubernetes.io/revision";
inline constexpr const char* kTemplateHash = "pod-template-hash";

std::string annotation(const Json& object, std::string_view key);

bool is_rolling_update(const Json& deployment);
// Percentages of the wanted replicas: surge rounds up, unavailable down; both 0 makes one unavailable.
std::int64_t max_surge(const Json& deployment);
std::int64_t max_unavailable(const Json& deployment);

// Ten characters at most, made of the template and the number of collisions seen.
std::string template_hash(const Json& pod_template, std::int64_t collisions);
bool same_template(const Json& a, const Json& b);  // but for the hash label

// Sums over ReplicaSets.
std::int64_t spec_replicas(const std::vector<Json>& sets);
std::int64_t status_sum(const std::vector<Json>& sets, const char* field);
bool is_active_set(const Json& set);             // wants pods
void sort_by_creation(std::vector<Json>& sets);  // oldest first
std::int64_t revision_of(const Json& set);       // 0 = none
std::int64_t max_revision(const std::vector<Json>& sets);

// How many pods the new set may have now, given all of them.
std::int64_t new_set_replicas(const Json& deployment, const std::vector<Json>& all, std::int64_t now);
// A Deployment scaled in the middle of a rollout: every active set takes its share, the largest what rounding left.
// Sorts the sets and answers their sizes in that order.
std::vector<std::int64_t> proportional_sizes(const Json& deployment, std::vector<Json*>& active);
bool is_saturated(const Json& deployment, const Json& set);

// The set for the Deployment's current template, with `replicas` pods.
Json make_replica_set(const Json& deployment, const std::string& hash, std::int64_t replicas, std::int64_t revision);
// Brings annotations and minReadySeconds of the new set up to date. False: nothing to change.
bool refresh_replica_set(const Json& deployment, Json& set, std::int64_t revision);
bool set_size_annotations(const Json& deployment, Json& set);
std::optional<std::int64_t> annotated_size(const Json& set);  // desired-replicas

bool has_progress_deadline(const Json& deployment);
const Json* find_condition(const Json& status, std::string_view type);
void put_condition(Json& status, const std::string& type, const std::string& value, const std::string& reason,
                   const std::string& message, SystemTime now);
void drop_condition(Json& status, std::string_view type);

bool is_complete(const Json& deployment, const Json& status);

// Counters and condition Available.
Json deployment_status(const Json& deployment, const std::vector<Json>& old_sets, const std::optional<Json>& fresh,
                       SystemTime now);
// Condition Progressing and ReplicaFailure on top, for a rollout (not for a scaled or paused Deployment).
void judge_progress(const Json& deployment, const std::vector<Json>& old_sets, const std::optional<Json>& fresh,
                    Json& status, SystemTime now);

}  // namespace fracta::devcluster
