// Who is asking: administrator token, service-account token, client certificate, or nobody.
#pragma once

#include <map>
#include <string>

#include "devcluster/server/service_account_tokens.hpp"
#include "fracta/net/http_server.hpp"

namespace fracta::devcluster {

class Authenticator {
 public:
  // `tokens`: fixed bearer tokens and their users.
  Authenticator(const Registry& registry, const TokenSigner& signer, std::map<std::string, User> tokens)
      : registry_(registry), signer_(signer), tokens_(std::move(tokens)) {}

  // kUnauthenticated when credentials were shown that are not good. Thread-safe.
  [[nodiscard]] Result<User> authenticate(const net::ServerRequest& request) const;
  // For TokenReview.
  [[nodiscard]] Result<VerifiedToken> review(std::string_view token, const std::vector<std::string>& audiences) const;

 private:
  const Registry& registry_;
  const TokenSigner& signer_;
  std::map<std::string, User> tokens_;
};

}  // namespace fracta::devcluster
