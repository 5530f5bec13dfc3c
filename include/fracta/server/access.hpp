// Who calls the daemon's API and what they may do. The server asks through these seams; the daemon answers them with
// TokenReview and SubjectAccessReview of the cluster, or from a static token file. Everything here is thread-safe.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fracta/base/result.hpp"
#include "fracta/net/http_server.hpp"

namespace fracta::server {

// From a service-account token that is bound to a pod (TokenReview's extra
// authentication.kubernetes.io/pod-name and pod-uid).
struct PodIdentity {
  std::string ns, name, uid;
};

struct Identity {
  std::string name;  // empty = anonymous (mode none)
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
  std::optional<PodIdentity> pod;
};

// What SubjectAccessReview is asked: API groups agents.fracta.io and credentials.fracta.io in the controlplane's
// namespace.
struct Attributes {
  std::string verb;         // get list watch create delete update | fetch_token bind
  std::string resource;     // agents | credentials
  std::string subresource;  // log, events, ...; mostly empty
  std::string name;         // empty = any
  std::string url;          // a path like /metrics instead of a resource; then only `verb` counts besides
};

// The token of `Authorization: Bearer`, the only place where one is looked for. kUnauthenticated when there is none,
// kInvalid when the header stands there twice or is malformed. The value is a secret.
Result<std::string> bearer_token(const net::ServerRequest& request);

// Requests of one identity (an agent's pod counts for itself) and of one peer address; 0 = no limit. Probes are not
// counted.
struct Rate {
  double per_second = 0;
  double burst = 0;
};

// kUnauthenticated -> 401, kInvalid -> 400, kResourceExhausted -> 429, kUnavailable -> 503 (the cluster could not be
// asked).
using Authenticator = std::function<Result<Identity>(const net::ServerRequest&)>;
// kForbidden -> 403 with a text that names the verb, the resource and the remedy; kUnavailable -> 503.
using Authorizer = std::function<Result<void>(const Identity&, const Attributes&)>;

}  // namespace fracta::server
