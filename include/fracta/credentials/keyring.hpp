// Tokens sealed at rest: AES-256-GCM, bound to the credential's id, in the envelope `enc:v{N}:{base64}` where N selects
// the key and the bytes are nonce, ciphertext and tag (shared/reference/ambient-upstream.md §2.10).
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/result.hpp"

namespace fracta::credentials {

// The keys by version. Immutable, thread-safe.
class KeySet {
 public:
  // `keyring`: JSON object, version -> base64 of 32 bytes; `version`: the active one. kInvalid never repeats a key.
  static Result<KeySet> parse(std::string_view keyring, std::string_view version);

  // "" stays "". Otherwise the envelope under the active key.
  [[nodiscard]] std::string seal(std::string_view token, std::string_view credential_id) const;
  // kInvalid: no envelope, an unknown version, or not sealed for this credential by that key.
  [[nodiscard]] Result<std::string> open(std::string_view envelope, std::string_view credential_id) const;
  [[nodiscard]] int active_version() const { return active_; }
  [[nodiscard]] std::vector<int> versions() const;  // ascending

 private:
  std::vector<std::pair<int, std::string>> keys_;
  int active_ = 0;
};

// Whether a stored value claims to be sealed: begins with "enc:". What claims it and is no envelope is an error.
bool is_sealed(std::string_view value);
// N of `enc:v{N}:...`; nothing when it is no envelope.
std::optional<int> sealed_version(std::string_view value);

// A mounted Secret with the files `keyring` and `version`, read again when one of them changed. A broken change keeps
// the keys that were good, with a line in the log: the operator's typing error must not lock every agent out.
// Thread-safe.
class Keyring {
 public:
  // kNotFound, kInvalid: names the file and what is wrong in it.
  static Result<std::shared_ptr<const Keyring>> load(const std::string& directory);
  // For tests and tools: fixed keys.
  static std::shared_ptr<const Keyring> of(KeySet keys);
  [[nodiscard]] std::shared_ptr<const KeySet> current() const;

 private:
  Keyring(std::string directory, KeySet keys, std::string fingerprint);
  const std::string directory_;  // empty: fixed
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const KeySet> keys_;
  mutable std::string fingerprint_;  // of the texts that were read last, good or not
};

}  // namespace fracta::credentials
