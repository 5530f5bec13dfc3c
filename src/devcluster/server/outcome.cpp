#include "devcluster/server/outcome.hpp"

#include <fmt/format.h>

namespace fracta::devcluster {

namespace {

Json details_of(const Kind& kind, std::string_view name) {
  Json details = {{"kind", kind.plural}};
  if (!name.empty()) details["name"] = name;
  if (!kind.group.empty()) details["group"] = kind.group;
  return details;
}

ErrorCode code_of(const Failure& failure) {
  switch (failure.code) {
    case 401:
      return ErrorCode::kUnauthenticated;
    case 403:
      return ErrorCode::kForbidden;
    case 404:
      return ErrorCode::kNotFound;
    case 409:
      return failure.reason == "AlreadyExists" ? ErrorCode::kAlreadyExists : ErrorCode::kConflict;
    case 410:
      return ErrorCode::kGone;
    case 413:
    case 429:
      return ErrorCode::kResourceExhausted;
    case 503:
      return ErrorCode::kUnavailable;
    case 504:
      return ErrorCode::kDeadlineExceeded;
    default:
      return failure.code >= 500 ? ErrorCode::kInternal : ErrorCode::kInvalid;
  }
}

}  // namespace

std::string qualified_resource(const Kind& kind) {
  return kind.group.empty() ? kind.plural : kind.plural + "." + kind.group;
}

Failure not_found(const Kind& kind, std::string_view name) {
  return {404, "NotFound", fmt::format("{} \"{}\" not found", qualified_resource(kind), name), details_of(kind, name)};
}

Failure already_exists(const Kind& kind, std::string_view name) {
  return {409, "AlreadyExists", fmt::format("{} \"{}\" already exists", qualified_resource(kind), name),
          details_of(kind, name)};
}

Failure conflict(const Kind& kind, std::string_view name, std::string_view why) {
  return {409, "Conflict",
          fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", qualified_resource(kind), name, why),
          details_of(kind, name)};
}

Failure modified_conflict(const Kind& kind, std::string_view name) {
  return conflict(kind, name,
                  "the object has been modified; please apply your changes to the latest version and try again");
}

Failure bad_request(std::string message) { return {400, "BadRequest", std::move(message), Json()}; }

Failure forbidden(const Kind& kind, std::string_view name, std::string_view why) {
  const std::string text = name.empty()
                               ? fmt::format("{} is forbidden: {}", qualified_resource(kind), why)
                               : fmt::format("{} \"{}\" is forbidden: {}", qualified_resource(kind), name, why);
  return {403, "Forbidden", text, details_of(kind, name)};
}

Failure expired(std::string message) { return {410, "Expired", std::move(message), Json()}; }

Failure method_not_allowed() {
  return {405, "MethodNotAllowed", "the server does not allow this method on the requested resource", Json::object()};
}

Failure internal_error(std::string message) {
  return {
      500, "InternalError", "Internal error occurred: " + message, {{"causes", Json::array({{{"message", message}}})}}};
}

Failure unsupported_media_type(std::string message) {
  return {415, "UnsupportedMediaType", std::move(message), Json()};
}

Json status_object(const Failure& failure) {
  Json status = {{"kind", "Status"},    {"apiVersion", "v1"},         {"metadata", Json::object()},
                 {"status", "Failure"}, {"message", failure.message}, {"reason", failure.reason},
                 {"code", failure.code}};
  if (failure.reason.empty()) status.erase("reason");
  if (!failure.details.is_null()) status["details"] = failure.details;
  return status;
}

Error to_error(const Failure& failure) {
  Error error;
  error.code = code_of(failure);
  error.message = failure.message;
  error.reason = failure.reason;
  error.http_status = failure.code;
  if (failure.details.is_object() && failure.details.contains("causes")) {
    for (const auto& cause : failure.details["causes"]) {
      error.causes.push_back({cause.value("field", ""), cause.value("reason", ""), cause.value("message", "")});
    }
  }
  return error;
}

Failure from_error(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalid:
      return bad_request(error.message);
    case ErrorCode::kNotFound:
      return {404, "NotFound", error.message, Json()};
    case ErrorCode::kForbidden:
      return {403, "Forbidden", error.message, Json()};
    case ErrorCode::kUnavailable:
      return {503, "ServiceUnavailable", error.message, Json()};
    default:
      return internal_error(error.message);
  }
}

}  // namespace fracta::devcluster
