// ResourceQuota (pkg/quota, plugin resourcequota of Kubernetes 1.26): what objects use, and whether there is room.
#pragma once

#include <string>

#include "devcluster/admission/resources.hpp"
#include "devcluster/server/registry.hpp"
#include "fracta/base/clock.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

// What one object counts for: "count/jobs.batch", "pods", "requests.cpu", ...
ResourceList quota_usage(const Kind& kind, const Json& object, SystemTime now);
// Whether the quota's scopes and hard limits (spec or status: `hard`) concern the object.
bool quota_covers(const Json& quota, const ResourceList& hard, const Kind& kind, const Json& object);
// Of `hard`, what objects of this kind count for.
ResourceList quota_resources(const ResourceList& hard, const Kind& kind);

// Creations, and updates of services and claims: 403 when a quota would be exceeded; else status.used grows (not on a
// dry run). The controller counts again whenever something goes.
Outcome<Done> charge_quota(Store& store, const Clock& clock, const Kind& kind, std::string_view ns, const Json& object,
                           const Json* old, bool dry_run);

}  // namespace fracta::devcluster
