#include <nlohmann/json.hpp>

#include "agent/build/labels.hpp"
#include "agent/build/plan.hpp"
#include "agent/build/pod_spec.hpp"

namespace fracta::agent {

Json make_stream_pod(const Plan& plan) {
  Json spec = make_pod_spec(plan);
  if (plan.active_deadline_seconds) spec["activeDeadlineSeconds"] = *plan.active_deadline_seconds;
  const Json metadata = {{"name", stream_pod_name(plan.id)},
                         {"namespace", plan.config.kubernetes.ns},
                         {"labels", object_labels(plan)},
                         {"annotations", owner_annotations(plan)}};
  return {{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", metadata}, {"spec", std::move(spec)}};
}

}  // namespace fracta::agent
