// What differs from kind to kind when objects are written.
#pragma once

#include <optional>
#include <string>

#include "devcluster/schema/kinds.hpp"
#include "devcluster/server/registry.hpp"

namespace fracta::devcluster {

// Fills in what a real server's defaulting would; called after every decode.
void apply_defaults(const Kind& kind, Json& object);

// Before validation: drops what the client may not set and sets what the server does (status, labels, generation).
void prepare_create(const Kind& kind, Json& object);
void prepare_update(const Kind& kind, Json& object, const Json& old, std::string_view subresource);

// Mutating and validating admission of creations: namespace life cycle, service accounts, priorities.
Outcome<Done> admit_create(const Registry& registry, const Kind& kind, std::string_view ns, Json& object);
// Validating admission, once the object is known to be valid (`old` null: it is new): limit ranges, Pod Security and,
// at the very end because it charges, quotas.
Outcome<Done> admit_valid(Registry& registry, const Kind& kind, std::string_view ns, const Json& object,
                          const Json* old, const WriteOptions& options);
// Mutating admission of updates: what creations were given stays when a client leaves it out.
void admit_update(const Kind& kind, std::string_view subresource, const Json& old, Json& object);

// service_addresses.cpp
Outcome<Done> give_address(const Registry& registry, Json& service);
void keep_address(const Json& old, Json& service);

// How long a deletion may take; 0 = at once.
std::int64_t grace_period(const Kind& kind, const Json& object, std::optional<std::int64_t> asked);
// "Background", "Orphan": used when the client did not say.
std::string_view default_propagation(const Kind& kind);
bool returns_deleted_object(const Kind& kind);
bool allows_unconditional_update(const Kind& kind);
// PUT of what is not there creates it.
bool allows_create_on_update(const Kind& kind);

// Pieces of apply_defaults with files of their own.
void default_pod_spec(Json& spec);
void default_pod(Json& pod);
void default_job(Json& job);
void default_deployment(Json& deployment);
void default_replica_set(Json& replica_set);

}  // namespace fracta::devcluster
