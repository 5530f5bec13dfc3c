// Result<T>: what can fail in normal operation returns one of these; exceptions are for bugs and stay inside the file
// that calls a throwing library.
//
//   Result<Config> load(const std::string& path);
//   auto config = load(path);
//   if (!config) return config.error().with_context("loading config " + path);
//   use(*config);
//
// Thread-safety: a value like any other.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "fracta/base/check.hpp"

namespace fracta {

// Who has to do something about it. The HTTP server maps these onto status codes, the CLI onto exit codes.
enum class ErrorCode {
  kInvalid,            // the input is wrong; repeating it cannot help          400/422
  kUnauthenticated,    // who are you                                            401
  kForbidden,          // you may not                                            403
  kNotFound,           //                                                        404
  kAlreadyExists,      // an object of that name exists and is not ours/equal    409
  kConflict,           // somebody changed it meanwhile; read again              409
  kGone,               // resourceVersion or continue token too old; list again  410
  kResourceExhausted,  // quota, rate or size limit; retry_after may be set      429/413
  kUnavailable,        // peer down, connection refused or reset; retry later    503
  kDeadlineExceeded,   // no answer in time; it may or may not have happened     504
  kCanceled,           // our own stop token fired
  kInternal,           // anything else                                          500
};

std::string_view to_string(ErrorCode code);

// One field-level cause, as in Kubernetes' Status.details.causes.
struct ErrorCause {
  std::string field;   // e.g. "spec.template.spec.volumes[0].name"; may be empty
  std::string reason;  // e.g. "FieldValueInvalid"; may be empty
  std::string message;
};

// An error is a value with a place. For answers of an API server `reason`, `http_status` and `causes` keep what its
// Status object said, so that the same words reach CLI, HTTP reply, log, Event and metric label.
struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // for people; never holds a secret
  std::string reason;   // CamelCase machine word; empty if none
  int http_status = 0;  // 0 when no HTTP answer was involved
  std::vector<ErrorCause> causes;
  std::optional<std::chrono::milliseconds> retry_after;

  // "context: message"; everything else is kept.
  [[nodiscard]] Error with_context(std::string_view context) const&;
  [[nodiscard]] Error with_context(std::string_view context) &&;
};

Error make_error(ErrorCode code, std::string message);

// For functions that return nothing but may fail: Result<void>.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Using the value of a failed result is a bug and ends the process with the error's text.
  T& operator*() & { return checked(); }
  const T& operator*() const& { return const_cast<Result*>(this)->checked(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &const_cast<Result*>(this)->checked(); }

  [[nodiscard]] const Error& error() const& { return *error_ptr(); }
  [[nodiscard]] Error&& error() && { return std::move(*const_cast<Error*>(error_ptr())); }

  [[nodiscard]] T value_or(T fallback) const& { return ok() ? std::get<0>(state_) : std::move(fallback); }

 private:
  T& checked() {
    if (!ok()) check_failed("Result has no value: " + std::get<1>(state_).message);
    return std::get<0>(state_);
  }
  [[nodiscard]] const Error* error_ptr() const {
    if (ok()) check_failed("Result has no error");
    return &std::get<1>(state_);
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] const Error& error() const& {
    if (ok()) check_failed("Result has no error");
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace fracta

// Propagates the error of a Result<void> or Result<T> whose value is not needed.
#define FRACTA_TRY(expression)                                                                            \
  do {                                                                                                    \
    if (auto fracta_try_result = (expression); !fracta_try_result.ok()) return fracta_try_result.error(); \
  } while (false)
