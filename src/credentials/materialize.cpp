#include "fracta/credentials/materialize.hpp"

#include <fmt/format.h>

#include "fracta/base/text.hpp"

namespace fracta::credentials {
namespace {

Error failed(std::string message, std::optional<std::chrono::milliseconds> retry_after = std::nullopt) {
  Error error = make_error(ErrorCode::kInvalid, std::move(message));
  error.reason = "CredentialUnavailable";
  error.retry_after = retry_after;
  return error;
}

// Why an origin somebody needs cannot give anything here; empty when it can.
std::string obstacle(const PlannedOrigin& planned) {
  if (!planned.bound) return "";
  if (planned.phase == Phase::kUnavailable)
    return fmt::format("scope \"{}\" is unavailable here", planned.origin.scope);
  if (planned.phase == Phase::kRuntimeOnly && !planned.is_secret_ref())
    return "scope \"agent_runtime\" is resolved inside the agent only, so there is nothing to deliver; use scope "
           "\"any\" "
           "or \"host_edge\", or a claude_api_key_helper binding";
  return "";
}

Result<void> settle_failure(const PlannedOrigin& planned, const Error& error, Materialized& values) {
  if (error.code == ErrorCode::kCanceled) return error;
  const std::string text = fmt::format("source \"{}\" failed: {}", planned.name, error.message);
  if (planned.origin.required) return failed("required " + text, error.retry_after);
  values.warnings.push_back("optional " + text);
  return {};
}

Result<void> refuse_failed_assertions(const Plan& plan, Materialized& values) {
  std::vector<std::string> failures;
  for (const AssertionOutcome& outcome : check_assertions(plan)) {
    if (outcome.passed) continue;
    if (outcome.warning)
      values.warnings.push_back(outcome.text + " " + outcome.why);
    else
      failures.push_back(outcome.text + " " + outcome.why);
  }
  if (failures.empty()) return {};
  Error error = make_error(ErrorCode::kInvalid, "credential assertions failed: " + join(failures, "; "));
  error.reason = "CredentialAssertionFailed";
  return error;
}

}  // namespace

Result<Materialized> materialize(const Plan& plan, OriginSource& source, SystemTime now, const std::stop_token& stop) {
  Materialized values;
  values.at = now;
  for (const PlannedOrigin& planned : plan.origins) {
    if (const std::string why = obstacle(planned); !why.empty()) {
      FRACTA_TRY(settle_failure(planned, make_error(ErrorCode::kInvalid, why), values));
      continue;
    }
    if (!planned.is_run()) continue;
    auto token = source.resolve({plan.profile, planned.name, planned.origin, plan.command_env}, stop);
    if (token && (!planned.env.empty() || planned.candidate))
      if (auto fits = check_for_variable(*token); !fits) token = fits.error();
    if (token)
      values.tokens.emplace(planned.name, *std::move(token));
    else
      FRACTA_TRY(settle_failure(planned, token.error(), values));
  }
  FRACTA_TRY(refuse_failed_assertions(plan, values));
  return values;
}

Result<Materialized> materialize_dry(const Plan& plan) {
  Materialized values;
  values.placeholders = true;
  for (const PlannedOrigin& planned : plan.origins)
    if (const std::string why = obstacle(planned); !why.empty())
      FRACTA_TRY(settle_failure(planned, make_error(ErrorCode::kInvalid, why), values));
  FRACTA_TRY(refuse_failed_assertions(plan, values));
  return values;
}

}  // namespace fracta::credentials
