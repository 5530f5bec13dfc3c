#include "credentials/store/secret_store.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "credentials/providers/common.hpp"
#include "credentials/store/change.hpp"
#include "credentials/store/ksuid.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::credentials {
namespace {

constexpr int kAttempts = 5;  // of an update whose caller takes any version

Error no_such(const std::string& id) {
  return make_error(ErrorCode::kNotFound, "Credential with id='" + shorten(id, 40) + "' not found");
}

Error exists(const std::string& name) {
  return make_error(ErrorCode::kAlreadyExists, "a credential named \"" + shorten(name, 128) + "\" exists already");
}

Error changed_meanwhile() {
  return make_error(ErrorCode::kConflict, "the credential was changed meanwhile; read it again");
}

// Oldest first, so that a Secret somebody adds later cannot take another's id.
bool older(const Record& a, const Record& b) {
  return std::tie(a.secret_created_at, a.uid) < std::tie(b.secret_created_at, b.uid);
}

// The outcome of a write is not known: it may have happened.
bool is_uncertain(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kDeadlineExceeded;
}

Stored stored(const Record& record, std::vector<std::string> warnings) {
  return {record.credential, std::move(warnings)};
}

}  // namespace

Result<std::vector<Record>> SecretStore::records(const std::string& id) {
  std::string selector = std::string(kCredentialLabel) + "=true";
  if (!id.empty()) selector += "," + std::string(kIdLabel) + "=" + id;
  const auto secrets = secrets_->list(selector);
  if (!secrets) return secrets.error().with_context("reading stored credentials");
  std::vector<Record> found;
  for (const auto& secret : *secrets) {
    auto record = decode_secret(*secret);
    if (!record) {
      log::warn("credentials", "a Secret with our label is no stored credential and is ignored",
                {{"secret", shorten(string_at(*secret, "metadata/name"), 253)}, {"why", record.error().message}});
      continue;
    }
    found.push_back(*std::move(record));
  }
  std::sort(found.begin(), found.end(), older);
  std::vector<Record> out;
  for (auto& record : found) {
    const auto same = std::find_if(out.begin(), out.end(),
                                   [&](const Record& other) { return other.credential.id == record.credential.id; });
    if (same == out.end()) {
      out.push_back(std::move(record));
    } else if (record.renamed_from == same->uid) {
      // A rename that did not get to its last step: the new Secret counts, the old one goes.
      (void)secrets_->remove(same->secret_name, same->uid, same->credential.resource_version);
      *same = std::move(record);
    } else {
      log::warn("credentials", "two Secrets claim one credential id; the later one is ignored",
                {{"id", record.credential.id}, {"secret", record.secret_name}, {"kept", same->secret_name}});
    }
  }
  return out;
}

Result<Record> SecretStore::record(const std::string& id) {
  if (!is_credential_id(id)) return no_such(id);
  auto found = records(id);
  if (!found) return found.error();
  if (found->empty()) return no_such(id);
  return std::move(found->front());
}

Result<std::string> SecretStore::open(const Record& record) const {
  if (!is_sealed(record.stored_token)) return record.stored_token;
  const std::string name = "credential \"" + shorten(record.credential.name, 128) + "\"";
  if (keyring_ == nullptr)
    return make_error(ErrorCode::kInternal,
                      name + " is sealed and this controlplane has no keyring (stored_credentials.keyring_directory)");
  auto token = keyring_->current()->open(record.stored_token, record.credential.id);
  // Nothing the caller could do better: an error of ours.
  if (!token) return make_error(ErrorCode::kInternal, name + ": " + token.error().message);
  return token;
}

Result<std::string> SecretStore::seal(const std::string& token, const std::string& id) const {
  if (keyring_ != nullptr) return keyring_->current()->seal(token, id);
  if (is_sealed(token)) return invalid_field("token", "begins with \"enc:\", which only works with a keyring");
  return token;
}

Result<std::vector<StoredCredential>> SecretStore::list() {
  auto found = records();
  if (!found) return found.error();
  std::vector<StoredCredential> out;
  for (auto& record : *found) out.push_back(std::move(record.credential));
  std::sort(out.begin(), out.end(), [](const StoredCredential& a, const StoredCredential& b) {
    return std::tie(a.created_at, a.id) < std::tie(b.created_at, b.id);
  });
  return out;
}

Result<StoredCredential> SecretStore::get(const std::string& id) {
  auto found = record(id);
  if (!found) return found.error();
  return std::move(found->credential);
}

Result<StoredCredential> SecretStore::get_by_name(const std::string& name) {
  const auto missing = make_error(ErrorCode::kNotFound, "credential \"" + shorten(name, 128) + "\" not found");
  const auto secret = secrets_->get(secret_name_of(name));
  if (!secret) return secret.error().code == ErrorCode::kNotFound ? missing : secret.error();
  auto found = decode_secret(**secret);
  if (!found || found->credential.name != name) return missing;
  // Its id must lead back to it: not to another credential, not to one that was renamed.
  auto current = record(found->credential.id);
  if (!current) return current.error().code == ErrorCode::kNotFound ? missing : current.error();
  if (current->credential.name != name) return missing;
  return std::move(current->credential);
}

Result<StoredCredential> SecretStore::with_token(const std::string& id) {
  auto found = record(id);
  if (!found) return found.error();
  auto token = open(*found);
  if (!token) return token.error();
  found->credential.token = *std::move(token);
  return std::move(found->credential);
}

