// Standing bindings: an annotation of the credential's own Secret, so that they go with it.
#include <algorithm>

#include "credentials/providers/common.hpp"
#include "credentials/store/secret_store.hpp"
#include "fracta/base/text.hpp"

namespace fracta::credentials {
namespace {

constexpr std::size_t kMaxBindings = 200;
constexpr int kAttempts = 5;

}  // namespace

Result<void> check_binding_target(std::string_view target) {
  for (const std::string_view kind : {"runtime/", "agent/", "project/"}) {
    if (!target.starts_with(kind)) continue;
    const auto name = target.substr(kind.size());
    const bool control =
        std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
    if (name.empty() || name.size() > 253 || control || !is_valid_utf8(name) || trim(name).size() != name.size()) break;
    return {};
  }
  return invalid_field("target", "must be runtime/NAME, agent/NAME or project/NAME");
}

Result<void> SecretStore::change_bindings(const std::string& id, const std::function<Result<bool>(Record&)>& change) {
  for (int attempt = 1;; ++attempt) {
    auto found = record(id);
    if (!found) return found.error();
    const auto changed = change(*found);
    if (!changed) return changed.error();
    if (!*changed) return {};
    const auto replaced = secrets_->replace(encode_secret(*found, options_.ns));
    if (replaced) return {};
    if (replaced.error().code != ErrorCode::kConflict || attempt == kAttempts) return replaced.error();
  }
}

Result<void> SecretStore::bind(const std::string& id, const std::string& target) {
  FRACTA_TRY(check_binding_target(target));
  const auto all = bindings();
  if (!all) return all.error();
  return change_bindings(id, [&](Record& record) -> Result<bool> {
    auto& list = record.bindings;
    if (std::find(list.begin(), list.end(), target) != list.end()) return false;
    // Two of one provider on one level would be a conflict at every spawn; say so now.
    for (const auto& other : *all)
      if (other.target == target && other.provider == record.credential.provider && other.credential_id != id)
        return make_error(ErrorCode::kAlreadyExists, target + " has a " + other.provider + " credential already: \"" +
                                                         shorten(other.credential_name, 128) + "\"; unbind it first");
    if (list.size() >= kMaxBindings)
      return make_error(ErrorCode::kInvalid,
                        "the credential has " + std::to_string(kMaxBindings) + " bindings; bind it to a project");
    list.push_back(target);
    std::sort(list.begin(), list.end());
    return true;
  });
}

Result<void> SecretStore::unbind(const std::string& id, const std::string& target) {
  FRACTA_TRY(check_binding_target(target));
  return change_bindings(id, [&](Record& record) -> Result<bool> {
    const auto end = std::remove(record.bindings.begin(), record.bindings.end(), target);
    const bool changed = end != record.bindings.end();
    record.bindings.erase(end, record.bindings.end());
    return changed;
  });
}

Result<std::vector<CredentialStore::Binding>> SecretStore::bindings() {
  const auto found = records();
  if (!found) return found.error();
  std::vector<Binding> out;
  for (const auto& record : *found)
    for (const auto& target : record.bindings)
      out.push_back({record.credential.id, record.credential.name, record.credential.provider, target});
  return out;
}

}  // namespace fracta::credentials
