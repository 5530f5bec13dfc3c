#include "devcluster/store/packed_owners.hpp"

#include "fracta/base/json.hpp"

namespace fracta::devcluster {

bool has_packed_owners(const Json& object) {
  const Json* list = find_path(object, "metadata/managedFields");
  return list != nullptr && list->is_array() && !list->empty();
}

void unpack_owners_in_metadata(Json& metadata) {
  if (!metadata.is_object()) return;
  const auto list = metadata.find("managedFields");
  if (list == metadata.end() || !list->is_array()) return;
  for (Json& entry : *list) {
    const Json* fields = find(entry, "fieldsV1");
    if (fields == nullptr || !fields->is_string()) continue;
    if (auto tree = parse_json(fields->get_ref<const std::string&>())) entry["fieldsV1"] = std::move(*tree);
  }
}

void unpack_owners(Json& object) {
  if (object.is_object() && object.contains("metadata")) unpack_owners_in_metadata(object["metadata"]);
}

}  // namespace fracta::devcluster
