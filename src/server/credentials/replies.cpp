#include "server/credentials/replies.hpp"

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "server/answers.hpp"

namespace fracta::server {
namespace {

int status_of(ApiError number) {
  switch (number) {
    case ApiError::kForbidden:
      return 403;
    case ApiError::kConflict:
      return 409;
    case ApiError::kNotFound:
      return 404;
    case ApiError::kGeneral:
      return 500;
    case ApiError::kUnauthenticated:
      return 401;
    case ApiError::kValidation:
    case ApiError::kMalformed:
    case ApiError::kBadRequest:
    case ApiError::kSearch:
      return 400;
  }
  return 500;
}

ApiError number_of(int status) {
  switch (status) {
    case 400:
    case 422:
      return ApiError::kValidation;
    case 401:
      return ApiError::kUnauthenticated;
    case 403:
      return ApiError::kForbidden;
    case 404:
      return ApiError::kNotFound;
    case 409:
    case 412:
      return ApiError::kConflict;
    case 413:
    case 415:
      return ApiError::kMalformed;
    default:
      return ApiError::kGeneral;
  }
}

Json error_body(ApiError number, std::string_view reason) {
  const std::string id = std::to_string(static_cast<int>(number));
  return {{"kind", "Error"},
          {"id", id},
          {"href", "/api/ambient/v1/errors/" + id},
          {"code", "ambient-api-server-" + id},
          {"reason", reason}};
}

void put(Json& object, const char* key, const std::string& value) {
  if (!value.empty()) object[key] = value;
}

}  // namespace

net::ServerResponse credential_error(ApiError number, std::string_view reason, int status) {
  return json_answer(status == 0 ? status_of(number) : status, error_body(number, reason));
}

net::ServerResponse credential_error(const Error& error) {
  // From the cluster: the daemon's own rights are at fault, not the caller's.
  if (error.code == ErrorCode::kForbidden && error.http_status == 403)
    return credential_error(ApiError::kGeneral, "the controlplane may not do this in the cluster: " + error.message);
  return as_credential_reply(error_answer(error));
}

net::ServerResponse as_credential_reply(net::ServerResponse answer) {
  if (answer.status < 400) return answer;
  auto parsed = parse_json(answer.body);
  Json body = parsed && parsed->is_object() ? *std::move(parsed) : Json::object();
  if (string_at(body, "kind") != "Error") {
    const std::string fallback(net::status_text(answer.status));
    body = error_body(number_of(answer.status), string_at(body, "error", fallback));
  }
  if (const auto id = answer.headers.get("X-Request-Id")) body["operation_id"] = *id;
  answer.headers.set("Content-Type", "application/json");
  answer.body = dump_json(body) + "\n";
  return answer;
}

net::ServerResponse credential_not_found(std::string_view id) {
  return credential_error(ApiError::kNotFound, "Credential with id='" + shorten(id, 40) + "' not found");
}

Json credential_to_json(const credentials::StoredCredential& credential) {
  Json out = {{"id", credential.id},
              {"kind", "Credential"},
              {"href", std::string(kCredentialsPath) + "/" + credential.id},
              {"name", credential.name},
              {"provider", credential.provider},
              {"created_at", credential.created_at},
              {"updated_at", credential.updated_at}};
  put(out, "description", credential.description);
  put(out, "url", credential.url);
  put(out, "email", credential.email);
  put(out, "labels", credential.labels);
  put(out, "annotations", credential.annotations);
  put(out, "expires_at", credential.expires_at);
  return out;
}

std::string entity_tag(const credentials::StoredCredential& credential) {
  return "\"" + credential.resource_version + "\"";
}

bool tag_matches(std::string_view header, const credentials::StoredCredential& credential) {
  for (const auto& piece : split(header, ',')) {
    std::string_view tag = trim(piece);
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == "*" || tag == entity_tag(credential)) return true;
  }
  return false;
}

net::ServerResponse credential_reply(int status, const credentials::StoredCredential& credential,
                                     const std::vector<std::string>& warnings) {
  Json body = credential_to_json(credential);
  if (!warnings.empty()) body["warnings"] = warnings;
  auto answer = json_answer(status, body);
  answer.headers.set("ETag", entity_tag(credential));
  return answer;
}

}  // namespace fracta::server
