// The patch types of the Kubernetes API as functions on values.
#pragma once

#include "devcluster/schema/schema.hpp"
#include "devcluster/server/outcome.hpp"

namespace fracta::devcluster {

Outcome<Json> json_patch(const Json& target, const Json& operations);  // RFC 6902
Json merge_patch(const Json& target, const Json& patch);               // RFC 7386
// Lists merge by key or as sets where the schema says so; $patch, $setElementOrder, $deleteFromPrimitiveList,
// $retainKeys.
Outcome<Json> strategic_merge_patch(const Json& target, const Json& patch, const StructType& type);

}  // namespace fracta::devcluster
