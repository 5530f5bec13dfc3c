// The owners of an object's fields: metadata.managedFields decoded, and its form on the wire.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <string>

#include "devcluster/schema/kinds.hpp"
#include "devcluster/server/field_set.hpp"
#include "fracta/base/clock.hpp"

namespace fracta::devcluster {

// An entry is known by these. One who applies is the same in every version.
struct ManagerId {
  std::string operation;  // "Apply" | "Update"
  std::string manager;
  std::string api_version;  // "" for Apply
  std::string subresource;
  auto operator<=>(const ManagerId&) const = default;
};

struct ManagedEntry {
  FieldSet fields;
  std::string api_version;
  std::optional<std::string> time;  // RFC 3339, as it came
};

using Managers = std::map<ManagerId, ManagedEntry>;

// `list` null or JSON null: nobody. kInvalid when an entry cannot be used.
Result<Managers> decode_managers(const Json* list);
// JSON null when there are none. Each fieldsV1 is packed (store/packed_owners.hpp).
Json encode_managers(const Managers& managers);

// "name" with its subresource and, of an Update, its version and time: as conflicts name an owner.
std::string manager_text(const ManagerId& id, const ManagedEntry& entry);

}  // namespace fracta::devcluster
