#include "credentials/providers/common.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/net/http.hpp"

namespace fracta::credentials {
namespace {

// Shorter values would black out ordinary words; nobody issues tokens that short.
constexpr std::size_t kShortestSecret = 6;
constexpr std::size_t kShortestPemLine = 32;

bool is_printable_ascii(char c) { return c > ' ' && c < 0x7F; }

}  // namespace

Error invalid_field(std::string_view field, std::string_view message) {
  auto error = make_error(ErrorCode::kInvalid, std::string(field) + ": " + std::string(message));
  error.causes.push_back({std::string(field), "FieldValueInvalid", std::string(message)});
  return error;
}

std::string single_line_token(const StoredCredential& credential) { return std::string(trim(credential.token)); }

Result<void> check_single_line_token(const StoredCredential& credential) {
  const auto token = trim(credential.token);
  constexpr std::size_t kLongest = 16u << 10;
  if (token.size() > kLongest) return invalid_field("token", "is longer than 16 KiB; that is no access token");
  if (!std::all_of(token.begin(), token.end(), is_printable_ascii))
    return invalid_field("token", "must be one line of printable characters without blanks");
  return {};
}

Result<void> check_https_url(std::string_view text, bool required) {
  if (text.empty())
    return required ? Result<void>(invalid_field("url", "is required, e.g. https://jira.example.com")) : Result<void>();
  const auto url = net::parse_url(text);
  // The text itself is not repeated: people paste addresses with a password in them.
  if (!url) return invalid_field("url", "is no valid address: " + url.error().message);
  if (url->scheme != "https")
    return invalid_field("url", "must start with https://, or the token would travel in clear");
  if (!url->query.empty()) return invalid_field("url", "may not hold a query");
  return {};
}

Result<void> check_email(std::string_view email, bool required) {
  if (email.empty())
    return required ? Result<void>(invalid_field("email", "is required: the account the token belongs to"))
                    : Result<void>();
  const auto at = email.find('@');
  const bool shape = at != std::string_view::npos && at > 0 && at + 1 < email.size() &&
                     email.find('@', at + 1) == std::string_view::npos && email.size() <= 254;
  if (!shape || !std::all_of(email.begin(), email.end(), is_printable_ascii))
    return invalid_field("email", "is no e-mail address");
  return {};
}

Result<GoogleKey> parse_google_key(const std::string& token) {
  const auto json = parse_json(token, {.max_depth = 16, .refuse_duplicate_keys = true});
  if (!json || !json->is_object())
    return invalid_field("token", "must be the JSON text of a Google key file (--token @key.json)");
  GoogleKey key{string_at(*json, "type"), string_at(*json, "project_id"), string_at(*json, "client_email")};
  if (key.type == "service_account") {
    for (const char* field : {"private_key", "client_email"})
      if (string_at(*json, field).empty())
        return invalid_field("token", std::string("is a service-account key without \"") + field + "\"");
  } else if (key.type == "authorized_user") {
    for (const char* field : {"client_id", "client_secret", "refresh_token"})
      if (string_at(*json, field).empty())
        return invalid_field("token", std::string("is an authorized_user file without \"") + field + "\"");
  } else if (key.type == "external_account") {
    return invalid_field("token",
                         "is an external_account file, which names files and programs that agents do not have");
  } else {
    return invalid_field("token", "its \"type\" must be service_account or authorized_user");
  }
  return key;
}

void add_secret(std::vector<std::string>& secrets, std::string_view value) {
  value = trim(value);
  if (value.size() < kShortestSecret) return;
  if (std::find(secrets.begin(), secrets.end(), value) == secrets.end()) secrets.emplace_back(value);
}

void add_pem_secret(std::vector<std::string>& secrets, std::string_view pem) {
  add_secret(secrets, pem);
  for (const auto& line : split(pem, '\n')) {
    const auto text = trim(line);
    if (text.size() >= kShortestPemLine && !text.starts_with("-----")) add_secret(secrets, text);
  }
}

}  // namespace fracta::credentials
