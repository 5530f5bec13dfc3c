#include "server/credentials/access.hpp"

#include <algorithm>

#include "server/credentials/replies.hpp"

namespace fracta::server {

Result<void> may(const Caller& caller, std::string_view verb, const std::string& name) {
  return caller.may({.verb = std::string(verb), .resource = "credentials", .subresource = "", .name = name, .url = ""});
}

std::optional<net::ServerResponse> refuse_access(const Caller& caller, std::string_view verb,
                                                 const credentials::StoredCredential& credential) {
  const auto allowed = may(caller, verb, credential.name);
  if (allowed) return {};
  if (allowed.error().code != ErrorCode::kForbidden) return credential_error(allowed.error());
  if (verb == "get" || !may(caller, "get", credential.name)) return credential_not_found(credential.id);
  return credential_error(ApiError::kForbidden, allowed.error().message);
}

Result<PodAccess> pod_access(const controlplane::ControlPlane& plane, const Caller& caller, const std::string& id) {
  const auto& pod = caller.identity().pod;
  if (!pod || pod->ns != plane.config().kubernetes.ns) return PodAccess::kNoAgent;
  const auto agent = plane.agent_of_pod(pod->name, pod->uid);
  if (!agent) {
    // Forbidden, not found: a pod that is no live agent of ours. It is somebody else, whom RBAC knows or does not.
    if (agent.error().code == ErrorCode::kForbidden || agent.error().code == ErrorCode::kNotFound)
      return PodAccess::kNoAgent;
    return agent.error();
  }
  const bool own = std::any_of(agent->credentials.begin(), agent->credentials.end(),
                               [&](const controlplane::BoundCredential& bound) { return bound.id == id; });
  return own ? PodAccess::kOwn : PodAccess::kForeign;
}

}  // namespace fracta::server
