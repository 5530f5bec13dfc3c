// Labels and annotations of everything that belongs to an agent.
#pragma once

#include "agent/build/plan.hpp"

namespace fracta::agent {

// kInvalid for a user label Kubernetes would refuse or that would take over one of Fracta's.
Result<void> check_user_labels(const config::StringMap& labels);

// Config's labels, then the user's, then ours: nobody takes an agent out of the selectors that find it again.
config::StringMap object_labels(const Plan& plan);

// Of the Job's pods and of stream pods: what the state is derived from.
config::StringMap pod_annotations(const Plan& plan);

// Of the owner: the above and what belongs to the agent as a whole. The spec hash is added last, by build().
config::StringMap owner_annotations(const Plan& plan);

}  // namespace fracta::agent
