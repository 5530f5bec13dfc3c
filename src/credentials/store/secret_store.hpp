// CredentialStore over Secrets. One write a change, compare-and-set by resourceVersion; nothing is remembered between
// calls, so several replicas may serve at once.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "credentials/store/secret_codec.hpp"
#include "fracta/credentials/keyring.hpp"
#include "fracta/credentials/store.hpp"

namespace fracta::credentials {

class SecretStore final : public CredentialStore {
 public:
  SecretStore(std::shared_ptr<SecretClient> secrets, std::shared_ptr<const Keyring> keyring, const Clock& clock,
              StoreOptions options)
      : secrets_(std::move(secrets)), keyring_(std::move(keyring)), clock_(clock), options_(std::move(options)) {}

  Result<std::vector<StoredCredential>> list() override;
  Result<StoredCredential> get(const std::string& id) override;
  Result<StoredCredential> get_by_name(const std::string& name) override;
  Result<StoredCredential> with_token(const std::string& id) override;
  Result<Stored> create(const CredentialChange& change) override;
  Result<Stored> update(const std::string& id, const CredentialChange& change) override;
  Result<void> remove(const std::string& id, const std::string& resource_version) override;
  Result<RotationReport> rotate_keys(bool dry_run) override;
  Result<void> bind(const std::string& id, const std::string& target) override;
  Result<void> unbind(const std::string& id, const std::string& target) override;
  Result<std::vector<Binding>> bindings() override;

 private:
  // Every well-formed Secret of ours; `id` empty = all. Of two with one id (a rename that was cut short) only the one
  // that counts; the other is removed.
  Result<std::vector<Record>> records(const std::string& id = "");
  Result<Record> record(const std::string& id);
  [[nodiscard]] Result<std::string> open(const Record& record) const;
  [[nodiscard]] Result<std::string> seal(const std::string& token, const std::string& id) const;
  Result<Stored> create_record(Record record, std::vector<std::string> warnings);
  Result<Stored> update_once(const std::string& id, const CredentialChange& change);
  Result<Stored> rename(const Record& old, Record record, std::vector<std::string> warnings);
  Result<std::vector<std::string>> inspect_change(Record& record, const CredentialChange& change) const;
  Result<void> change_bindings(const std::string& id, const std::function<Result<bool>(Record&)>& change);
  void rotate_record(Record record, const KeySet& keys, bool dry_run, RotationReport& report);

  const std::shared_ptr<SecretClient> secrets_;
  const std::shared_ptr<const Keyring> keyring_;
  const Clock& clock_;
  const StoreOptions options_;
};

}  // namespace fracta::credentials
