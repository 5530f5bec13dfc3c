// Answers that are no success -> Error. What a Status means: apimachinery pkg/apis/meta/v1/types.go (StatusReason).
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/kube/client.hpp"

namespace fracta::kube {
namespace {

// A server (or whatever stands in front of it) decides these texts; they end in logs, Events and replies of ours.
constexpr std::size_t kMaxMessage = 4096;
constexpr std::size_t kMaxReason = 64;
constexpr std::size_t kMaxCauses = 64;
constexpr std::size_t kMaxBodyShown = 200;
// A Status is flat; deeper text is hostile.
constexpr JsonLimits kStatusLimits{.max_depth = 16, .refuse_duplicate_keys = false};
// Longer waits are no advice but an error; also keeps the arithmetic far from overflow.
constexpr std::int64_t kMaxRetryAfterSeconds = 24 * 3600;

constexpr std::array<std::pair<std::string_view, ErrorCode>, 19> kReasons{{
    {"BadRequest", ErrorCode::kInvalid},
    {"Invalid", ErrorCode::kInvalid},
    {"MethodNotAllowed", ErrorCode::kInvalid},
    {"NotAcceptable", ErrorCode::kInvalid},
    {"UnsupportedMediaType", ErrorCode::kInvalid},
    {"Unauthorized", ErrorCode::kUnauthenticated},
    {"Forbidden", ErrorCode::kForbidden},
    {"NotFound", ErrorCode::kNotFound},
    {"AlreadyExists", ErrorCode::kAlreadyExists},
    {"Conflict", ErrorCode::kConflict},
    {"Gone", ErrorCode::kGone},
    {"Expired", ErrorCode::kGone},
    {"TooManyRequests", ErrorCode::kResourceExhausted},
    {"RequestEntityTooLarge", ErrorCode::kResourceExhausted},
    // "The operation could not be finished now, it may be tried again": as good as down.
    {"ServerTimeout", ErrorCode::kUnavailable},
    {"ServiceUnavailable", ErrorCode::kUnavailable},
    // The time the client allowed was not enough; whether it happened is open.
    {"Timeout", ErrorCode::kDeadlineExceeded},
    {"InternalError", ErrorCode::kInternal},
    {"StoreReadError", ErrorCode::kInternal},
}};

ErrorCode code_from_http(int status) {
  switch (status) {
    case 400:
    case 405:
    case 406:
    case 415:
    case 422:
      return ErrorCode::kInvalid;
    case 401:
      return ErrorCode::kUnauthenticated;
    case 403:
      return ErrorCode::kForbidden;
    case 404:
      return ErrorCode::kNotFound;
    case 409:
      return ErrorCode::kConflict;
    case 410:
      return ErrorCode::kGone;
    case 413:
    case 429:
      return ErrorCode::kResourceExhausted;
    case 502:
    case 503:
      return ErrorCode::kUnavailable;
    case 504:
      return ErrorCode::kDeadlineExceeded;
    default:
      return ErrorCode::kInternal;
  }
}

ErrorCode code_of(std::string_view reason, int status) {
  for (const auto& [name, code] : kReasons) {
    if (name == reason) return code;
  }
  return code_from_http(status);
}

std::optional<std::chrono::milliseconds> usable_seconds(std::optional<std::int64_t> seconds) {
  if (!seconds || *seconds < 0 || *seconds > kMaxRetryAfterSeconds) return std::nullopt;
  return std::chrono::seconds(*seconds);
}

bool is_status(const Json& body) { return body.is_object() && string_at(body, "kind") == "Status"; }

void take_causes(const Json& status, Error& error) {
  const Json* causes = find_path(status, "details/causes");
  if (causes == nullptr || !causes->is_array()) return;
  for (const auto& cause : *causes) {
    if (error.causes.size() == kMaxCauses) break;
    if (!cause.is_object()) continue;
    error.causes.push_back({.field = shorten(string_at(cause, "field"), kMaxBodyShown),
                            .reason = shorten(string_at(cause, "reason"), kMaxReason),
                            .message = shorten(string_at(cause, "message"), kMaxMessage)});
  }
}

// "HTTP 502 Bad Gateway: <html>..." for answers that are no Status: a proxy, a load balancer, a wrong port.
std::string message_without_status(int http_status, std::string_view body) {
  std::string out = "HTTP " + std::to_string(http_status);
  if (auto text = net::status_text(http_status); !text.empty()) out += " " + std::string(text);
  if (auto shown = trim(body.substr(0, kMaxBodyShown * 4)); !shown.empty()) out += ": " + shorten(shown, kMaxBodyShown);
  return out;
}

}  // namespace

Error error_from_status(const Json& status, int http_status) {
  Error error;
  const auto code = int_at(status, "code");
  error.http_status = code && *code >= 100 && *code <= 599 ? static_cast<int>(*code) : http_status;
  error.reason = shorten(string_at(status, "reason"), kMaxReason);
  error.message = shorten(string_at(status, "message"), kMaxMessage);
  error.code = code_of(error.reason, error.http_status);
  if (error.message.empty()) error.message = message_without_status(error.http_status, error.reason);
  error.retry_after = usable_seconds(int_at(status, "details/retryAfterSeconds"));
  if (error.retry_after == std::chrono::milliseconds(0)) error.retry_after.reset();  // Go's "not set"
  take_causes(status, error);
  return error;
}

Error error_from_answer(int http_status, const net::Headers& headers, const std::string& body) {
  Error error;
  auto parsed = parse_json(body, kStatusLimits);
  if (parsed && is_status(*parsed)) {
    error = error_from_status(*parsed, http_status);
    // The status line decides: what it says was acted upon by everything in between.
    if (error.http_status != http_status) error.code = code_of(error.reason, http_status);
    error.http_status = http_status;
  } else {
    error.http_status = http_status;
    error.code = code_from_http(http_status);
    error.message = message_without_status(http_status, body);
  }
  if (auto header = headers.get("Retry-After")) {
    if (auto wait = usable_seconds(parse_int(trim(*header)))) error.retry_after = wait;
  }
  return error;
}

}  // namespace fracta::kube
