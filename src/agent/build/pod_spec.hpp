// The one shape of pod (design §2.4), shared by the Job's template and stream pods.
#pragma once

#include "agent/build/plan.hpp"

namespace fracta::agent {

Json make_pod_spec(const Plan& plan);

// corev1.ResourceRequirements; an empty object when nothing is set.
Json resources_json(const config::Resources& resources);

}  // namespace fracta::agent
