// The store of credentials: one Kubernetes Secret each, in the controlplane's namespace. This part may not know `kube`:
// what it needs of Kubernetes stands in SecretClient, and the daemon adapts it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"
#include "fracta/credentials/provider.hpp"
#include "fracta/credentials/stored_credential.hpp"

namespace fracta::credentials {

class Keyring;  // keyring.hpp

// core/v1 Secrets of one namespace, as JSON. Errors keep the API server's meaning: kNotFound, kAlreadyExists,
// kConflict (resourceVersion), kForbidden, kUnavailable, ... Thread-safe; every call has a deadline.
class SecretClient {
 public:
  virtual ~SecretClient() = default;
  virtual Result<std::vector<std::shared_ptr<const Json>>> list(const std::string& label_selector) = 0;
  virtual Result<std::shared_ptr<const Json>> get(const std::string& name) = 0;
  virtual Result<std::shared_ptr<const Json>> create(const Json& secret) = 0;
  virtual Result<std::shared_ptr<const Json>> replace(const Json& secret) = 0;  // with metadata.resourceVersion
  // Only that very object, and only as it was read; "" = any. kNotFound is success, kConflict: it changed since.
  virtual Result<void> remove(const std::string& name, const std::string& uid, const std::string& resource_version) = 0;
};

struct StoreOptions {
  std::string ns;
  bool allow_insecure_skip_tls_verify = false;
  bool allow_proxy_url = false;
};

struct Stored {
  StoredCredential credential;  // without token
  std::vector<std::string> warnings;
};

// A rotation of keys: what was done, or with `dry_run` would be.
struct RotationReport {
  int sealed = 0, resealed = 0, current = 0;
  std::vector<std::string> failed;  // "name: why"
};

// Thread-safe.
class CredentialStore {
 public:
  virtual ~CredentialStore() = default;
  virtual Result<std::vector<StoredCredential>> list() = 0;                   // no tokens; sorted by created_at, id
  virtual Result<StoredCredential> get(const std::string& id) = 0;            // no token; kNotFound
  virtual Result<StoredCredential> get_by_name(const std::string& name) = 0;  // no token; kNotFound
  virtual Result<StoredCredential> with_token(const std::string& id) = 0;     // kNotFound; wrong key: an error
  virtual Result<Stored> create(const CredentialChange& change) = 0;          // kInvalid, kAlreadyExists
  virtual Result<Stored> update(const std::string& id, const CredentialChange&) = 0;  // kInvalid, kNotFound, kConflict
  // Idempotent. With a resource_version only as it was seen then (kConflict otherwise); "" = however it is now.
  virtual Result<void> remove(const std::string& id, const std::string& resource_version) = 0;
  virtual Result<RotationReport> rotate_keys(bool dry_run) = 0;
  // Standing bindings: "runtime/claude", "agent/nightly", "project/fracta" (docs/credentials.md). Idempotent.
  virtual Result<void> bind(const std::string& id, const std::string& target) = 0;
  virtual Result<void> unbind(const std::string& id, const std::string& target) = 0;
  struct Binding {
    std::string credential_id, credential_name, provider, target;
  };
  virtual Result<std::vector<Binding>> bindings() = 0;
};

// What bind() accepts: "runtime/NAME", "agent/NAME" or "project/NAME". kInvalid says so.
Result<void> check_binding_target(std::string_view target);
// 27 base-62 characters: what ids look like, and names therefore must not.
bool is_credential_id(std::string_view text);

// `keyring` may be null: tokens are then stored as the Secret's data, and a sealed one is an error.
std::unique_ptr<CredentialStore> make_secret_store(std::shared_ptr<SecretClient> secrets,
                                                   std::shared_ptr<const Keyring> keyring, const Clock& clock,
                                                   StoreOptions options);

}  // namespace fracta::credentials
