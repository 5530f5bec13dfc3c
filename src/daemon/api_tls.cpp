#include "daemon/api_tls.hpp"

#include "fracta/base/file.hpp"
#include "fracta/server/api_server.hpp"

namespace fracta::daemon {

Result<ApiTlsParts> make_api_tls(const config::Config& config, kube::Client& client, const Clock& clock) {
  ApiTlsParts parts;
  const auto& tls = config.api_tls;
  if (tls.self_signed) {
    ServingCertificate::Options options;
    options.ns = config.kubernetes.ns;
    options.names = serving_names(options.ns, tls.names);
    auto certificate = ServingCertificate::create(client, clock, std::move(options));
    if (!certificate) return certificate.error();
    parts.certificate = *std::move(certificate);
    auto* source = parts.certificate.get();
    parts.server.certificate_source = [source] { return source->current(); };
    parts.ca_pem = [source] { return source->ca_pem(); };
  } else if (!tls.certificate_file.empty()) {
    parts.server.certificate_file = tls.certificate_file;
    parts.server.key_file = tls.key_file;
    const auto file = tls.ca_file.empty() ? tls.certificate_file : tls.ca_file;
    parts.ca_pem = [file] { return read_file(file, 1u << 20).value_or(""); };
  }
  return parts;
}

std::string agents_url(const config::Config& config, bool tls, const std::string& bound_address) {
  if (!config.control_plane_url.empty()) return config.control_plane_url;
  const std::string scheme = tls ? "https://" : "http://";
  const auto bound = server::parse_listen_address(bound_address);
  if (bound && server::is_loopback(bound->host)) return scheme + bound_address;
  if (!tls) return "";  // tokens do not travel unencrypted to somewhere else
  return scheme + "fracta-controlplane." + config.kubernetes.ns + ".svc:" + std::to_string(bound ? bound->port : 9090);
}

}  // namespace fracta::daemon
