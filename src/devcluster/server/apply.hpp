// Server-side apply.
#pragma once

#include "devcluster/server/managers.hpp"
#include "devcluster/server/outcome.hpp"

namespace fracta::devcluster {

struct ApplyRequest {
  const Json* live = nullptr;  // null: the object does not exist yet
  const Json* config = nullptr;
  std::string manager;
  bool force = false;
  std::string subresource;
  std::string now;  // RFC 3339
};

struct Applied {
  Json object;  // merged, neither decoded nor defaulted; without managedFields
  Managers managers;
};

// "namespace/name; group/version, Kind=kind", as errors about applying name an object.
std::string described(const Json& object);

// Conflicts with other managers are 409 unless `force`.
Outcome<Applied> apply_config(const Kind& kind, const ApplyRequest& request);

}  // namespace fracta::devcluster
