#include "devcluster/server/token_signer.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

template <class T, void (*Free)(T*)>
struct Deleter {
  void operator()(T* value) const { Free(value); }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY, EVP_PKEY_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX, EVP_MD_CTX_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO, BIO_free_all>>;
using Signature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG, ECDSA_SIG_free>>;

constexpr int kHalf = 32;  // bytes of r and of s

Error crypto_error() { return make_error(ErrorCode::kInternal, "signing a service account token failed"); }

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// JWTs carry r and s side by side, OpenSSL speaks DER.
std::string raw_from_der(const std::vector<unsigned char>& der) {
  const unsigned char* at = der.data();
  const Signature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (!signature) return {};
  std::string raw(2 * kHalf, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  if (BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, kHalf) != kHalf) return {};
  if (BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + kHalf, kHalf) != kHalf) return {};
  return raw;
}

std::vector<unsigned char> der_from_raw(const std::string& raw) {
  if (raw.size() != 2 * kHalf) return {};
  const Signature signature(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(bytes_of(raw), kHalf, nullptr);
  BIGNUM* s = BN_bin2bn(bytes_of(raw) + kHalf, kHalf, nullptr);
  if (!signature || r == nullptr || s == nullptr || ECDSA_SIG_set0(signature.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return {};
  }
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  if (size <= 0) return {};
  std::vector<unsigned char> result(der, der + size);
  OPENSSL_free(der);
  return result;
}

class EcSigner final : public TokenSigner {
 public:
  EcSigner(Key key, std::string pem)
      : key_(std::move(key)), pem_(std::move(pem)), key_id_(sha256_hex(pem_).substr(0, 16)) {}

  Result<std::string> sign(const Json& claims) const override {
    const Json header = {{"alg", "ES256"}, {"kid", key_id_}};
    std::string text = base64url_encode(dump_json(header)) + "." + base64url_encode(dump_json(claims));
    const Digest digest(EVP_MD_CTX_new());
    std::size_t size = 0;
    if (!digest || EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_.get()) != 1 ||
        EVP_DigestSign(digest.get(), nullptr, &size, bytes_of(text), text.size()) != 1) {
      return crypto_error();
    }
    std::vector<unsigned char> der(size);
    if (EVP_DigestSign(digest.get(), der.data(), &size, bytes_of(text), text.size()) != 1) return crypto_error();
    der.resize(size);
    const std::string raw = raw_from_der(der);
    if (raw.empty()) return crypto_error();
    return text + "." + base64url_encode(raw);
  }

  Result<Json> verify(std::string_view token) const override {
    const Error refused = make_error(ErrorCode::kUnauthenticated, "invalid bearer token");
    const std::vector<std::string> parts = split(token, '.');
    if (parts.size() != 3) return refused;
    const auto header = base64url_decode(parts[0]);
    const auto payload = base64url_decode(parts[1]);
    const auto raw = base64url_decode(parts[2]);
    if (!header || !payload || !raw) return refused;
    const auto parsed_header = parse_json(*header);
    if (!parsed_header || string_at(*parsed_header, "alg") != "ES256") return refused;
    const std::vector<unsigned char> der = der_from_raw(*raw);
    const std::string text = parts[0] + "." + parts[1];
    const Digest digest(EVP_MD_CTX_new());
    if (der.empty() || !digest || EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_.get()) != 1 ||
        EVP_DigestVerify(digest.get(), der.data(), der.size(), bytes_of(text), text.size()) != 1) {
      return refused;
    }
    return parse_json(*payload);
  }

  std::string key_pem() const override { return pem_; }

 private:
  Key key_;
  std::string pem_;
  std::string key_id_;
};

std::string pem_of(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace

Result<std::unique_ptr<TokenSigner>> TokenSigner::create(const std::string& key_pem) {
  Key key;
  if (key_pem.empty()) {
    key.reset(EVP_EC_gen("P-256"));
  } else {
    const Bio bio(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
    key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  }
  if (!key) return make_error(ErrorCode::kInvalid, "the service account signing key cannot be read or made");
  std::string pem = key_pem.empty() ? pem_of(key.get()) : key_pem;
  if (pem.empty()) return crypto_error();
  return std::unique_ptr<TokenSigner>(std::make_unique<EcSigner>(std::move(key), std::move(pem)));
}

}  // namespace fracta::devcluster
