#include "config/keys.hpp"

namespace fracta::config {

std::vector<KeySpec> api_keys() {
  using enum KeyType;
  const std::string block = "control_plane_api";
  return {
      {block, kObject, "", ""},
      {block + ".listen", kString, ":9090", "Address the controlplane's HTTP API listens on."},
      {block + ".url", kString, "",
       "Where the command line and agents find the controlplane. Agents' default: its Service, over TLS only."},
      {block + ".client_mode", kString, "auto", "`auto`, `local` or `remote`."},
      {block + ".tls", kObject, "", ""},
      {block + ".tls.certificate_file", kString, "",
       "Certificate and chain (PEM) of the API; with `key_file`. Re-read when it changes."},
      {block + ".tls.key_file", kString, "", "Private key (PEM) of the certificate."},
      {block + ".tls.ca_file", kString, "",
       "What agents are to trust (PEM). Default with `certificate_file`: that certificate itself."},
      {block + ".tls.self_signed", kBoolean, "false",
       "The controlplane makes a CA and a certificate, keeps them in Secret `fracta-controlplane-tls` of its namespace "
       "and renews them."},
      {block + ".tls.names", kStringList, "",
       "Names and addresses of the self-signed certificate, besides those of Service `fracta-controlplane` and "
       "localhost."},
      {block + ".auth", kObject, "", ""},
      {block + ".auth.mode", kString, "",
       "Who may call: `kubernetes` (the cluster checks tokens and RBAC), `static` (a token file) or `none` (loopback "
       "addresses only). Default: `none` on a loopback address, else `kubernetes`."},
      {block + ".auth.token_file", kString, "",
       "Of mode `static`: lines `token,user,\"role,role\"`; roles `viewer`, `operator`, `credential-admin`. Re-read "
       "when it changes."},
      {block + ".auth.audiences", kStringList, "",
       "Of mode `kubernetes`: a token must be meant for one of these. Agents' tokens are for the first. Default: the "
       "cluster's own audience, and `fracta` for agents."},
      {block + ".rate_limits", kObject, "", ""},
      {block + ".rate_limits.per_identity", kInteger, "100",
       "Requests a second of one identity; five times as many at once. The rest gets 429. 0: no limit."},
      {block + ".rate_limits.per_address", kInteger, "200", "The same for one address. 0: no limit."},
  };
}

}  // namespace fracta::config
