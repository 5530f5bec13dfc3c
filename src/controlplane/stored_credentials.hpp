// Stored credentials of one agent on their way into the objects that are built for it: names, a manifest for the runner
// and MCP servers; never a value.
#pragma once

#include <string>
#include <vector>

#include "fracta/agent/build.hpp"
#include "fracta/base/result.hpp"
#include "fracta/controlplane/bound_credentials.hpp"
#include "fracta/controlplane/control_plane.hpp"
#include "fracta/controlplane/spawn.hpp"
#include "fracta/credentials/provider.hpp"

namespace fracta::controlplane {

// Where the runner puts things in agents of this configuration. What lands on a claim outlives the pod and may be
// mounted by others, so then everything stays in the container's own /tmp.
credentials::DeliveryPaths delivery_paths(const config::Config& config);

// Fills the fields for stored credentials of `input`; nothing when none is bound. `store` may be null: then asking for
// one is kInvalid. kInvalid: missing or conflicting ones, or no address at which the agent could fetch them safely.
Result<void> add_stored_credentials(credentials::CredentialStore* store, const ControlPlaneEndpoint& endpoint,
                                    const SpawnRequest& request, agent::BuildInput& input,
                                    std::vector<std::string>& warnings);

}  // namespace fracta::controlplane
