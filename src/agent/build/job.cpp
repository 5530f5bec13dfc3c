#include <nlohmann/json.hpp>

#include "agent/build/labels.hpp"
#include "agent/build/plan.hpp"
#include "agent/build/pod_spec.hpp"
#include "fracta/base/json.hpp"

namespace fracta::agent {

Json make_job(const Plan& plan) {
  const auto& kubernetes = plan.config.kubernetes;
  const config::StringMap labels = object_labels(plan);
  // One attempt: a second one would start from a half-done workspace and spend again.
  Json spec = {{"backoffLimit", 0}, {"ttlSecondsAfterFinished", kubernetes.job_ttl_seconds}};
  if (plan.active_deadline_seconds) spec["activeDeadlineSeconds"] = *plan.active_deadline_seconds;
  spec["template"] = {{"metadata", {{"labels", labels}, {"annotations", pod_annotations(plan)}}},
                      {"spec", make_pod_spec(plan)}};
  const Json metadata = {{"name", job_name(plan.id)},
                         {"namespace", kubernetes.ns},
                         {"labels", labels},
                         {"annotations", owner_annotations(plan)}};
  return {{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"metadata", metadata}, {"spec", std::move(spec)}};
}

Json pod_from_job(const Json& job) {
  Json pod = {{"apiVersion", "v1"}, {"kind", "Pod"}};
  const Json* metadata = find_path(job, "spec/template/metadata");
  pod["metadata"] = metadata != nullptr ? *metadata : Json::object();
  pod["metadata"]["name"] = string_at(job, "metadata/name");
  if (const Json* ns = find_path(job, "metadata/namespace")) pod["metadata"]["namespace"] = *ns;
  const Json* spec = find_path(job, "spec/template/spec");
  pod["spec"] = spec != nullptr ? *spec : Json::object();
  return pod;
}

}  // namespace fracta::agent
