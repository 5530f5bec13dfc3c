// Who uses a stored credential: standing bindings, the configuration, live agents.
#pragma once

#include <string>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"
#include "fracta/controlplane/control_plane.hpp"
#include "fracta/credentials/store.hpp"

namespace fracta::server {

struct CredentialUsage {
  struct Target {
    std::string target;             // runtime/claude
    bool in_configuration = false;  // else a binding
  };
  std::vector<Target> targets;
  std::vector<controlplane::AgentInfo> agents;  // live ones
  [[nodiscard]] bool empty() const { return targets.empty() && agents.empty(); }
  // "bound to runtime/claude; in use by agent nightly"
  [[nodiscard]] std::string to_string() const;
};

Result<CredentialUsage> usage_of(const controlplane::ControlPlane& plane, credentials::CredentialStore& store,
                                 const credentials::StoredCredential& credential);
Json usage_to_json(const CredentialUsage& usage, const credentials::StoredCredential& credential);

}  // namespace fracta::server
