#include "fracta/daemon/service_account_token.hpp"

#include <nlohmann/json.hpp>

#include "fracta/base/clock.hpp"
#include "fracta/base/json.hpp"
#include "fracta/kube/client.hpp"
#include "fracta/kube/client_config.hpp"

namespace fracta::daemon {

Result<std::string> request_service_account_token(const ServiceAccountTokenOptions& options) {
  const RealClock clock;
  auto identity = kube::load_client_config({.kubeconfig = options.kubeconfig, .context = options.context}, clock);
  if (!identity) return identity.error();
  auto client = kube::Client::create(std::move(*identity), clock, {.user_agent = "fracta-login"});
  if (!client) return client.error();
  Json spec = {{"expirationSeconds", options.lifetime.count()}};
  if (!options.audience.empty()) spec["audiences"] = {options.audience};
  auto made = (*client)->raw(
      "POST", kube::kServiceAccounts.path(options.ns, options.name) + "/token",
      dump_json({{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenRequest"}, {"spec", std::move(spec)}}));
  if (!made) return made.error().with_context("token of service account " + options.ns + "/" + options.name);
  auto token = string_at(*made, "status/token");
  if (token.empty())
    return make_error(ErrorCode::kInternal, "token of service account " + options.ns + "/" + options.name +
                                                ": the cluster's answer holds none");
  return token;
}

}  // namespace fracta::daemon
