// What one pod says about its agent; derive_status() puts it together with the Job.
#pragma once

#include "fracta/agent/state.hpp"

namespace fracta::agent {

// The pod of a batch or stream agent, whatever its phase.
AgentStatus status_of_pod(const PodSummary& pod, SystemTime now);

// Why a pod that has ended did not succeed: the most telling of eviction, out of memory, disruption, init container,
// exit code.
AgentStatus failure_of_pod(const PodSummary& pod);

// Sets reason, message and the next step for them.
void explain(AgentStatus& status, std::string reason, std::string message, const std::string& agent);

// Times, exit code and name of the pod.
void fill_facts(AgentStatus& status, const PodSummary& pod);

}  // namespace fracta::agent
