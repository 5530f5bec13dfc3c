// Ends an agent: deletes its owner in the foreground, then always ConfigMap and Secret. Thread-safe.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "controlplane/agent_cache.hpp"
#include "fracta/base/result.hpp"
#include "fracta/kube/client.hpp"

namespace fracta::controlplane {

class Remover {
 public:
  Remover(kube::Client& client, const AgentCache& cache, std::string ns, std::chrono::milliseconds call_timeout);

  // Upstream's kill: kNotFound when neither Job nor stream pod is there; leftovers are removed all the same.
  Result<void> kill(const std::string& id, const std::stop_token& stop) const;
  // Only the owner, only this very one; its dependents go with it. Success when it is gone already.
  Result<void> remove_owner(const AgentView& view, const std::stop_token& stop) const;

 private:
  enum class Outcome { kDeleted, kAbsent };
  Result<Outcome> remove_ours(const kube::Resource& resource, const std::string& name, const std::string& id,
                              const std::stop_token& stop) const;
  Result<Outcome> remove_exact(const kube::Resource& resource, const std::string& name, const std::string& uid,
                               const std::stop_token& stop) const;

  kube::Client& client_;
  const AgentCache& cache_;
  const std::string ns_;
  const std::chrono::milliseconds call_timeout_;
};

}  // namespace fracta::controlplane
