// What a client is told about one agent: names, derived state, where it runs. A value, no reference into the cache.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/controlplane/bound_credentials.hpp"

namespace fracta::controlplane {

// As Kubernetes' own: "CredentialsFresh", of agents whose credential files are renewed while they run.
struct AgentCondition {
  std::string type;
  bool status = true;
  std::string reason, message;
};

struct AgentInfo {
  std::string name;    // as given at spawn
  std::string id;      // agent::agent_id(name)
  std::string kind;    // Job | Pod
  std::string object;  // name of that Job or Pod
  std::string ns;
  std::string mode;  // batch | stream
  std::string runtime, model;
  std::string phase;  // Queued Pending Running Idle Completed Failed Stopped
  bool terminal = false;
  std::string reason, message, next_step;
  std::optional<int> exit_code;
  std::string pod_name, node, pod_ip;
  bool ready = false;
  int restarts = 0;
  std::vector<BoundCredential> credentials;
  std::vector<AgentCondition> conditions;
  std::optional<SystemTime> created_at, started_at, finished_at, deadline, last_event_at;
};

}  // namespace fracta::controlplane
