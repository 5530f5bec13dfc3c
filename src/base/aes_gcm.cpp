#include "fracta/base/aes_gcm.hpp"

#include <limits>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "fracta/base/check.hpp"

namespace fracta {
namespace {

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
int size_of(std::string_view text) {
  check(text.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()), "text too large for AES-GCM");
  return static_cast<int>(text.size());
}

}  // namespace

std::string aes_gcm_seal(std::string_view key, std::string_view plaintext, std::string_view associated_data) {
  check(key.size() == kAesKeyBytes, "AES-256 needs a key of 32 bytes");
  std::string nonce(kGcmNonceBytes, '\0');
  std::string ciphertext(plaintext.size(), '\0');
  std::string tag(kGcmTagBytes, '\0');
  check(RAND_bytes(bytes_of(nonce), size_of(nonce)) == 1, "the system has no random numbers");
  const CipherContext context(EVP_CIPHER_CTX_new());
  int length = 0;
  check(context != nullptr &&
            EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key), bytes_of(nonce)) == 1 &&
            EVP_EncryptUpdate(context.get(), nullptr, &length, bytes_of(associated_data), size_of(associated_data)) ==
                1 &&
            EVP_EncryptUpdate(context.get(), bytes_of(ciphertext), &length, bytes_of(plaintext), size_of(plaintext)) ==
                1 &&
            EVP_EncryptFinal_ex(context.get(), bytes_of(ciphertext) + length, &length) == 1 &&
            EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, size_of(tag), bytes_of(tag)) == 1,
        "AES-256-GCM is not available");
  return nonce + ciphertext + tag;
}

Result<std::string> aes_gcm_open(std::string_view key, std::string_view sealed, std::string_view associated_data) {
  check(key.size() == kAesKeyBytes, "AES-256 needs a key of 32 bytes");
  if (sealed.size() < kGcmNonceBytes + kGcmTagBytes)
    return make_error(ErrorCode::kInvalid, "is shorter than a nonce and a tag");
  const auto nonce = sealed.substr(0, kGcmNonceBytes);
  const auto ciphertext = sealed.substr(kGcmNonceBytes, sealed.size() - kGcmNonceBytes - kGcmTagBytes);
  std::string tag(sealed.substr(sealed.size() - kGcmTagBytes));
  std::string plaintext(ciphertext.size(), '\0');
  const CipherContext context(EVP_CIPHER_CTX_new());
  int length = 0;
  check(context != nullptr &&
            EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key), bytes_of(nonce)) == 1 &&
            EVP_DecryptUpdate(context.get(), nullptr, &length, bytes_of(associated_data), size_of(associated_data)) ==
                1 &&
            EVP_DecryptUpdate(context.get(), bytes_of(plaintext), &length, bytes_of(ciphertext), size_of(ciphertext)) ==
                1 &&
            EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, size_of(tag), bytes_of(tag)) == 1,
        "AES-256-GCM is not available");
  if (EVP_DecryptFinal_ex(context.get(), bytes_of(plaintext) + length, &length) != 1)
    return make_error(ErrorCode::kInvalid, "was changed, or was sealed with another key or for another credential");
  return plaintext;
}

}  // namespace fracta
