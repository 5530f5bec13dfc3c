// Certificates made and read with OpenSSL: a CA and leaf certificates for the development cluster and tests.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "fracta/base/result.hpp"

namespace fracta::net {

struct KeyPair {
  std::string certificate_pem;
  std::string key_pem;  // a secret
};

struct CertificateRequest {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  bool client = false;  // extended key usage clientAuth instead of serverAuth
  std::chrono::hours lifetime{24 * 365};
};

// EC P-256.
Result<KeyPair> make_certificate_authority(const std::string& common_name,
                                           std::chrono::hours lifetime = std::chrono::hours{24 * 3650});
Result<KeyPair> issue_certificate(const KeyPair& authority, const CertificateRequest& request);

}  // namespace fracta::net
