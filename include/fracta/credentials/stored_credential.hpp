// A stored credential: registered once through the API, fetched by the agents it is bound to. Schema and names:
// shared/reference/ambient-upstream.md §2.4 (docs/credentials.md, "Stored credentials").
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fracta::credentials {

struct StoredCredential {
  std::string id;    // 27 base-62 characters (KSUID), given by the store
  std::string name;  // unique
  std::string provider;
  std::string description, url, email;
  std::string labels, annotations;     // JSON objects as text, as clients sent them
  std::string token;                   // the secret; empty when it was not asked for
  std::string created_at, updated_at;  // RFC 3339
  std::string resource_version;        // opaque
  std::string expires_at;              // RFC 3339, of what the token says about itself; "" = unknown or never
};

// What create and update take. In an update an absent value stays, an empty one is stored.
struct CredentialChange {
  std::optional<std::string> name, provider, description, token, url, email, labels, annotations;
  std::string resource_version;  // of an update: refused (kConflict) when it is not the current one; "" = any
};

}  // namespace fracta::credentials
