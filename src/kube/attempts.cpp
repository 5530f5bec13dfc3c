#include "kube/attempts.hpp"

#include <algorithm>
#include <utility>

#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"

namespace fracta::kube {
namespace {

// client-go: maxRetries = 10 (kubernetes #26871).
constexpr int kMaxRetries = 10;
// client-go waits 1 s after a connection error of an idempotent request.
constexpr std::chrono::milliseconds kConnectionRetryDelay{1'000};
// Many clients are told the same Retry-After at the same moment; they must not come back at the same moment.
constexpr double kJitter = 0.2;

// What the server certainly did not begin, although it was asked to create something.
bool turned_away(int http_status) { return http_status == 429 || http_status == 503; }

bool asks_for_retry(int http_status) { return http_status == 429 || http_status >= 500; }

}  // namespace

Attempts::Attempts(Client::Impl& client, std::string method, std::chrono::milliseconds timeout, std::stop_token stop)
    : client_(client),
      method_(std::move(method)),
      stop_(std::move(stop)),
      deadline_(client.clock_.steady_now() + timeout) {}

std::chrono::milliseconds Attempts::remaining() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - client_.clock_.steady_now());
}

Result<void> Attempts::prepare(net::Request& request) {
  if (stop_.stop_requested()) return make_error(ErrorCode::kCanceled, "stopped");
  if (remaining().count() <= 0) return make_error(ErrorCode::kDeadlineExceeded, "no answer in time");
  const auto& config = client_.config_;
  if (!config.basic_authorization.empty()) {
    request.headers.set("Authorization", config.basic_authorization);
  } else if (config.token) {
    auto token = config.token->token(stop_);
    if (!token) return token.error().with_context("credentials of " + config.description);
    token_ = std::move(*token);
    if (!token_.empty()) request.headers.set("Authorization", "Bearer " + token_);
  }
  return {};
}

std::optional<std::chrono::milliseconds> Attempts::delay(const Error& error, bool answered) const {
  if (!answered) {
    if (method_ == "GET" && error.code == ErrorCode::kUnavailable) return kConnectionRetryDelay;
    return std::nullopt;
  }
  if (!error.retry_after || !asks_for_retry(error.http_status)) return std::nullopt;
  if (method_ == "POST" && !turned_away(error.http_status)) return std::nullopt;
  return error.retry_after;
}

std::optional<Error> Attempts::again(Error error, bool answered) {
  // Once: a second 401 with a fresh token means that we really are not allowed in.
  if (answered && error.http_status == 401 && client_.config_.token && !renewed_) {
    renewed_ = true;
    client_.config_.token->invalidate(token_);
    client_.metrics_.count_retry(method_, error.http_status);
    return std::nullopt;
  }
  auto wait = delay(error, answered);
  if (!wait || retries_ >= kMaxRetries) return error;
  const auto jittered = std::chrono::milliseconds(
      static_cast<std::int64_t>(static_cast<double>(wait->count()) * (1.0 + kJitter * random_fraction())));
  if (jittered >= remaining()) return error;  // waiting longer than the caller would is no help to him
  ++retries_;
  client_.metrics_.count_retry(method_, error.http_status);
  const auto& sleep = client_.options_.sleep;
  const bool waited = sleep ? sleep(stop_, jittered) : wait_for(stop_, jittered);
  if (!waited) return make_error(ErrorCode::kCanceled, "stopped while waiting to try again after: " + error.message);
  return std::nullopt;
}

}  // namespace fracta::kube
