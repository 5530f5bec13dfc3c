// control_plane_api.tls -> the listener's TLS, and what agents need to reach it.
#pragma once

#include <memory>

#include "daemon/serving_certificate.hpp"
#include "fracta/config/config.hpp"
#include "fracta/net/http_server.hpp"

namespace fracta::daemon {

struct ApiTlsParts {
  net::ServerTlsOptions server;
  std::unique_ptr<ServingCertificate> certificate;  // null unless self_signed; outlives the listener
  std::function<std::string()> ca_pem;              // null: plain HTTP; uses `certificate`
  [[nodiscard]] bool enabled() const { return static_cast<bool>(ca_pem); }
};

Result<ApiTlsParts> make_api_tls(const config::Config& config, kube::Client& client, const Clock& clock);

// control_plane_api.url, else the Service's name over TLS; on a loopback address, the address itself.
std::string agents_url(const config::Config& config, bool tls, const std::string& bound_address);

}  // namespace fracta::daemon
