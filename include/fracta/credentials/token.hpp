// What a command printed, and how long it lives. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "fracta/base/clock.hpp"
#include "fracta/base/result.hpp"

namespace fracta::credentials {

struct Token {
  std::string value;  // as printed; trimmed() for a variable
  SystemTime obtained_at{};
  std::optional<SystemTime> expires_at;  // nothing: it is not known to end
  [[nodiscard]] std::string trimmed() const;
};

// The command's standard output as a token. Its end of life comes from the output itself, else from `ttl` (zero: none):
//   - an ExecCredential (client.authentication.k8s.io): status.token is the value, status.expirationTimestamp the end;
//   - AWS credential_process JSON ("Version": 1): the whole text is the value, "Expiration" the end;
//   - a JSON Web Token: the claim `exp`.
// kInvalid: nothing was printed, a NUL byte, or it has expired already.
Result<Token> parse_token(std::string output, std::chrono::milliseconds ttl, SystemTime now);

// The claim `exp` of a JSON Web Token; nothing when it is none or does not end. The signature is not looked at.
std::optional<SystemTime> jwt_expiry(std::string_view text);

// kInvalid: a container runtime takes no such variable (no UTF-8), or nobody could mean it (control characters).
Result<void> check_for_variable(const Token& token);

// When to renew what lives from `obtained` to `expires`: at 80 % of its life, or earlier so that at least three minutes
// are left for the kubelet to carry it into the pod (half of the life for what lives less than six minutes). The rule
// of projected service account tokens, with a lead.
SystemTime refresh_time(SystemTime obtained, SystemTime expires);

// Shorter lives cannot be carried into running pods in time: a kubelet looks at a Secret every 60-90 seconds.
inline constexpr std::chrono::seconds kShortestRenewable{180};

// A command's standard error for people: at most `max` bytes of its end, one line, without the token and without
// anything that looks like one.
std::string redact_stderr(std::string_view standard_error, std::string_view standard_output, std::size_t max = 300);

}  // namespace fracta::credentials
