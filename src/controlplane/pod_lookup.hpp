// Which agent a pod belongs to, for pods that ask for credentials. Thread-safe.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>

#include "controlplane/agent_cache.hpp"
#include "fracta/base/result.hpp"
#include "fracta/kube/client.hpp"

namespace fracta::controlplane {

class PodLookup {
 public:
  PodLookup(kube::Client& client, const AgentCache& cache, std::string ns, std::chrono::milliseconds call_timeout);

  // Id of the agent whose live pod has this name and uid. kForbidden says why it is none; kUnavailable: it cannot be
  // told now. A pod that the cache does not know (yet) is asked for once.
  Result<std::string> agent_of(std::string_view name, std::string_view uid, const std::stop_token& stop) const;

 private:
  Result<agent::PodSummary> find(const std::string& name, std::string_view uid, const std::stop_token& stop) const;

  kube::Client& client_;
  const AgentCache& cache_;
  const std::string ns_;
  const std::chrono::milliseconds call_timeout_;
};

}  // namespace fracta::controlplane
