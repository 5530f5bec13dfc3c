#include "daemon/serving_secret.hpp"

#include <arpa/inet.h>
#include <nlohmann/json.hpp>

#include "daemon/serving_certificate.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/net/certificate_facts.hpp"

namespace fracta::daemon {

namespace {

constexpr const char* kCertificateKey = "tls.crt";
constexpr const char* kPrivateKey = "tls.key";
constexpr const char* kAuthorityKey = "ca.key";
constexpr const char* kNamesAnnotation = "fracta.io/certificate-names";

Result<std::string> entry(const Json& secret, const char* key) {
  const auto* data = find(secret, "data");
  const auto* value = data == nullptr ? nullptr : find(*data, key);
  auto text = value != nullptr && value->is_string() ? base64_decode(value->get<std::string>()) : std::nullopt;
  if (!text || text->empty())
    return make_error(ErrorCode::kInvalid, std::string("Secret ") + kServingSecret + ": no " + key);
  return *std::move(text);
}

bool is_address(const std::string& name) {
  in6_addr ignored{};
  return inet_pton(AF_INET, name.c_str(), &ignored) == 1 || inet_pton(AF_INET6, name.c_str(), &ignored) == 1;
}

Result<SystemTime> end_of(const std::string& pem) {
  auto facts = net::read_certificates(pem);
  if (!facts) return facts.error();
  return facts->front().not_after;
}

std::string first_certificate(const std::string& pem) {
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----\n";
  const auto end = pem.find(kEnd);
  return end == std::string::npos ? pem : pem.substr(0, end + kEnd.size());
}

bool authority_is_good(const net::KeyPair& authority, const ServingLifetimes& lifetimes, SystemTime now) {
  const auto end = end_of(authority.certificate_pem);
  // It must outlive every certificate it signs.
  return end && *end - now > std::max(lifetimes.authority / 10, lifetimes.certificate) &&
         net::check_key_pair(authority.certificate_pem, authority.key_pem);
}

}  // namespace

Result<ServingMaterial> read_serving_secret(const Json& secret) {
  ServingMaterial material;
  auto authorities = entry(secret, kAuthoritiesKey);
  if (!authorities) return authorities.error();
  auto authority_key = entry(secret, kAuthorityKey);
  if (!authority_key) return authority_key.error();
  auto certificate = entry(secret, kCertificateKey);
  if (!certificate) return certificate.error();
  auto key = entry(secret, kPrivateKey);
  if (!key) return key.error();
  FRACTA_TRY(net::check_key_pair(*certificate, *key));
  FRACTA_TRY(net::read_certificates(*authorities));
  material.authority = {first_certificate(*authorities), *std::move(authority_key)};
  material.authorities_pem = *std::move(authorities);
  material.certificate = {*std::move(certificate), *std::move(key)};
  const auto* annotations = find_path(secret, "metadata/annotations");
  const auto* names = annotations == nullptr ? nullptr : find(*annotations, kNamesAnnotation);
  if (names != nullptr && names->is_string()) material.names = split(names->get<std::string>(), ',');
  return material;
}

Json write_serving_secret(const ServingMaterial& material, const std::string& ns, const Json* previous) {
  Json metadata = {{"name", kServingSecret},
                   {"namespace", ns},
                   {"labels", {{"app.kubernetes.io/managed-by", "fracta"}, {"app.kubernetes.io/part-of", "fracta"}}},
                   {"annotations", {{kNamesAnnotation, join(material.names, ",")}}}};
  // The kind of a Secret cannot change; one that somebody else made may have another.
  std::string type = "kubernetes.io/tls";
  if (previous != nullptr) {
    metadata["resourceVersion"] = string_at(*previous, "metadata/resourceVersion");
    type = string_at(*previous, "type", type);
  }
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"metadata", std::move(metadata)},
          {"type", type},
          {"data",
           {{kAuthoritiesKey, base64_encode(material.authorities_pem)},
            {kAuthorityKey, base64_encode(material.authority.key_pem)},
            {kCertificateKey, base64_encode(material.certificate.certificate_pem)},
            {kPrivateKey, base64_encode(material.certificate.key_pem)}}}};
}

Result<ServingMaterial> make_serving_material(const ServingMaterial* previous, const std::vector<std::string>& names,
                                              const ServingLifetimes& lifetimes, SystemTime now) {
  ServingMaterial material;
  material.names = names;
  if (previous != nullptr && authority_is_good(previous->authority, lifetimes, now)) {
    material.authority = previous->authority;
    material.authorities_pem = previous->authorities_pem;
  } else {
    auto authority = net::make_certificate_authority("fracta-controlplane", lifetimes.authority);
    if (!authority) return authority.error();
    material.authorities_pem = authority->certificate_pem;
    if (previous != nullptr) material.authorities_pem += previous->authority.certificate_pem;
    material.authority = *std::move(authority);
  }
  net::CertificateRequest request;
  request.common_name = "fracta-controlplane";
  request.lifetime = lifetimes.certificate;
  for (const auto& name : names) (is_address(name) ? request.ip_addresses : request.dns_names).push_back(name);
  auto certificate = net::issue_certificate(material.authority, request);
  if (!certificate) return certificate.error();
  material.certificate = *std::move(certificate);
  return material;
}

std::string renewal_reason(const ServingMaterial& material, const std::vector<std::string>& names,
                           const ServingLifetimes& lifetimes, SystemTime now) {
  if (material.names != names) return "other names are wanted";
  const auto end = end_of(material.certificate.certificate_pem);
  if (!end) return "the certificate cannot be read";
  if (*end - now < lifetimes.certificate / 3) return "it ends soon";
  if (!authority_is_good(material.authority, lifetimes, now)) return "its authority ends soon";
  return "";
}

}  // namespace fracta::daemon
