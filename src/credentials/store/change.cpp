#include "credentials/store/change.hpp"

#include <algorithm>

#include "credentials/providers/common.hpp"
#include "fracta/base/text.hpp"

namespace fracta::credentials {
namespace {

struct Limit {
  const char* field;
  std::string StoredCredential::*member;
  std::size_t bytes;
};
// Together well below the 1 MiB of a Secret, sealed and encoded.
constexpr Limit kLimits[] = {
    {"name", &StoredCredential::name, 128},           {"description", &StoredCredential::description, 4u << 10},
    {"url", &StoredCredential::url, 2u << 10},        {"email", &StoredCredential::email, 254},
    {"labels", &StoredCredential::labels, 32u << 10}, {"annotations", &StoredCredential::annotations, 32u << 10},
    {"token", &StoredCredential::token, 512u << 10},
};

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

Result<void> check_name(const std::string& name) {
  if (trim(name).empty()) return invalid_field("name", "is required");
  if (trim(name).size() != name.size()) return invalid_field("name", "may not begin or end with a blank");
  if (std::any_of(name.begin(), name.end(), is_control))
    return invalid_field("name", "may not hold control characters");
  if (is_credential_id(name)) return invalid_field("name", "looks like an id; choose a name people can tell from one");
  return {};
}

}  // namespace

Result<void> check_fields(const StoredCredential& credential) {
  for (const auto& limit : kLimits) {
    const std::string& value = credential.*limit.member;
    if (value.size() > limit.bytes)
      return invalid_field(limit.field, "is longer than " + std::to_string(limit.bytes) + " bytes");
    if (!is_valid_utf8(value)) return invalid_field(limit.field, "is no valid UTF-8 text");
  }
  return check_name(credential.name);
}

StoredCredential merged(StoredCredential old, const CredentialChange& change) {
  const auto take = [](std::string& into, const std::optional<std::string>& value) {
    if (value) into = *value;
  };
  take(old.name, change.name);
  take(old.provider, change.provider);
  take(old.description, change.description);
  take(old.url, change.url);
  take(old.email, change.email);
  take(old.labels, change.labels);
  take(old.annotations, change.annotations);
  take(old.token, change.token);
  return old;
}

bool needs_inspection(const CredentialChange& change) {
  return change.provider || change.token || change.url || change.email;
}

ValidationOptions validation_options(const StoreOptions& options, SystemTime now) {
  return {options.allow_insecure_skip_tls_verify, options.allow_proxy_url, now};
}

}  // namespace fracta::credentials
