// Every token under the active key. Each Secret on its own, compare-and-set: a change by somebody else meanwhile is
// read again, never overwritten. What cannot be opened is reported and left as it is.
#include "credentials/store/secret_store.hpp"
#include "fracta/base/text.hpp"

namespace fracta::credentials {
namespace {

constexpr int kAttempts = 5;

void fail(RotationReport& report, const Record& record, const std::string& why) {
  report.failed.push_back(shorten(record.credential.name, 128) + ": " + why);
}

}  // namespace

Result<RotationReport> SecretStore::rotate_keys(bool dry_run) {
  if (keyring_ == nullptr)
    return make_error(
        ErrorCode::kInvalid,
        "this controlplane has no keyring; mount one and name it in stored_credentials.keyring_directory");
  const auto keys = keyring_->current();
  auto found = records();
  if (!found) return found.error();
  RotationReport report;
  for (auto& record : *found) rotate_record(std::move(record), *keys, dry_run, report);
  return report;
}

void SecretStore::rotate_record(Record current, const KeySet& keys, bool dry_run, RotationReport& report) {
  const std::string id = current.credential.id;
  for (int attempt = 1;; ++attempt) {
    if (current.stored_token.empty()) return;
    const bool sealed = is_sealed(current.stored_token);
    const auto token = sealed ? keys.open(current.stored_token, id) : Result<std::string>(current.stored_token);
    if (!token) return fail(report, current, token.error().message);
    if (sealed && sealed_version(current.stored_token) == keys.active_version()) {
      ++report.current;
      return;
    }
    int& count = sealed ? report.resealed : report.sealed;
    if (dry_run) {
      ++count;
      return;
    }
    current.stored_token = keys.seal(*token, id);
    const auto replaced = secrets_->replace(encode_secret(current, options_.ns));
    if (replaced) {
      ++count;
      return;
    }
    if (replaced.error().code == ErrorCode::kNotFound) return;  // deleted meanwhile
    if (replaced.error().code != ErrorCode::kConflict || attempt == kAttempts)
      return fail(report, current, replaced.error().message);
    auto again = record(id);
    if (!again) {
      if (again.error().code != ErrorCode::kNotFound) fail(report, current, again.error().message);
      return;
    }
    current = *std::move(again);
  }
}

}  // namespace fracta::credentials
