#include "daemon/access.hpp"

#include "daemon/cluster_access.hpp"
#include "fracta/base/log.hpp"
#include "fracta/server/static_tokens.hpp"

namespace fracta::daemon {

namespace {

constexpr double kBurst = 5;  // times the rate

server::Rate rate(int per_second) { return {static_cast<double>(per_second), kBurst * per_second}; }

Result<std::string> mode_of(const config::Config& config, const std::string& host) {
  const bool loopback = server::is_loopback(host);
  const auto& mode = config.api_auth.mode;
  if (mode.empty()) return std::string(loopback ? "none" : "kubernetes");
  if (mode == "none" && !loopback)
    return make_error(ErrorCode::kInvalid,
                      "control_plane_api.auth.mode: none is for loopback addresses only, and the API listens on " +
                          (host.empty() ? std::string("every address") : host) +
                          ", where anybody could create pods and read credentials; set mode: kubernetes (or static), "
                          "or listen on 127.0.0.1");
  return mode;
}

ClusterAccess cluster_access(const config::Config& config, kube::Client& client) {
  return {client, config.kubernetes.ns, config.api_auth.audiences, agent_audience(config)};
}

// People come from the file, agents with tokens of their pods: the cluster vouches for those alone.
server::Authenticator static_or_pod(server::Authenticator from_file, server::Authenticator from_cluster,
                                    const std::string& audience) {
  return [from_file = std::move(from_file), from_cluster = std::move(from_cluster),
          audience](const net::ServerRequest& request) -> Result<server::Identity> {
    auto identity = from_file(request);
    if (identity || identity.error().code != ErrorCode::kUnauthenticated) return identity;
    const auto token = server::bearer_token(request);
    const auto claims = token ? server::token_claims(*token) : std::nullopt;
    if (!claims || std::find(claims->audiences.begin(), claims->audiences.end(), audience) == claims->audiences.end())
      return identity;
    auto pod = from_cluster(request);
    if (pod && !pod->pod) return identity;
    return pod;
  };
}

}  // namespace

std::string agent_audience(const config::Config& config) {
  return config.api_auth.audiences.empty() ? "fracta" : config.api_auth.audiences.front();
}

Result<void> configure_access(const config::Config& config, kube::Client& client, const Clock& clock,
                              server::Options& options) {
  auto mode = mode_of(config, options.host);
  if (!mode) return mode.error();
  const bool plain = config.api_tls.certificate_file.empty() && !config.api_tls.self_signed;
  log::info("daemon", "access to the API", {{"mode", *mode}, {"tls", !plain}});
  if (*mode == "none") return {};
  if (plain && !server::is_loopback(options.host))
    log::warn("daemon",
              "bearer tokens arrive unencrypted: set control_plane_api.tls.self_signed: true, or certificate_file and "
              "key_file, unless something in front of this process ends TLS");
  options.per_identity = rate(config.api_rate_limits.per_identity);
  options.per_peer = rate(config.api_rate_limits.per_address);
  const auto cluster = cluster_access(config, client);
  auto from_cluster = server::make_token_authenticator(clock, make_token_reviewer(cluster));
  if (*mode == "kubernetes") {
    options.authenticate = std::move(from_cluster);
    options.authorize = server::make_access_authorizer(clock, make_access_reviewer(cluster));
    return {};
  }
  auto tokens = server::StaticTokens::create(config.api_auth.token_file);
  if (!tokens) return tokens.error().with_context("control_plane_api.auth.token_file");
  options.authenticate = static_or_pod((*tokens)->authenticator(), std::move(from_cluster), cluster.agent_audience);
  options.authorize = server::StaticTokens::authorizer();
  return {};
}

}  // namespace fracta::daemon
