// A stored credential as a Kubernetes Secret, and back. The way back trusts nothing: anybody who may write Secrets in
// the namespace can put our label on theirs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"
#include "fracta/credentials/stored_credential.hpp"

namespace fracta::credentials {

inline constexpr const char* kSecretType = "fracta.io/credential";
inline constexpr const char* kCredentialLabel = "fracta.io/credential";  // "true"
inline constexpr const char* kIdLabel = "fracta.io/credential-id";
inline constexpr const char* kProviderLabel = "fracta.io/provider";
inline constexpr const char* kBindingsAnnotation = "fracta.io/credential-bindings";  // JSON list of targets
inline constexpr const char* kRenamedFromAnnotation = "fracta.io/renamed-from";      // uid of the former Secret

// What stands in one Secret.
struct Record {
  StoredCredential credential;  // without token
  std::string stored_token;     // sealed or plain; ""
  std::vector<std::string> bindings;
  std::string secret_name, uid, renamed_from, secret_created_at;
};

// Unique by construction: two names never share a Secret, so that creating one that exists fails in the API server.
std::string secret_name_of(std::string_view credential_name);

// With metadata.resourceVersion when the credential has one (a replacement).
Json encode_secret(const Record& record, const std::string& ns);
// kInvalid says why it is none of ours.
Result<Record> decode_secret(const Json& secret);

}  // namespace fracta::credentials
