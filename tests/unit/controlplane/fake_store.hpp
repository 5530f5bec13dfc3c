// A store of credentials in memory, counting what it is asked.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "fracta/credentials/store.hpp"

namespace fracta::testing {

class FakeStore final : public credentials::CredentialStore {
 public:
  using Stored = credentials::Stored;
  using StoredCredential = credentials::StoredCredential;

  void add(const std::string& id, const std::string& name, const std::string& provider, const std::string& token) {
    std::lock_guard lock(mutex_);
    StoredCredential credential;
    credential.id = id;
    credential.name = name;
    credential.provider = provider;
    credential.token = token;
    all_[id] = credential;
  }
  [[nodiscard]] int reads() const { return reads_; }
  void fail_with(std::optional<Error> error) { error_ = std::move(error); }

  Result<std::vector<StoredCredential>> list() override {
    std::lock_guard lock(mutex_);
    ++reads_;
    if (error_) return *error_;
    std::vector<StoredCredential> out;
    for (auto [id, credential] : all_) {
      credential.token.clear();
      out.push_back(credential);
    }
    return out;
  }
  Result<StoredCredential> get(const std::string& id) override {
    auto found = with_token(id);
    if (found) found->token.clear();
    return found;
  }
  Result<StoredCredential> get_by_name(const std::string& name) override {
    std::lock_guard lock(mutex_);
    for (const auto& [id, credential] : all_)
      if (credential.name == name) return credential;
    return make_error(ErrorCode::kNotFound, "no such credential");
  }
  Result<StoredCredential> with_token(const std::string& id) override {
    std::lock_guard lock(mutex_);
    ++reads_;
    if (error_) return *error_;
    const auto found = all_.find(id);
    if (found == all_.end()) return make_error(ErrorCode::kNotFound, "no such credential");
    return found->second;
  }
  Result<Stored> create(const credentials::CredentialChange&) override { return unused(); }
  Result<Stored> update(const std::string& id, const credentials::CredentialChange& change) override {
    std::lock_guard lock(mutex_);
    if (change.token) all_[id].token = *change.token;
    return Stored{all_[id], {}};
  }
  Result<void> remove(const std::string& id, const std::string&) override {
    std::lock_guard lock(mutex_);
    all_.erase(id);
    return {};
  }
  Result<credentials::RotationReport> rotate_keys(bool) override { return unused(); }
  Result<void> bind(const std::string& id, const std::string& target) override {
    std::lock_guard lock(mutex_);
    bindings_.push_back({id, all_[id].name, all_[id].provider, target});
    return {};
  }
  Result<void> unbind(const std::string& id, const std::string& target) override {
    std::lock_guard lock(mutex_);
    bindings_.erase(std::remove_if(bindings_.begin(), bindings_.end(),
                                   [&](const Binding& b) { return b.credential_id == id && b.target == target; }),
                    bindings_.end());
    return {};
  }
  Result<std::vector<Binding>> bindings() override {
    std::lock_guard lock(mutex_);
    ++reads_;
    if (error_) return *error_;
    return bindings_;
  }

 private:
  static Error unused() { return make_error(ErrorCode::kInternal, "not in this test"); }
  std::mutex mutex_;
  std::map<std::string, StoredCredential> all_;
  std::vector<Binding> bindings_;
  std::optional<Error> error_;
  int reads_ = 0;
};

}  // namespace fracta::testing
