// Bound service-account tokens: issued for serviceaccounts/token, checked on every request and by TokenReview.
#pragma once

#include "devcluster/server/registry.hpp"
#include "devcluster/server/token_signer.hpp"
#include "devcluster/server/user.hpp"

namespace fracta::devcluster {

constexpr const char* kIssuer = "https://kubernetes.default.svc";

// What a TokenRequest has before anybody looks at it.
void default_token_request(Json& request);
// Answers a TokenRequest. Thread-safe, as is the next.
Outcome<Json> issue_token(const Registry& registry, const TokenSigner& signer, std::string_view ns,
                          std::string_view name, Json request);

struct VerifiedToken {
  User user;
  std::vector<std::string> audiences;
};
// Signature, times, audience (`audiences` empty = the API server's own) and that account and bound pod still exist.
Result<VerifiedToken> verify_token(const Registry& registry, const TokenSigner& signer, std::string_view token,
                                   const std::vector<std::string>& audiences);

}  // namespace fracta::devcluster
