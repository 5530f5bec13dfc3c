// Request bodies of the credentials API.
#pragma once

#include <memory>
#include <optional>

#include "fracta/base/json_fwd.hpp"
#include "fracta/credentials/stored_credential.hpp"
#include "fracta/net/http_server.hpp"

namespace fracta::server {

struct ChangeResult {
  std::optional<credentials::CredentialChange> change;
  std::optional<net::ServerResponse> refused;
};
// POST: name and provider must be there, unknown keys are refused. What only the server sets (kind, href, created_at,
// ...) is ignored, so that an object that was read can be sent back; an id is refused.
ChangeResult decode_new_credential(const net::ServerRequest& request);
// PATCH: every key is optional; null is as if absent.
ChangeResult decode_credential_patch(const net::ServerRequest& request);

struct ObjectResult {
  std::shared_ptr<const Json> body;  // an object
  std::optional<net::ServerResponse> refused;
};
// Any other JSON object with only these keys; an empty body is {} when `optional`.
ObjectResult decode_object(const net::ServerRequest& request, const std::vector<std::string>& keys, bool optional);

}  // namespace fracta::server
