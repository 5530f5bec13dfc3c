// TLS settings of the two sides, made from PEM texts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fracta/base/result.hpp"
#include "fracta/net/http_server.hpp"
#include "fracta/net/transport.hpp"
#include "net/openssl.hpp"

namespace fracta::net {

using TlsContext = std::shared_ptr<SSL_CTX>;

// TLS 1.2 or newer, ALPN http/1.1, no session resumption. kInvalid names what does not parse or belong together.
Result<TlsContext> make_server_context(const std::string& certificate_pem, const std::string& key_pem,
                                       const std::string& client_ca_pem);
Result<TlsContext> make_client_context(const TlsClientOptions& options);

// Whom a client connection talks to: SNI (names only) and the name or address the certificate must carry as SAN.
bool set_expected_host(SSL* ssl, const std::string& host);

struct PeerIdentity {
  std::string common_name;
  std::vector<std::string> organizations;
};
// Of the verified certificate the peer sent; empty if it sent none.
PeerIdentity peer_identity(SSL* ssl);

}  // namespace fracta::net
