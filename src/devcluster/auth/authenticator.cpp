#include "devcluster/auth/authenticator.hpp"

#include "fracta/base/text.hpp"

namespace fracta::devcluster {

Result<VerifiedToken> Authenticator::review(std::string_view token, const std::vector<std::string>& audiences) const {
  for (const auto& [known, user] : tokens_) {
    if (constant_time_equal(known, token)) return VerifiedToken{user, {kIssuer}};
  }
  return verify_token(registry_, signer_, token, audiences);
}

Result<User> Authenticator::authenticate(const net::ServerRequest& request) const {
  if (!request.client_common_name.empty()) {
    User user;
    user.name = request.client_common_name;
    user.groups = request.client_organizations;
    user.groups.emplace_back("system:authenticated");
    return user;
  }
  const std::string header = request.headers.get("Authorization").value_or("");
  constexpr std::string_view kScheme = "bearer ";
  if (header.size() > kScheme.size() && iequals(header.substr(0, kScheme.size()), kScheme)) {
    auto verified = review(trim(std::string_view(header).substr(kScheme.size())), {});
    if (!verified) return verified.error();
    return std::move(verified->user);
  }
  User anonymous;
  anonymous.name = "system:anonymous";
  anonymous.groups = {"system:unauthenticated"};
  return anonymous;
}

}  // namespace fracta::devcluster
