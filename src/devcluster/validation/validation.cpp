#include "devcluster/validation/validation.hpp"

#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"

namespace fracta::devcluster {

void validate_create(const Kind& kind, const Json& object, FieldErrors& errors) {
  validate_object_meta(kind, object["metadata"], errors);
  if (kind.plural == "pods")
    validate_pod(object, errors);
  else if (kind.plural == "jobs")
    validate_job(object, errors);
  else if (kind.plural == "configmaps")
    validate_config_map(object, errors);
  else if (kind.plural == "secrets")
    validate_secret(object, errors);
  else if (kind.plural == "deployments")
    validate_deployment(object, errors);
  else if (kind.plural == "replicasets")
    validate_replica_set(object, errors);
  else if (kind.group == "rbac.authorization.k8s.io")
    validate_rbac(kind, object, nullptr, errors);
  else if (kind.plural == "leases")
    validate_lease(object, errors);
  else if (kind.plural == "services")
    validate_service(object, errors);
  else if (kind.plural == "events")
    validate_event(kind, object, nullptr, errors);
  else if (kind.plural == "persistentvolumeclaims")
    validate_claim(object, errors);
  else if (kind.plural == "resourcequotas")
    validate_resource_quota(object, errors);
  else if (kind.plural == "limitranges")
    validate_limit_range(object, errors);
  else if (kind.plural == "networkpolicies")
    validate_network_policy(object, errors);
}

void validate_update(const Kind& kind, const Json& object, const Json& old, std::string_view subresource,
                     FieldErrors& errors) {
  validate_object_meta_update(object["metadata"], old["metadata"], errors);
  if (kind.group == "apps") return validate_apps_update(kind, object, old, subresource, errors);
  if (!subresource.empty()) return;
  if (kind.plural == "pods")
    validate_pod_update(object, old, errors);
  else if (kind.plural == "jobs")
    validate_job_update(object, old, errors);
  else if (kind.plural == "configmaps")
    validate_config_map_update(object, old, errors);
  else if (kind.plural == "secrets")
    validate_secret_update(object, old, errors);
  else if (kind.group == "rbac.authorization.k8s.io")
    validate_rbac(kind, object, &old, errors);
  else if (kind.plural == "leases")
    validate_lease(object, errors);
  else if (kind.plural == "events")
    validate_event(kind, object, &old, errors);
  else if (kind.plural == "services")
    validate_service(object, errors);
  else if (kind.plural == "persistentvolumeclaims")
    validate_claim_update(object, old, errors);
  else if (kind.plural == "resourcequotas")
    validate_resource_quota_update(object, old, errors);
  else if (kind.plural == "limitranges")
    validate_limit_range(object, errors);
  else if (kind.plural == "networkpolicies")
    validate_network_policy(object, errors);
}

}  // namespace fracta::devcluster
