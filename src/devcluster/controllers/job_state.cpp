#include "devcluster/controllers/job_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "devcluster/controllers/controller.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {
namespace {

Json list_at(const Json& object, std::string_view path) {
  const Json* found = find_path(object, path);
  return found != nullptr && found->is_array() ? *found : Json::array();
}

// Restarts inside pods count when the kubelet is the one who restarts.
bool too_many_restarts(const Json& job, const std::vector<Object>& pods, std::int64_t limit) {
  if (string_at(job, "spec/template/spec/restartPolicy") != "OnFailure") return false;
  std::int64_t restarts = 0;
  for (const auto& pod : pods) {
    const std::string phase = string_at(*pod, "status/phase");
    if (phase != "Running" && phase != "Pending") continue;
    for (const char* list : {"status/initContainerStatuses", "status/containerStatuses"})
      for (const auto& status : list_at(*pod, list)) restarts += int_at(status, "restartCount").value_or(0);
  }
  return limit == 0 ? restarts > 0 : restarts >= limit;
}

bool exit_code_matches(const Json& requirement, std::int64_t code) {
  const Json values = list_at(requirement, "values");
  const bool listed = std::find(values.begin(), values.end(), Json(code)) != values.end();
  return code != 0 && (string_at(requirement, "operator") == "In" ? listed : !listed);
}

// "" = the rule does not match; else what matched, for the message.
std::string match_rule(const Json& rule, const Json& pod) {
  const std::string name = string_at(pod, "metadata/namespace") + "/" + string_at(pod, "metadata/name");
  if (const Json* codes = find(rule, "onExitCodes"); codes != nullptr && codes->is_object()) {
    for (const char* list : {"status/containerStatuses", "status/initContainerStatuses"})
      for (const auto& status : list_at(pod, list)) {
        const std::string container = string_at(status, "name"), wanted = string_at(*codes, "containerName");
        const auto code = int_at(status, "state/terminated/exitCode");
        if (code && (wanted.empty() || wanted == container) && exit_code_matches(*codes, *code))
          return fmt::format("Container {} for pod {} failed with exit code {}", container, name, *code);
      }
  }
  for (const auto& pattern : list_at(rule, "onPodConditions"))
    for (const auto& condition : list_at(pod, "status/conditions"))
      if (string_at(condition, "type") == string_at(pattern, "type") &&
          string_at(condition, "status") == string_at(pattern, "status"))
        return fmt::format("Pod {} has condition {}", name, string_at(pattern, "type"));
  return "";
}

}  // namespace

std::optional<SystemTime> finished_at(const Json& job) {
  for (const auto& condition : list_at(job, "status/conditions")) {
    const std::string type = string_at(condition, "type");
    if ((type == "Complete" || type == "Failed") && string_at(condition, "status") == "True")
      return parse_rfc3339(string_at(condition, "lastTransitionTime")).value_or(SystemTime{});
  }
  return std::nullopt;
}

bool is_pod_active(const Json& pod) {
  const std::string phase = string_at(pod, "status/phase");
  return phase != "Succeeded" && phase != "Failed" && !is_deleted(pod);
}

bool is_pod_ready(const Json& pod) {
  for (const auto& condition : list_at(pod, "status/conditions"))
    if (string_at(condition, "type") == "Ready") return string_at(condition, "status") == "True";
  return false;
}

FailureVerdict match_failure_policy(const Json& job, const Json& pod) {
  const Json rules = list_at(job, "spec/podFailurePolicy/rules");
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::string matched = match_rule(rules[i], pod);
    if (matched.empty()) continue;
    const std::string action = string_at(rules[i], "action");
    if (action == "Ignore") return {false, std::nullopt};
    if (action == "FailJob") return {true, fmt::format("{} matching {} rule at index {}", matched, action, i)};
    return {};
  }
  return {};
}

std::optional<JobEnd> judge_job(const Json& job, const std::vector<Object>& pods, std::int64_t succeeded,
                                std::int64_t failed, std::int64_t active, SystemTime now) {
  for (const auto& pod : pods)
    if (string_at(*pod, "status/phase") == "Failed")
      if (auto verdict = match_failure_policy(job, *pod); verdict.fail_job)
        return JobEnd{"Failed", "PodFailurePolicy", *verdict.fail_job};
  const std::int64_t limit = int_at(job, "spec/backoffLimit").value_or(6);
  if (failed > limit || too_many_restarts(job, pods, limit))
    return JobEnd{"Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"};
  const auto started = parse_rfc3339(string_at(job, "status/startTime"));
  if (const auto deadline = int_at(job, "spec/activeDeadlineSeconds");
      deadline && started && !bool_at(job, "spec/suspend"))
    if (now - *started >= std::chrono::seconds{*deadline})
      return JobEnd{"Failed", "DeadlineExceeded", "Job was active longer than specified deadline"};
  const auto completions = int_at(job, "spec/completions");
  if (active == 0 && (completions ? succeeded >= *completions : succeeded > 0)) return JobEnd{"Complete", "", ""};
  return std::nullopt;
}

std::int64_t wanted_pods(const Json& job, std::int64_t succeeded, std::int64_t active) {
  if (bool_at(job, "spec/suspend")) return 0;
  const std::int64_t parallelism = int_at(job, "spec/parallelism").value_or(1);
  const auto completions = int_at(job, "spec/completions");
  if (!completions) return succeeded > 0 ? std::min(active, parallelism) : parallelism;
  return std::max<std::int64_t>(0, std::min(*completions - succeeded, parallelism));
}

Json pod_of_job(const Json& job) {
  const std::string name = string_at(job, "metadata/name");
  const Json* pod_template = find_path(job, "spec/template");
  Json pod = pod_template != nullptr && pod_template->is_object() ? *pod_template : Json::object();
  pod["apiVersion"] = "v1";
  pod["kind"] = "Pod";
  Json& metadata = pod["metadata"];
  if (!metadata.is_object()) metadata = Json::object();
  metadata.erase("creationTimestamp");
  metadata["generateName"] = name + "-";
  metadata["namespace"] = string_at(job, "metadata/namespace");
  metadata["finalizers"].push_back(kJobTracking);
  metadata["ownerReferences"] = Json::array({{{"apiVersion", "batch/v1"},
                                              {"kind", "Job"},
                                              {"name", name},
                                              {"uid", string_at(job, "metadata/uid")},
                                              {"controller", true},
                                              {"blockOwnerDeletion", true}}});
  return pod;
}

bool set_job_condition(Json& status, const std::string& type, bool value, const std::string& reason,
                       const std::string& message, SystemTime now, bool only_change) {
  Json& conditions = status["conditions"];
  if (!conditions.is_array()) conditions = Json::array();
  const std::string text = value ? "True" : "False", stamp = format_rfc3339(now);
  Json fresh{{"type", type}, {"status", text}, {"lastProbeTime", stamp}, {"lastTransitionTime", stamp}};
  if (!reason.empty()) fresh["reason"] = reason;
  if (!message.empty()) fresh["message"] = message;
  for (auto& condition : conditions) {
    if (string_at(condition, "type") != type) continue;
    if (string_at(condition, "status") == text && string_at(condition, "reason") == reason) return false;
    condition = std::move(fresh);
    return true;
  }
  if (only_change) {
    if (conditions.empty()) status.erase("conditions");
    return false;
  }
  conditions.push_back(std::move(fresh));
  return true;
}

}  // namespace fracta::devcluster
