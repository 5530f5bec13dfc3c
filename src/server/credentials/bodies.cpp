#include "server/credentials/bodies.hpp"

#include <algorithm>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "server/credentials/replies.hpp"

namespace fracta::server {
namespace {

using credentials::CredentialChange;

struct Field {
  const char* key;
  std::optional<std::string> CredentialChange::*member;
};
constexpr Field kFields[] = {
    {"name", &CredentialChange::name},
    {"provider", &CredentialChange::provider},
    {"description", &CredentialChange::description},
    {"token", &CredentialChange::token},
    {"url", &CredentialChange::url},
    {"email", &CredentialChange::email},
    {"labels", &CredentialChange::labels},
    {"annotations", &CredentialChange::annotations},
};
constexpr const char* kReadOnly[] = {"kind", "href", "created_at", "updated_at", "expires_at", "warnings"};

net::ServerResponse malformed(const std::string& why) {
  return credential_error(ApiError::kMalformed, "Invalid request format: " + why);
}

bool is_read_only(const std::string& key) {
  return std::find(std::begin(kReadOnly), std::end(kReadOnly), key) != std::end(kReadOnly);
}

ObjectResult parse_body(const net::ServerRequest& request, bool optional) {
  if (request.body.empty() && optional) return {std::make_shared<const Json>(Json::object()), {}};
  const auto type = request.headers.get("Content-Type").value_or("");
  const auto media = trim(std::string_view(type).substr(0, type.find(';')));
  // A page elsewhere may send forms and plain text without asking; JSON it may not (CORS preflight).
  const bool json = iequals(media, "application/json") ||
                    (request.method == "PATCH" && iequals(media, "application/merge-patch+json"));
  if (!json)
    return {nullptr, credential_error(ApiError::kMalformed,
                                      "Invalid request format: Content-Type must be application/json", 415)};
  auto parsed = parse_json(request.body, {.max_depth = 32, .refuse_duplicate_keys = true});
  // Not the parser's own words: they could repeat a piece of the token.
  if (!parsed) return {nullptr, malformed("the body is no valid JSON")};
  if (!parsed->is_object()) return {nullptr, malformed("a JSON object is expected")};
  return {std::make_shared<const Json>(*std::move(parsed)), {}};
}

// A key's value; nothing with `refused` set when it is of another kind.
std::optional<net::ServerResponse> take(const Json& value, const Field& field, CredentialChange& change) {
  if (value.is_null()) return {};
  if (!value.is_string()) return malformed(std::string("\"") + field.key + "\" must be a string");
  change.*field.member = value.get<std::string>();
  return {};
}

ChangeResult decode_change(const Json& body) {
  CredentialChange change;
  for (const auto& [key, value] : body.items()) {
    const auto* field = std::find_if(std::begin(kFields), std::end(kFields),
                                     [&, &wanted = key](const Field& known) { return known.key == wanted; });
    if (field != std::end(kFields)) {
      if (auto refused = take(value, *field, change)) return {{}, std::move(refused)};
    } else if (key == "id") {
      if (!value.is_null() && value != "") return {{}, credential_error(ApiError::kValidation, "id must be empty")};
    } else if (!is_read_only(key)) {
      return {{}, malformed("unknown field \"" + shorten(key, 40) + "\"")};
    }
  }
  return {std::move(change), {}};
}

}  // namespace

ChangeResult decode_new_credential(const net::ServerRequest& request) {
  const auto parsed = parse_body(request, false);
  if (parsed.refused) return {{}, parsed.refused};
  for (const char* key : {"name", "provider"})
    if (find(*parsed.body, key) == nullptr)
      return {{}, malformed(std::string("no value given for required property ") + key)};
  return decode_change(*parsed.body);
}

ChangeResult decode_credential_patch(const net::ServerRequest& request) {
  const auto parsed = parse_body(request, false);
  if (parsed.refused) return {{}, parsed.refused};
  Json body = *parsed.body;
  body.erase("id");  // of an object that was read and is sent back
  return decode_change(body);
}

ObjectResult decode_object(const net::ServerRequest& request, const std::vector<std::string>& keys, bool optional) {
  auto parsed = parse_body(request, optional);
  if (parsed.refused) return parsed;
  for (const auto& [key, value] : parsed.body->items())
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      return {nullptr, malformed("unknown field \"" + shorten(key, 40) + "\"")};
  return parsed;
}

}  // namespace fracta::server
