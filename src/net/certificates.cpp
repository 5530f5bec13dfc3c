#include "fracta/net/certificates.hpp"

#include <array>
#include <ctime>

#include "net/openssl.hpp"

namespace fracta::net {
namespace {

Error openssl_failed(std::string_view what) {
  return make_error(ErrorCode::kInternal, "making a certificate: " + std::string(what) + ": " + openssl_error_text());
}

std::string bio_text(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

Result<KeyPair> to_pem(X509* certificate, EVP_PKEY* key) {
  const BioPtr certificate_bio(BIO_new(BIO_s_mem()));
  const BioPtr key_bio(BIO_new(BIO_s_secmem()));
  if (PEM_write_bio_X509(certificate_bio.get(), certificate) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return openssl_failed("PEM");
  }
  return KeyPair{bio_text(certificate_bio.get()), bio_text(key_bio.get())};
}

// 127 random bits: positive, and RFC 5280 4.1.2.2 allows at most 20 octets.
bool set_random_serial(X509* certificate) {
  using BignumPtr = std::unique_ptr<BIGNUM, OpensslDeleter<BN_free>>;
  const BignumPtr number(BN_new());
  return BN_rand(number.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool add_name_entry(X509_NAME* name, const char* field, const std::string& value) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpensslDeleter<X509_EXTENSION_free>>;
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

void general_names_free(GENERAL_NAMES* names) { sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free); }
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, OpensslDeleter<general_names_free>>;
using GeneralNamePtr = std::unique_ptr<GENERAL_NAME, OpensslDeleter<GENERAL_NAME_free>>;

bool push(GENERAL_NAMES* names, GeneralNamePtr name) {
  if (name == nullptr || sk_GENERAL_NAME_push(names, name.get()) <= 0) return false;
  (void)name.release();
  return true;
}

// Built from values, not from a configuration text: a ',' in a name must not become a second name.
Result<void> add_alternative_names(X509* certificate, const CertificateRequest& request) {
  const GeneralNamesPtr names(sk_GENERAL_NAME_new_null());
  for (const auto& dns : request.dns_names) {
    GeneralNamePtr name(GENERAL_NAME_new());
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    if (ASN1_STRING_set(text, dns.data(), static_cast<int>(dns.size())) != 1) return openssl_failed("DNS name");
    GENERAL_NAME_set0_value(name.get(), GEN_DNS, text);
    if (!push(names.get(), std::move(name))) return openssl_failed("DNS name");
  }
  for (const auto& ip : request.ip_addresses) {
    ASN1_OCTET_STRING* octets = a2i_IPADDRESS(ip.c_str());
    if (octets == nullptr) return make_error(ErrorCode::kInvalid, "certificate: \"" + ip + "\" is no IP address");
    GeneralNamePtr name(GENERAL_NAME_new());
    GENERAL_NAME_set0_value(name.get(), GEN_IPADD, octets);
    if (!push(names.get(), std::move(name))) return openssl_failed("IP address");
  }
  if (sk_GENERAL_NAME_num(names.get()) == 0) return {};
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) != 1) {
    return openssl_failed("subjectAltName");
  }
  return {};
}

bool set_validity(X509* certificate, std::chrono::hours lifetime) {
  // An hour back: the clock of whoever checks may be behind ours.
  const auto end = std::time(nullptr) + std::chrono::duration_cast<std::chrono::seconds>(lifetime).count();
  return X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), end) != nullptr;
}

struct Draft {
  X509Ptr certificate;
  KeyPtr key;
};

// Version, serial, validity, subject and key: what a CA and a leaf have in common.
Result<Draft> draft_certificate(const std::string& common_name, const std::vector<std::string>& organizations,
                                std::chrono::hours lifetime) {
  Draft draft{X509Ptr(X509_new()), KeyPtr(EVP_EC_gen("P-256"))};
  if (draft.certificate == nullptr || draft.key == nullptr) return openssl_failed("key");
  X509* certificate = draft.certificate.get();
  if (X509_set_version(certificate, X509_VERSION_3) != 1 || !set_random_serial(certificate) ||
      !set_validity(certificate, lifetime) || X509_set_pubkey(certificate, draft.key.get()) != 1) {
    return openssl_failed("fields");
  }
  X509_NAME* subject = X509_get_subject_name(certificate);
  for (const auto& organization : organizations) {
    if (!add_name_entry(subject, "O", organization)) return openssl_failed("organization");
  }
  // Fails above 64 characters (X.520 ub-common-name).
  if (!common_name.empty() && !add_name_entry(subject, "CN", common_name)) return openssl_failed("common name");
  return draft;
}

}  // namespace

Result<KeyPair> make_certificate_authority(const std::string& common_name, std::chrono::hours lifetime) {
  auto draft = draft_certificate(common_name, {}, lifetime);
  if (!draft) return draft.error();
  X509* certificate = draft->certificate.get();
  if (X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) != 1 ||
      !add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE") ||
      !add_extension(certificate, certificate, NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign") ||
      !add_extension(certificate, certificate, NID_subject_key_identifier, "hash") ||
      X509_sign(certificate, draft->key.get(), EVP_sha256()) == 0) {
    return openssl_failed("authority");
  }
  return to_pem(certificate, draft->key.get());
}

Result<KeyPair> issue_certificate(const KeyPair& authority, const CertificateRequest& request) {
  auto issuers = parse_certificates(authority.certificate_pem);
  if (!issuers) return issuers.error().with_context("certificate authority");
  auto issuer_key = parse_private_key(authority.key_pem);
  if (!issuer_key) return issuer_key.error().with_context("certificate authority");
  X509* issuer = issuers->front().get();
  auto draft = draft_certificate(request.common_name, request.organizations, request.lifetime);
  if (!draft) return draft.error();
  X509* certificate = draft->certificate.get();
  const char* usage = request.client ? "clientAuth" : "serverAuth";
  if (X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) != 1 ||
      !add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(certificate, issuer, NID_ext_key_usage, usage) ||
      !add_extension(certificate, issuer, NID_subject_key_identifier, "hash") ||
      !add_extension(certificate, issuer, NID_authority_key_identifier, "keyid")) {
    return openssl_failed("extensions");
  }
  FRACTA_TRY(add_alternative_names(certificate, request));
  if (X509_sign(certificate, issuer_key->get(), EVP_sha256()) == 0) return openssl_failed("signature");
  return to_pem(certificate, draft->key.get());
}

}  // namespace fracta::net
