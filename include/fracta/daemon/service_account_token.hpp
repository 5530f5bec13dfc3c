// A token for a service account, asked of the cluster of a kubeconfig (TokenRequest): for `fracta login`.
#pragma once

#include <chrono>
#include <string>

#include "fracta/base/result.hpp"

namespace fracta::daemon {

struct ServiceAccountTokenOptions {
  std::string kubeconfig, context;  // empty: as kubectl finds them
  std::string ns, name;
  std::string audience;  // empty: the API server's own
  std::chrono::seconds lifetime{28'800};
};

// The token is a secret. Errors: no kubeconfig, the cluster cannot be reached, or what it says (forbidden, not found).
Result<std::string> request_service_account_token(const ServiceAccountTokenOptions& options);

}  // namespace fracta::daemon
