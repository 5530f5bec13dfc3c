// Authentication and authorisation by asking somebody else (a cluster), with short caches: a burst of requests with one
// token asks once, a revoked token is out after seconds. Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "fracta/base/clock.hpp"
#include "fracta/base/result.hpp"
#include "fracta/server/access.hpp"

namespace fracta::server {

// Whose token it is. kUnauthenticated: nobody's; anything else: could not be asked. May take its time, within a
// deadline of its own.
using TokenReviewer = std::function<Result<Identity>(const std::string& token)>;
// Success, kForbidden (a decision) or any other error (could not be asked).
using AccessReviewer = std::function<Result<void>(const Identity&, const Attributes&)>;

struct ReviewOptions {
  std::chrono::milliseconds positive{10'000};  // how long a yes is believed
  std::chrono::milliseconds negative{5'000};   // and a no
  std::size_t max_entries = 4096;              // of a cache; the least recently used goes first
  // Of reviews at the same time, theirs who wait for one included; more is kUnavailable. Below the number of the
  // server's workers, so that a cluster that does not answer cannot hold them all.
  std::size_t max_waiting = 8;
  Rate tokens_per_peer{20, 100};  // reviews of tokens not seen lately, by peer address; more is kResourceExhausted
};

// Cached by the SHA-256 of the token, and never beyond the `exp` of a JWT.
Authenticator make_token_authenticator(const Clock& clock, TokenReviewer review, const ReviewOptions& options = {});
Authorizer make_access_authorizer(const Clock& clock, AccessReviewer review, const ReviewOptions& options = {});

// What a JWT says of itself, unverified: good for choosing how to ask, never for trusting.
struct TokenClaims {
  std::vector<std::string> audiences;
  std::optional<SystemTime> expires;
};
std::optional<TokenClaims> token_claims(std::string_view token);

}  // namespace fracta::server
