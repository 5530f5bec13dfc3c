// metadata.managedFields: who set which field, as server-side apply needs to know.
#pragma once

#include "devcluster/server/registry.hpp"

namespace fracta::devcluster {

// Notes the writer's fields in `object` after an ordinary write (operation Update).
void track_fields(const Kind& kind, Json& object, const Json* old, const WriteOptions& options,
                  std::string_view subresource, const Clock& clock);

}  // namespace fracta::devcluster
