// Request bodies in application/vnd.kubernetes.protobuf, which kubectl's typed commands send (create configmap, auth
// can-i, ...). Only read; answers are always JSON, which the same clients accept.
#pragma once

#include <string_view>

#include "devcluster/schema/schema.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"

namespace fracta::devcluster {

// The envelope ("k8s\0" + runtime.Unknown) -> JSON object with apiVersion and kind. kInvalid when it is damaged.
Result<Json> decode_protobuf(std::string_view bytes, const StructType& type);

}  // namespace fracta::devcluster
