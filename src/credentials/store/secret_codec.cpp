#include "credentials/store/secret_codec.hpp"

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/credentials/provider.hpp"
#include "fracta/credentials/store.hpp"

namespace fracta::credentials {
namespace {

constexpr const char* kPrefix = "fracta-credential-";

struct TextField {
  const char* key;
  std::string StoredCredential::*member;
};
constexpr TextField kTextFields[] = {
    {"name", &StoredCredential::name},
    {"provider", &StoredCredential::provider},
    {"description", &StoredCredential::description},
    {"url", &StoredCredential::url},
    {"email", &StoredCredential::email},
    {"labels", &StoredCredential::labels},
    {"annotations", &StoredCredential::annotations},
    {"created_at", &StoredCredential::created_at},
    {"updated_at", &StoredCredential::updated_at},
    {"expires_at", &StoredCredential::expires_at},
};

Error not_ours(std::string_view why) { return make_error(ErrorCode::kInvalid, std::string(why)); }

std::string slug_of(std::string_view name) {
  constexpr std::size_t kLongest = 40;
  std::string out;
  for (const char c : to_lower(name)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain) {
      out += c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
    if (out.size() == kLongest) break;
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out;
}

// The decoded value of data[key]; nothing when it is no base64 text.
std::optional<std::string> data_at(const Json& secret, const char* key) {
  const Json* data = find(secret, "data");
  const Json* value = data == nullptr ? nullptr : find(*data, key);
  if (value == nullptr || value->is_null()) return std::string();
  return value->is_string() ? base64_decode(value->get_ref<const std::string&>()) : std::nullopt;
}

std::string note_at(const Json& secret, const char* key) {
  const Json* notes = find_path(secret, "metadata/annotations");
  const Json* value = notes == nullptr ? nullptr : find(*notes, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::string label_at(const Json& secret, const char* key) {
  const Json* labels = find_path(secret, "metadata/labels");
  const Json* value = labels == nullptr ? nullptr : find(*labels, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::vector<std::string> parse_bindings(const std::string& text) {
  std::vector<std::string> out;
  const auto json = parse_json(text, {.max_depth = 4});
  if (!json || !json->is_array()) return out;
  for (const auto& item : *json)
    if (item.is_string() && check_binding_target(item.get_ref<const std::string&>()))
      out.push_back(item.get<std::string>());
  return out;
}

}  // namespace

std::string secret_name_of(std::string_view credential_name) {
  const std::string slug = slug_of(credential_name);
  return kPrefix + slug + (slug.empty() ? "" : "-") + sha256_hex(credential_name).substr(0, 16);
}

Json encode_secret(const Record& record, const std::string& ns) {
  const auto& credential = record.credential;
  Json data = Json::object();
  for (const auto& field : kTextFields)
    if (!(credential.*field.member).empty()) data[field.key] = base64_encode(credential.*field.member);
  if (!record.stored_token.empty()) data["token"] = base64_encode(record.stored_token);
  Json notes = Json::object();
  if (!record.bindings.empty()) notes[kBindingsAnnotation] = dump_json(Json(record.bindings));
  if (!record.renamed_from.empty()) notes[kRenamedFromAnnotation] = record.renamed_from;
  Json metadata = {{"name", secret_name_of(credential.name)},
                   {"namespace", ns},
                   {"labels",
                    {{"app.kubernetes.io/managed-by", "fracta"},
                     {kCredentialLabel, "true"},
                     {kIdLabel, credential.id},
                     {kProviderLabel, credential.provider}}}};
  if (!notes.empty()) metadata["annotations"] = std::move(notes);
  if (!credential.resource_version.empty()) metadata["resourceVersion"] = credential.resource_version;
  if (!record.uid.empty()) metadata["uid"] = record.uid;
  return {{"apiVersion", "v1"},  {"kind", "Secret"},   {"metadata", std::move(metadata)},
          {"type", kSecretType}, {"immutable", false}, {"data", std::move(data)}};
}

Result<Record> decode_secret(const Json& secret) {
  Record record;
  record.secret_name = string_at(secret, "metadata/name");
  record.uid = string_at(secret, "metadata/uid");
  record.renamed_from = note_at(secret, kRenamedFromAnnotation);
  record.secret_created_at = string_at(secret, "metadata/creationTimestamp");
  auto& credential = record.credential;
  credential.resource_version = string_at(secret, "metadata/resourceVersion");
  credential.id = label_at(secret, kIdLabel);
  if (string_at(secret, "type") != kSecretType) return not_ours("its type is not fracta.io/credential");
  if (label_at(secret, kCredentialLabel) != "true") return not_ours("it has no label fracta.io/credential=true");
  if (!is_credential_id(credential.id)) return not_ours("its label fracta.io/credential-id is no id");
  for (const auto& field : kTextFields) {
    auto value = data_at(secret, field.key);
    if (!value || !is_valid_utf8(*value)) return not_ours(std::string("its data.") + field.key + " is no text");
    credential.*field.member = *std::move(value);
  }
  // The name decides what one may do with it, so it must be the one whose Secret this is.
  if (credential.name.empty() || secret_name_of(credential.name) != record.secret_name)
    return not_ours("its name does not belong to the credential in it");
  if (find_provider(credential.provider) == nullptr) return not_ours("its provider is unknown");
  auto token = data_at(secret, "token");
  if (!token) return not_ours("its data.token cannot be read");
  record.stored_token = *std::move(token);
  record.bindings = parse_bindings(note_at(secret, kBindingsAnnotation));
  return record;
}

}  // namespace fracta::credentials
