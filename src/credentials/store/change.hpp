// What clients may write: sizes, characters, and the merge of a change into what is there. Pure.
#pragma once

#include "credentials/store/secret_codec.hpp"
#include "fracta/base/clock.hpp"
#include "fracta/credentials/store.hpp"

namespace fracta::credentials {

// kInvalid names the field.
Result<void> check_fields(const StoredCredential& credential);

// What the change makes of `old`; token included only when the change brings one.
StoredCredential merged(StoredCredential old, const CredentialChange& change);

// Whether the provider has to look at the result again.
bool needs_inspection(const CredentialChange& change);

ValidationOptions validation_options(const StoreOptions& options, SystemTime now);

}  // namespace fracta::credentials
