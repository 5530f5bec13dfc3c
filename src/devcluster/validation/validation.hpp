// The checks a real API server makes on whole objects: words, paths and order as in Kubernetes 1.26.
#pragma once

#include <string_view>

#include "devcluster/validation/field_errors.hpp"

namespace fracta::devcluster {

void validate_create(const Kind& kind, const Json& object, FieldErrors& errors);
// `subresource` "" or "status".
void validate_update(const Kind& kind, const Json& object, const Json& old, std::string_view subresource,
                     FieldErrors& errors);

// metadata.go
void validate_object_meta(const Kind& kind, const Json& metadata, FieldErrors& errors);
void validate_object_meta_update(const Json& metadata, const Json& old, FieldErrors& errors);

// Kinds with checks of their own; `path` is where the object stands.
void validate_pod(const Json& pod, FieldErrors& errors);
void validate_pod_update(const Json& pod, const Json& old, FieldErrors& errors);
void validate_pod_spec(const Json& spec, std::string_view path, FieldErrors& errors);
// Labels, annotations and spec of a template inside another kind.
void validate_pod_template(const Json& pod_template, std::string_view path, FieldErrors& errors);
void validate_job(const Json& job, FieldErrors& errors);
void validate_job_update(const Json& job, const Json& old, FieldErrors& errors);
void validate_config_map(const Json& object, FieldErrors& errors);
void validate_config_map_update(const Json& object, const Json& old, FieldErrors& errors);
void validate_secret(const Json& object, FieldErrors& errors);
void validate_secret_update(const Json& object, const Json& old, FieldErrors& errors);

void validate_deployment(const Json& deployment, FieldErrors& errors);
void validate_replica_set(const Json& replica_set, FieldErrors& errors);
void validate_apps_update(const Kind& kind, const Json& object, const Json& old, std::string_view subresource,
                          FieldErrors& errors);
void validate_rbac(const Kind& kind, const Json& object, const Json* old, FieldErrors& errors);
void validate_lease(const Json& lease, FieldErrors& errors);
// `kind` is the one that was asked for: events.k8s.io holds new events to more than core does. `old` null: a creation.
void validate_event(const Kind& kind, const Json& event, const Json* old, FieldErrors& errors);
void validate_service(const Json& service, FieldErrors& errors);
void validate_claim(const Json& claim, FieldErrors& errors);
void validate_claim_update(const Json& claim, const Json& old, FieldErrors& errors);
void validate_resource_quota(const Json& quota, FieldErrors& errors);
void validate_resource_quota_update(const Json& quota, const Json& old, FieldErrors& errors);
void validate_limit_range(const Json& range, FieldErrors& errors);
void validate_network_policy(const Json& policy, FieldErrors& errors);

// Pieces shared between files.
void validate_labels(const Json& labels, std::string_view path, FieldErrors& errors);
void validate_annotations(const Json& annotations, std::string_view path, FieldErrors& errors);
void validate_qualified_name(std::string_view name, std::string_view path, FieldErrors& errors);

}  // namespace fracta::devcluster
