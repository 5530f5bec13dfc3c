// Why a patched object cannot be its type any more, in the words of the converter that a real server uses after
// strategic merge patches (apimachinery's runtime.DefaultUnstructuredConverter).
#pragma once

#include <string>

#include "devcluster/schema/schema.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

// The first mistake in the order of the type's fields; "" when every value has the form of its field. Values of the
// right form may still be wrong (times, quantities, base64).
std::string unstructured_error(const Json& object, const StructType& type);

}  // namespace fracta::devcluster
