#include "net/openssl.hpp"

#include <array>

namespace fracta::net {
namespace {

// The default callback would prompt on the terminal and block.
int no_passphrase(char*, int, int, void*) { return 0; }

BioPtr memory_bio(std::string_view text) {
  constexpr std::size_t kMaxPem = 8u << 20;
  if (text.size() > kMaxPem) return nullptr;
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

std::string openssl_error_text() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  if (const char* reason = ERR_reason_error_string(code); reason != nullptr) return reason;
  std::array<char, 160> buffer{};
  ERR_error_string_n(code, buffer.data(), buffer.size());
  return buffer.data();
}

Result<std::vector<X509Ptr>> parse_certificates(std::string_view pem) {
  ERR_clear_error();
  const auto bio = memory_bio(pem);
  if (bio == nullptr) return make_error(ErrorCode::kInvalid, "certificate: PEM text too large");
  std::vector<X509Ptr> list;
  while (true) {
    X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    if (certificate == nullptr) break;
    list.push_back(std::move(certificate));
  }
  const auto code = ERR_peek_last_error();
  const bool end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  if (list.empty() || !end) {
    const std::string why = list.empty() && end ? "no PEM block \"CERTIFICATE\" in it" : openssl_error_text();
    ERR_clear_error();
    return make_error(ErrorCode::kInvalid, "certificate: " + why);
  }
  ERR_clear_error();
  return list;
}

Result<KeyPtr> parse_private_key(std::string_view pem) {
  ERR_clear_error();
  const auto bio = memory_bio(pem);
  if (bio == nullptr) return make_error(ErrorCode::kInvalid, "private key: PEM text too large");
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr) {
    ERR_clear_error();
    return make_error(ErrorCode::kInvalid, "private key: not an unencrypted PEM private key");
  }
  return key;
}

}  // namespace fracta::net