Result<std::vector<std::string>> SecretStore::inspect_change(Record& record, const CredentialChange& change) const {
  auto& credential = record.credential;
  FRACTA_TRY(check_fields(credential));
  if (!needs_inspection(change)) return std::vector<std::string>();
  if (!change.token) {
    auto token = open(record);
    if (!token) return token.error();
    credential.token = *std::move(token);
  }
  auto inspection = inspect(credential, validation_options(options_, clock_.system_now()));
  if (!inspection) return inspection.error();
  credential.expires_at = inspection->expires_at;
  return std::move(inspection->warnings);
}

Result<Stored> SecretStore::create_record(Record record, std::vector<std::string> warnings) {
  const std::string name = secret_name_of(record.credential.name);
  auto created = secrets_->create(encode_secret(record, options_.ns));
  if (!created && is_uncertain(created.error())) {
    // Ask whether it arrived: a client that tries again must not be told that the name is taken.
    auto there = secrets_->get(name);
    if (there && decode_secret(**there).ok() && decode_secret(**there)->credential.id == record.credential.id)
      created = std::move(there);
  }
  if (!created) {
    if (created.error().code == ErrorCode::kAlreadyExists) return exists(record.credential.name);
    return created.error().with_context("storing the credential");
  }
  auto back = decode_secret(**created);
  if (!back) return make_error(ErrorCode::kInternal, "Secret " + name + " came back changed: " + back.error().message);
  return stored(*back, std::move(warnings));
}

Result<Stored> SecretStore::create(const CredentialChange& change) {
  Record record;
  record.credential = merged({}, change);
  auto& credential = record.credential;
  const auto now = clock_.system_now();
  credential.id = make_ksuid(now);
  credential.created_at = credential.updated_at = format_rfc3339(now);
  FRACTA_TRY(check_fields(credential));
  auto inspection = inspect(credential, validation_options(options_, now));
  if (!inspection) return inspection.error();
  credential.expires_at = inspection->expires_at;
  auto sealed = seal(credential.token, credential.id);
  if (!sealed) return sealed.error();
  record.stored_token = *std::move(sealed);
  credential.token.clear();
  return create_record(std::move(record), std::move(inspection->warnings));
}

Result<Stored> SecretStore::update(const std::string& id, const CredentialChange& change) {
  for (int attempt = 1;; ++attempt) {
    auto result = update_once(id, change);
    const bool again = !result && result.error().code == ErrorCode::kConflict && change.resource_version.empty();
    if (!again || attempt == kAttempts) return result;
  }
}

Result<Stored> SecretStore::update_once(const std::string& id, const CredentialChange& change) {
  auto old = record(id);
  if (!old) return old.error();
  if (!change.resource_version.empty() && change.resource_version != old->credential.resource_version)
    return changed_meanwhile();
  Record next = *old;
  next.credential = merged(next.credential, change);
  auto warnings = inspect_change(next, change);
  if (!warnings) return warnings.error();
  if (change.token) {
    auto sealed = seal(*change.token, next.credential.id);
    if (!sealed) return sealed.error();
    next.stored_token = *std::move(sealed);
  }
  next.credential.token.clear();
  next.credential.updated_at = format_rfc3339(clock_.system_now());
  if (next.credential.name != old->credential.name) return rename(*old, std::move(next), *std::move(warnings));
  const auto replaced = secrets_->replace(encode_secret(next, options_.ns));
  if (!replaced) {
    if (replaced.error().code == ErrorCode::kNotFound) return no_such(id);
    return replaced.error();
  }
  auto back = decode_secret(**replaced);
  if (!back) return back.error();
  return stored(*back, *std::move(warnings));
}

// The name is the Secret's name, so a rename is a new Secret with the same id, then the end of the old one. A crash in
// between leaves both; the new one names the old one's uid and counts (records()).
Result<Stored> SecretStore::rename(const Record& old, Record record, std::vector<std::string> warnings) {
  record.renamed_from = old.uid;
  record.uid.clear();
  record.credential.resource_version.clear();
  auto created = create_record(record, std::move(warnings));
  if (!created) return created.error();
  const auto removed = secrets_->remove(old.secret_name, old.uid, old.credential.resource_version);
  if (removed || removed.error().code != ErrorCode::kConflict) return created;  // whoever reads next removes it
  // Somebody changed the old one after it was read: theirs must not be lost, so this rename did not happen.
  (void)secrets_->remove(secret_name_of(record.credential.name), "", created->credential.resource_version);
  return changed_meanwhile();
}

Result<void> SecretStore::remove(const std::string& id, const std::string& resource_version) {
  if (!is_credential_id(id)) return {};
  if (!resource_version.empty()) {
    const auto current = record(id);
    if (!current) return current.error().code == ErrorCode::kNotFound ? Result<void>() : current.error();
    if (current->credential.resource_version != resource_version) return changed_meanwhile();
    const auto removed = secrets_->remove(current->secret_name, current->uid, resource_version);
    if (!removed) return removed.error().code == ErrorCode::kConflict ? changed_meanwhile() : removed.error();
  }
  // All Secrets of the id, also the one a rename left behind.
  const auto secrets = secrets_->list(std::string(kCredentialLabel) + "=true," + std::string(kIdLabel) + "=" + id);
  if (!secrets) return secrets.error();
  for (const auto& secret : *secrets) {
    const auto found = decode_secret(*secret);
    if (found) FRACTA_TRY(secrets_->remove(found->secret_name, found->uid, ""));
  }
  return {};
}

std::unique_ptr<CredentialStore> make_secret_store(std::shared_ptr<SecretClient> secrets,
                                                   std::shared_ptr<const Keyring> keyring, const Clock& clock,
                                                   StoreOptions options) {
  return std::make_unique<SecretStore>(std::move(secrets), std::move(keyring), clock, std::move(options));
}

}  // namespace fracta::credentials
