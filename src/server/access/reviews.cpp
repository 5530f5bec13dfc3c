#include "fracta/server/reviews.hpp"

#include <algorithm>

#include "fracta/base/text.hpp"
#include "server/access/review_cache.hpp"
#include "server/rate_limit.hpp"

namespace fracta::server {

namespace {

using std::chrono::milliseconds;

// 401 and 403 of the API server against ourselves must not look like a decision about the caller.
Error not_asked(Error error, std::string_view what) {
  error.code = error.code == ErrorCode::kResourceExhausted ? ErrorCode::kResourceExhausted : ErrorCode::kUnavailable;
  return std::move(error).with_context(what);
}

class TokenAuthenticator {
 public:
  TokenAuthenticator(const Clock& clock, TokenReviewer review, const ReviewOptions& options)
      : clock_(clock),
        review_(std::move(review)),
        options_(options),
        cache_(clock, options.max_entries, options.max_waiting),
        peers_(clock, options.tokens_per_peer) {}

  Result<Identity> operator()(const net::ServerRequest& request) {
    auto token = bearer_token(request);
    if (!token) return token.error();
    const auto claims = token_claims(*token);
    const auto expires = claims ? claims->expires : std::nullopt;
    if (expires && clock_.system_now() >= *expires)
      return make_error(ErrorCode::kUnauthenticated, "the token has expired: `fracta login` again");
    return cache_.get(sha256_hex(*token), [&] { return load(*token, expires, request.peer_address); });
  }

 private:
  using Cache = ReviewCache<Identity>;

  Cache::Loaded load(const std::string& token, std::optional<SystemTime> expires, const std::string& peer) {
    if (auto wait = peers_.take(peer_key(peer))) {
      auto error = make_error(ErrorCode::kResourceExhausted, "too many different tokens from this address");
      error.reason = "TooManyRequests";
      error.retry_after = *wait;
      return {std::move(error), milliseconds{0}};
    }
    auto identity = review_(token);
    if (identity) return {std::move(identity), keep_until(expires)};
    if (identity.error().code == ErrorCode::kUnauthenticated) return {identity.error(), options_.negative};
    return {not_asked(identity.error(), "checking the token"), milliseconds{0}};
  }

  [[nodiscard]] milliseconds keep_until(std::optional<SystemTime> expires) const {
    if (!expires) return options_.positive;
    return std::min(options_.positive, std::chrono::duration_cast<milliseconds>(*expires - clock_.system_now()));
  }

  const Clock& clock_;
  const TokenReviewer review_;
  const ReviewOptions options_;
  Cache cache_;
  RateLimiter peers_;
};

struct Allowed {};

class AccessAuthorizer {
 public:
  AccessAuthorizer(const Clock& clock, AccessReviewer review, const ReviewOptions& options)
      : review_(std::move(review)), options_(options), cache_(clock, options.max_entries, options.max_waiting) {}

  Result<void> operator()(const Identity& identity, const Attributes& attributes) {
    auto decision = cache_.get(key_of(identity, attributes), [&] { return load(identity, attributes); });
    if (!decision) return decision.error();
    return {};
  }

 private:
  using Cache = ReviewCache<Allowed>;

  Cache::Loaded load(const Identity& identity, const Attributes& attributes) {
    auto allowed = review_(identity, attributes);
    if (allowed) return {Allowed{}, options_.positive};
    if (allowed.error().code == ErrorCode::kForbidden) return {allowed.error(), options_.negative};
    return {not_asked(allowed.error(), "checking what the caller may do"), milliseconds{0}};
  }

  // Every text with its length, so that no two different questions share a key.
  static std::string key_of(const Identity& identity, const Attributes& attributes) {
    std::string all;
    const auto add = [&all](std::string_view text) {
      all.append(std::to_string(text.size())).append(":").append(text);
    };
    add(identity.name);
    add(identity.uid);
    add(std::to_string(identity.groups.size()));
    for (const auto& group : identity.groups) add(group);
    for (const auto& [name, values] : identity.extra) {
      add(name);
      add(std::to_string(values.size()));
      for (const auto& value : values) add(value);
    }
    for (const auto* text :
         {&attributes.verb, &attributes.resource, &attributes.subresource, &attributes.name, &attributes.url})
      add(*text);
    return sha256_hex(all);
  }

  const AccessReviewer review_;
  const ReviewOptions options_;
  Cache cache_;
};

}  // namespace

Authenticator make_token_authenticator(const Clock& clock, TokenReviewer review, const ReviewOptions& options) {
  auto shared = std::make_shared<TokenAuthenticator>(clock, std::move(review), options);
  return [shared](const net::ServerRequest& request) { return (*shared)(request); };
}

Authorizer make_access_authorizer(const Clock& clock, AccessReviewer review, const ReviewOptions& options) {
  auto shared = std::make_shared<AccessAuthorizer>(clock, std::move(review), options);
  return [shared](const Identity& identity, const Attributes& attributes) { return (*shared)(identity, attributes); };
}

}  // namespace fracta::server
