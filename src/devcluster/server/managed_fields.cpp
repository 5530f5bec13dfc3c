#include "devcluster/server/managed_fields.hpp"

namespace fracta::devcluster {

void track_fields(const Kind&, Json& object, const Json* old, const WriteOptions&, std::string_view, const Clock&) {
  object["metadata"].erase("managedFields");
  if (old != nullptr && (*old)["metadata"].contains("managedFields"))
    object["metadata"]["managedFields"] = (*old)["metadata"]["managedFields"];
}

}  // namespace fracta::devcluster
