#include "controlplane/credential_directory.hpp"

#include <optional>

namespace fracta::controlplane {

using credentials::CredentialChange;
using credentials::CredentialStore;
using credentials::RotationReport;
using credentials::Stored;
using credentials::StoredCredential;

namespace {

constexpr std::size_t kMaxTokens = 64;  // remembered at a time; each at most 1 MiB

// Hands everything on.
class Forwarding : public CredentialStore {
 public:
  explicit Forwarding(std::shared_ptr<CredentialStore> inner) : inner_(std::move(inner)) {}
  Result<std::vector<StoredCredential>> list() override { return inner_->list(); }
  Result<StoredCredential> get(const std::string& id) override { return inner_->get(id); }
  Result<StoredCredential> get_by_name(const std::string& name) override { return inner_->get_by_name(name); }
  Result<StoredCredential> with_token(const std::string& id) override { return inner_->with_token(id); }
  Result<Stored> create(const CredentialChange& change) override { return inner_->create(change); }
  Result<Stored> update(const std::string& id, const CredentialChange& change) override {
    return inner_->update(id, change);
  }
  Result<void> remove(const std::string& id, const std::string& version) override {
    return inner_->remove(id, version);
  }
  Result<RotationReport> rotate_keys(bool dry_run) override { return inner_->rotate_keys(dry_run); }
  Result<void> bind(const std::string& id, const std::string& target) override { return inner_->bind(id, target); }
  Result<void> unbind(const std::string& id, const std::string& target) override { return inner_->unbind(id, target); }
  Result<std::vector<Binding>> bindings() override { return inner_->bindings(); }

 protected:
  const std::shared_ptr<CredentialStore> inner_;
};

template <class T>
struct Memory {
  T value;
  SteadyTime until{};
};

}  // namespace

class CredentialDirectory::Remembered final : public Forwarding {
 public:
  Remembered(std::shared_ptr<CredentialStore> inner, const Clock& clock)
      : Forwarding(std::move(inner)), clock_(clock) {}

  Result<std::vector<StoredCredential>> list() override {
    return recall(list_, [this] { return inner_->list(); });
  }
  Result<std::vector<Binding>> bindings() override {
    return recall(bindings_, [this] { return inner_->bindings(); });
  }
  Result<StoredCredential> with_token(const std::string& id) override {
    const auto generation = trim_tokens();
    {
      std::lock_guard lock(mutex_);
      if (const auto found = tokens_.find(id); found != tokens_.end()) return found->second.value;
    }
    auto fresh = inner_->with_token(id);
    std::lock_guard lock(mutex_);
    if (fresh && generation == generation_ && tokens_.size() < kMaxTokens)
      tokens_[id] = {*fresh, clock_.steady_now() + kRemembered};
    return fresh;
  }
  [[nodiscard]] std::uint64_t generation() {
    std::lock_guard lock(mutex_);
    return generation_;
  }
  void forget() {
    std::lock_guard lock(mutex_);
    ++generation_;
    list_.reset();
    bindings_.reset();
    tokens_.clear();
  }

 private:
  // What was read before a change must not be remembered after it.
  template <class T, class Read>
  Result<T> recall(std::optional<Memory<T>>& memory, const Read& read) {
    std::uint64_t generation = 0;
    {
      std::lock_guard lock(mutex_);
      if (memory && clock_.steady_now() < memory->until) return memory->value;
      generation = generation_;
    }
    Result<T> fresh = read();
    std::lock_guard lock(mutex_);
    if (fresh && generation == generation_) memory = Memory<T>{*fresh, clock_.steady_now() + kRemembered};
    return fresh;
  }
  std::uint64_t trim_tokens() {
    std::lock_guard lock(mutex_);
    const auto now = clock_.steady_now();
    for (auto it = tokens_.begin(); it != tokens_.end();) it = it->second.until <= now ? tokens_.erase(it) : ++it;
    return generation_;
  }

  const Clock& clock_;
  std::mutex mutex_;
  std::uint64_t generation_ = 0;
  std::optional<Memory<std::vector<StoredCredential>>> list_;
  std::optional<Memory<std::vector<Binding>>> bindings_;
  std::map<std::string, Memory<StoredCredential>> tokens_;
};

class CredentialDirectory::Direct final : public Forwarding {
 public:
  Direct(std::shared_ptr<CredentialStore> inner, std::shared_ptr<Remembered> memory)
      : Forwarding(std::move(inner)), memory_(std::move(memory)) {}
  Result<Stored> create(const CredentialChange& change) override { return forgetting(inner_->create(change)); }
  Result<Stored> update(const std::string& id, const CredentialChange& change) override {
    return forgetting(inner_->update(id, change));
  }
  Result<void> remove(const std::string& id, const std::string& version) override {
    return forgetting(inner_->remove(id, version));
  }
  Result<RotationReport> rotate_keys(bool dry_run) override { return forgetting(inner_->rotate_keys(dry_run)); }
  Result<void> bind(const std::string& id, const std::string& target) override {
    return forgetting(inner_->bind(id, target));
  }
  Result<void> unbind(const std::string& id, const std::string& target) override {
    return forgetting(inner_->unbind(id, target));
  }

 private:
  // Also after an error: it may have happened all the same.
  template <class T>
  Result<T> forgetting(Result<T> result) {
    memory_->forget();
    return result;
  }
  const std::shared_ptr<Remembered> memory_;
};

CredentialDirectory::CredentialDirectory(std::shared_ptr<CredentialStore> store, const Clock& clock) {
  if (!store) return;
  remembered_ = std::make_shared<Remembered>(store, clock);
  direct_ = std::make_unique<Direct>(std::move(store), remembered_);
}
CredentialDirectory::~CredentialDirectory() = default;

std::uint64_t CredentialDirectory::generation() const { return remembered_ ? remembered_->generation() : 0; }
CredentialStore* CredentialDirectory::store() const { return direct_.get(); }
CredentialStore* CredentialDirectory::remembered() const { return remembered_.get(); }

}  // namespace fracta::controlplane
