#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/server/reviews.hpp"

namespace fracta::server {

std::optional<TokenClaims> token_claims(std::string_view token) {
  const auto parts = split(token, '.');
  if (parts.size() != 3) return std::nullopt;
  const auto bytes = base64url_decode(parts[1]);
  if (!bytes) return std::nullopt;
  JsonLimits limits;
  limits.max_depth = 16;
  const auto payload = parse_json(*bytes, limits);
  if (!payload || !payload->is_object()) return std::nullopt;
  TokenClaims claims;
  if (const auto* audience = find(*payload, "aud"); audience && audience->is_string()) {
    claims.audiences.push_back(audience->get<std::string>());
  } else if (audience && audience->is_array()) {
    for (const auto& item : *audience)
      if (item.is_string()) claims.audiences.push_back(item.get<std::string>());
  }
  constexpr std::int64_t kEndOfTime = 253'402'300'799;  // 9999-12-31
  if (const auto* expires = find(*payload, "exp"); expires && expires->is_number()) {
    const double seconds = expires->get<double>();
    if (seconds >= 0 && seconds <= static_cast<double>(kEndOfTime))
      claims.expires = SystemTime{std::chrono::seconds{static_cast<std::int64_t>(seconds)}};
  }
  return claims;
}

}  // namespace fracta::server
