// Service-account tokens: JWTs signed with ES256. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"

namespace fracta::devcluster {

class TokenSigner {
 public:
  // `key_pem`: a P-256 private key; empty = a new one.
  static Result<std::unique_ptr<TokenSigner>> create(const std::string& key_pem);
  virtual ~TokenSigner() = default;
  [[nodiscard]] virtual Result<std::string> sign(const Json& claims) const = 0;
  // The claims of a token this signer made; expiry is the caller's business.
  [[nodiscard]] virtual Result<Json> verify(std::string_view token) const = 0;
  [[nodiscard]] virtual std::string key_pem() const = 0;  // a secret
};

}  // namespace fracta::devcluster
