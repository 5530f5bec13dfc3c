#include "fracta/net/certificate_facts.hpp"

#include <array>
#include <ctime>

#include "net/openssl.hpp"

namespace fracta::net {
namespace {

std::optional<SystemTime> time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return SystemTime{std::chrono::seconds{timegm(&parts)}};
}

std::string common_name_of(X509* certificate) {
  std::array<char, 128> buffer{};
  const int length = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, buffer.data(),
                                               static_cast<int>(buffer.size()));
  return length > 0 ? std::string(buffer.data()) : std::string();
}

}  // namespace

Result<std::vector<CertificateFacts>> read_certificates(std::string_view pem) {
  const auto certificates = parse_certificates(pem);
  if (!certificates) return certificates.error();
  std::vector<CertificateFacts> out;
  for (const auto& certificate : *certificates) {
    const auto from = time_of(X509_get0_notBefore(certificate.get()));
    const auto until = time_of(X509_get0_notAfter(certificate.get()));
    if (!from || !until) return make_error(ErrorCode::kInvalid, "certificate: its validity cannot be read");
    out.push_back({common_name_of(certificate.get()), *from, *until});
  }
  return out;
}

Result<void> check_private_key(std::string_view pem) {
  const auto key = parse_private_key(pem);
  return key ? Result<void>() : Result<void>(key.error());
}

Result<void> check_key_pair(std::string_view certificate_pem, std::string_view key_pem) {
  const auto certificates = parse_certificates(certificate_pem);
  if (!certificates) return certificates.error();
  const auto key = parse_private_key(key_pem);
  if (!key) return key.error();
  const bool match = X509_check_private_key(certificates->front().get(), key->get()) == 1;
  ERR_clear_error();
  return match ? Result<void>()
               : Result<void>(make_error(ErrorCode::kInvalid, "the private key does not belong to the certificate"));
}

}  // namespace fracta::net
