// Pod Security Standards "baseline" and "restricted" on a finished pod spec (kubernetes.io, Pod Security Standards).
#pragma once

#include <string>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"
#include "fracta/config/config.hpp"

namespace fracta::agent {

// Appends one cause per offence; `field` is relative to the pod: "spec.containers[0].securityContext.privileged".
// kDefault and kNone ask for nothing.
void check_pod_policy(const Json& pod_spec, config::PodSecurity level, std::vector<ErrorCause>& offences);

}  // namespace fracta::agent
