#include "net/tls_context.hpp"

#include <arpa/inet.h>
#include <array>

#include "net/tokens.hpp"

namespace fracta::net {
namespace {

constexpr std::array<unsigned char, 9> kAlpn = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                unsigned int offered_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kAlpn.data(), kAlpn.size(), offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Result<TlsContext> new_context(const SSL_METHOD* method) {
  TlsContext context(SSL_CTX_new(method), [](SSL_CTX* object) { SSL_CTX_free(object); });
  if (context == nullptr) return make_error(ErrorCode::kInternal, "TLS: " + openssl_error_text());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // Renegotiation is only a way to make us work; compression only a way to leak.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  return context;
}

// Leaf first, then the chain, then the key that must fit the leaf.
Result<void> use_certificate(SSL_CTX* context, const std::string& certificate_pem, const std::string& key_pem) {
  auto chain = parse_certificates(certificate_pem);
  if (!chain) return chain.error();
  auto key = parse_private_key(key_pem);
  if (!key) return key.error();
  ERR_clear_error();
  if (SSL_CTX_use_certificate(context, chain->front().get()) != 1) {
    return make_error(ErrorCode::kInvalid, "certificate: " + openssl_error_text());
  }
  for (std::size_t i = 1; i < chain->size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) != 1) {
      return make_error(ErrorCode::kInvalid, "certificate chain: " + openssl_error_text());
    }
  }
  if (SSL_CTX_use_PrivateKey(context, key->get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return make_error(ErrorCode::kInvalid, "certificate and private key do not belong together");
  }
  return {};
}

Result<void> trust(SSL_CTX* context, const std::string& ca_pem) {
  auto authorities = parse_certificates(ca_pem);
  if (!authorities) return authorities.error().with_context("certificate authority");
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const auto& authority : *authorities) X509_STORE_add_cert(store, authority.get());  // a duplicate is no error
  ERR_clear_error();
  return {};
}

bool is_address(const std::string& host) {
  in6_addr buffer{};
  return inet_pton(AF_INET, host.c_str(), &buffer) == 1 || inet_pton(AF_INET6, host.c_str(), &buffer) == 1;
}

std::string utf8_entry(X509_NAME_ENTRY* entry) {
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
  if (size < 0) return {};
  std::string value(reinterpret_cast<char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return is_header_value(value) ? value : std::string();  // a name with control characters is nobody
}

std::vector<std::string> name_entries(X509_NAME* name, int nid) {
  std::vector<std::string> values;
  for (int i = X509_NAME_get_index_by_NID(name, nid, -1); i >= 0; i = X509_NAME_get_index_by_NID(name, nid, i)) {
    if (auto value = utf8_entry(X509_NAME_get_entry(name, i)); !value.empty()) values.push_back(std::move(value));
  }
  return values;
}

}  // namespace

Result<TlsContext> make_server_context(const std::string& certificate_pem, const std::string& key_pem,
                                       const std::string& client_ca_pem) {
  auto context = new_context(TLS_server_method());
  if (!context) return context.error();
  SSL_CTX* raw = context->get();
  FRACTA_TRY(use_certificate(raw, certificate_pem, key_pem));
  SSL_CTX_set_alpn_select_cb(raw, select_alpn, nullptr);
  // Without resumption every connection proves its client certificate anew, and no ticket key has to be rotated.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_num_tickets(raw, 0);
  if (!client_ca_pem.empty()) {
    FRACTA_TRY(trust(raw, client_ca_pem));
    auto authorities = parse_certificates(client_ca_pem);
    if (!authorities) return authorities.error();
    for (const auto& authority : *authorities) SSL_CTX_add_client_CA(raw, authority.get());
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  }
  return context;
}

Result<TlsContext> make_client_context(const TlsClientOptions& options) {
  auto context = new_context(TLS_client_method());
  if (!context) return context.error();
  SSL_CTX* raw = context->get();
  SSL_CTX_set_alpn_protos(raw, kAlpn.data(), kAlpn.size());
  if (options.certificate_pem.empty() != options.key_pem.empty()) {
    return make_error(ErrorCode::kInvalid, "client certificate and client key must be given together");
  }
  if (!options.certificate_pem.empty()) {
    const auto used = use_certificate(raw, options.certificate_pem, options.key_pem);
    if (!used) return used.error().with_context("client identity");
  }
  if (options.insecure_skip_verify) {
    SSL_CTX_set_verify(raw, SSL_VERIFY_NONE, nullptr);
    return context;
  }
  if (!options.ca_pem.empty()) {
    FRACTA_TRY(trust(raw, options.ca_pem));
  } else if (SSL_CTX_set_default_verify_paths(raw) != 1) {
    return make_error(ErrorCode::kInvalid, "the system's certificate store cannot be read: " + openssl_error_text());
  }
  X509_VERIFY_PARAM* parameters = SSL_CTX_get0_param(raw);
  // SAN only: the fallback to the subject's CN would let "CN=*" or a CN that looks like an address pass.
  X509_VERIFY_PARAM_set_hostflags(parameters,
                                  X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  // As Go does it: whatever is in the given bundle is trusted, self-signed root or not.
  if (!options.ca_pem.empty()) X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  return context;
}

bool set_expected_host(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
  if (is_address(host)) return X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1;
  // What SSL_set_tlsext_host_name() does, without the C cast of that macro.
  return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host.c_str())) == 1 &&
         X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size()) == 1;
}

PeerIdentity peer_identity(SSL* ssl) {
  PeerIdentity identity;
  const X509Ptr certificate(SSL_get1_peer_certificate(ssl));
  if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) return identity;
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  const auto names = name_entries(subject, NID_commonName);
  if (!names.empty()) identity.common_name = names.front();
  identity.organizations = name_entries(subject, NID_organizationName);
  return identity;
}

}  // namespace fracta::net
