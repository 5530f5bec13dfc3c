// Who may do what with a stored credential: verbs on credentials.fracta.io by the credential's name. That a credential
// exists is told only to those who may get it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fracta/controlplane/control_plane.hpp"
#include "fracta/credentials/store.hpp"
#include "server/caller.hpp"

namespace fracta::server {

Result<void> may(const Caller& caller, std::string_view verb, const std::string& name);

// The answer that refuses `verb` on a credential, or nothing: 403 for whoever may get it, 404 for everybody else.
std::optional<net::ServerResponse> refuse_access(const Caller& caller, std::string_view verb,
                                                 const credentials::StoredCredential& credential);

// The pod of an agent may fetch exactly what is bound to the agent, whatever else RBAC says about its account.
enum class PodAccess { kNoAgent, kOwn, kForeign };
Result<PodAccess> pod_access(const controlplane::ControlPlane& plane, const Caller& caller, const std::string& id);

}  // namespace fracta::server
