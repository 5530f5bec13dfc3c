// Who we are and which API server we talk to: in-cluster identity or kubeconfig, by client-go's rules.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/base/result.hpp"
#include "fracta/net/http.hpp"
#include "fracta/net/transport.hpp"

namespace fracta::kube {

// Supplies the bearer token of each request. Thread-safe.
// Implementations: static text, file (re-read each minute, last good kept when a read fails, client-go
// transport/token_source.go), exec credential plug-in (cached until its expirationTimestamp or a 401).
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  // "" = send no Authorization header. `stop` ends a running plug-in (kCanceled).
  virtual Result<std::string> token(const std::stop_token& stop) = 0;
  // After a 401: the next token() must not answer `refused` from its cache. Naming the token keeps several calls that
  // were refused together from throwing away the fresh one.
  virtual void invalidate(const std::string& refused) { static_cast<void>(refused); }
};

struct ClientConfig {
  net::Url server;
  net::TlsClientOptions tls;
  std::shared_ptr<TokenSource> token;  // null = none
  std::string basic_authorization;     // "Basic ..." (username/password); empty = none. Secret
  net::Headers impersonation;  // Impersonate-User, -Uid, -Group, -Extra-* from as, as-uid, as-groups, as-user-extra
  std::string default_namespace = "default";
  std::string description;  // "in-cluster" or "kubeconfig /path, context c"; for logs and errors
};

struct LoadOptions {
  std::string kubeconfig;  // explicit file; only it is used
  std::string context;     // instead of current-context
};

// Order: explicit file > KUBECONFIG list (merged, first value wins) > in-cluster > ~/.kube/config.
// Errors name the file and the field: kNotFound, kInvalid (e.g. unsupported proxy-url, auth-provider).
Result<ClientConfig> load_client_config(const LoadOptions& options, const Clock& clock);

// The same for a given list of files, merged as a KUBECONFIG list: the first file that names a cluster, user, context
// or current-context wins and the whole entry is taken from it; relative paths are resolved against that file's
// directory; files that do not exist are skipped as long as one does. Error texts read `kubeconfig /p:
// contexts["x"].context.cluster: no cluster "y"` and never hold a credential.
Result<ClientConfig> parse_kubeconfig(const std::vector<std::string>& files, const std::string& context,
                                      const Clock& clock);

// KUBERNETES_SERVICE_HOST/PORT and /var/run/secrets/kubernetes.io/serviceaccount/{token,ca.crt,namespace}.
Result<ClientConfig> in_cluster_config(const Clock& clock,
                                       const std::string& directory = "/var/run/secrets/kubernetes.io/serviceaccount");

}  // namespace fracta::kube
