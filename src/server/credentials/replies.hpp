// Replies of the credentials API: objects, list envelope and errors in the shapes ambient clients know
// (shared/reference/ambient-upstream.md §2.4-2.6).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"
#include "fracta/credentials/stored_credential.hpp"
#include "fracta/net/http_server.hpp"

namespace fracta::server {

// Numbers of the error body; the HTTP status follows from them unless a status is given.
enum class ApiError {
  kForbidden = 4,
  kConflict = 6,
  kNotFound = 7,
  kValidation = 8,
  kGeneral = 9,
  kUnauthenticated = 15,
  kMalformed = 17,
  kBadRequest = 21,
  kSearch = 23,
};

net::ServerResponse credential_error(ApiError number, std::string_view reason, int status = 0);
// From the store, the cluster or an access check.
net::ServerResponse credential_error(const Error& error);
// Any other error answer of this server in the same shape; success answers pass.
net::ServerResponse as_credential_reply(net::ServerResponse answer);

net::ServerResponse credential_not_found(std::string_view id);

Json credential_to_json(const credentials::StoredCredential& credential);
// With the entity tag of its version.
net::ServerResponse credential_reply(int status, const credentials::StoredCredential& credential,
                                     const std::vector<std::string>& warnings = {});
std::string entity_tag(const credentials::StoredCredential& credential);
// Whether one of the tags in an If-Match or If-None-Match header is this credential's; "*" always is.
bool tag_matches(std::string_view header, const credentials::StoredCredential& credential);

// Where the six operations are served; the first is the project's own, the others are aliases.
const std::vector<std::string>& credential_prefixes();

inline constexpr std::string_view kCredentialsPath = "/api/ambient/v1/credentials";  // of hrefs, whatever the alias

}  // namespace fracta::server
