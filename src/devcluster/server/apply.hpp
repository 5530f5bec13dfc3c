// Server-side apply.
#pragma once

#include "devcluster/server/registry.hpp"

namespace fracta::devcluster {

// `live` null: the object does not exist yet. Conflicts with other managers are 409 unless `force`.
Outcome<Json> apply_patch(const Kind& kind, const Json* live, const Json& applied, const std::string& manager,
                          bool force, std::string_view subresource, const Clock& clock);

}  // namespace fracta::devcluster
