// What a Job's object and its pods say, as pure functions (pkg/controller/job of Kubernetes 1.26).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

inline constexpr std::string_view kJobTracking = "batch.kubernetes.io/job-tracking";

// When condition Complete or Failed became True; empty while the Job runs.
std::optional<SystemTime> finished_at(const Json& job);

bool is_pod_active(const Json& pod);  // neither ended nor being deleted
bool is_pod_ready(const Json& pod);

struct JobEnd {
  std::string type, reason, message;  // Complete, or Failed with why
};

struct FailureVerdict {
  bool counts = true;                   // towards backoffLimit
  std::optional<std::string> fail_job;  // FailJob: the message
};
// spec.podFailurePolicy applied to a failed pod.
FailureVerdict match_failure_policy(const Json& job, const Json& pod);

// Whether the Job is over, given counters that include pods not yet in status. `active` excludes pods being deleted.
std::optional<JobEnd> judge_job(const Json& job, const std::vector<Object>& pods, std::int64_t succeeded,
                                std::int64_t failed, std::int64_t active, SystemTime now);

// How many pods should be active now.
std::int64_t wanted_pods(const Json& job, std::int64_t succeeded, std::int64_t active);

// The pod the controller posts for a Job.
Json pod_of_job(const Json& job);

// Adds or changes a condition; with `only_change` nothing is added. False when nothing changed.
bool set_job_condition(Json& status, const std::string& type, bool value, const std::string& reason,
                       const std::string& message, SystemTime now, bool only_change = false);

}  // namespace fracta::devcluster
