// The prose of `kubectl explain`.
#pragma once

#include <string>

#include "devcluster/schema/schema.hpp"

namespace fracta::devcluster {

// "" where nothing is written.
std::string description_of(const StructType& type);
// Of a field: its own line, what all kinds share, or the text of the field's type.
std::string description_of(const StructType& type, const Field& field);

}  // namespace fracta::devcluster
