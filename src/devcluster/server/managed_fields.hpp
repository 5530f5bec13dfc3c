// metadata.managedFields: who set which field, as server-side apply needs to know.
#pragma once

#include "devcluster/server/managers.hpp"
#include "devcluster/server/registry.hpp"
#include "devcluster/server/typed_value.hpp"

namespace fracta::devcluster {

// Notes the writer's fields in `object` for an ordinary write (operation Update). Called on what the client wants,
// before admission and the server's own fields. `old` null: a creation.
void track_fields(const Kind& kind, Json& object, const Json* old, const WriteOptions& options,
                  std::string_view subresource, const Clock& clock);

// A write that would change nothing but the times of managedFields changes nothing.
void keep_times(Json& object, const Json& old);

// The fields a write through this subresource cannot change, so nobody owns them by it.
FieldSet reset_fields(const Kind& kind, std::string_view subresource);
// What is never owned: names, versions and other system metadata.
const FieldSet& unowned_fields();
// The object of a kind before anybody wrote it.
Json empty_object(const Kind& kind);
std::string now_text(const Clock& clock);

// The owners after `change` was made (by `self` when not null): nobody owns what others changed or what has gone.
void take_over(Managers& managers, const Comparison& change, const ManagerId* self);
// Entries of versions this server does not know are forgotten.
void drop_foreign_versions(Managers& managers, const Kind& kind);
// The bookkeeping of one ordinary write. kInvalid: the object cannot be compared.
Result<void> note_update(Managers& managers, const Kind& kind, const Json& before, const Json& after,
                         const std::string& manager, std::string_view subresource, const std::string& now);

}  // namespace fracta::devcluster
