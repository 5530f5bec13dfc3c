// AES-256-GCM in one piece, on OpenSSL. Pure apart from the random nonce; thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "fracta/base/result.hpp"

namespace fracta {

inline constexpr std::size_t kAesKeyBytes = 32;
inline constexpr std::size_t kGcmNonceBytes = 12;
inline constexpr std::size_t kGcmTagBytes = 16;

// nonce || ciphertext || tag, with a fresh random nonce. `key` has kAesKeyBytes bytes.
std::string aes_gcm_seal(std::string_view key, std::string_view plaintext, std::string_view associated_data);
// kInvalid: too short, or it was not sealed with this key and these associated data.
Result<std::string> aes_gcm_open(std::string_view key, std::string_view sealed, std::string_view associated_data);

}  // namespace fracta
