// metadata.managedFields takes more room as a tree of values than the rest of an object, and hardly anybody looks into
// it. Inside the cluster's memory each entry's fieldsV1 is therefore one JSON text; it is a tree again in every answer.
#pragma once

#include <string>

#include <nlohmann/json.hpp>
#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

[[nodiscard]] bool has_packed_owners(const Json& object);
// The object, or a whole "metadata" value, with fieldsV1 as clients know it.
void unpack_owners(Json& object);
void unpack_owners_in_metadata(Json& metadata);

}  // namespace fracta::devcluster
