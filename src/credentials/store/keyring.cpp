#include "fracta/credentials/keyring.hpp"

#include "fracta/base/file.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/text.hpp"

namespace fracta::credentials {
namespace {

constexpr std::size_t kMaxFile = 64u << 10;

struct Texts {
  std::string keyring, version;
  [[nodiscard]] std::string fingerprint() const { return sha256_hex(keyring + '\0' + version); }
};

Result<Texts> read_texts(const std::string& directory) {
  auto keyring = read_file(directory + "/keyring", kMaxFile);
  if (!keyring) return keyring.error();
  auto version = read_file(directory + "/version", kMaxFile);
  if (!version) return version.error();
  return Texts{*std::move(keyring), *std::move(version)};
}

}  // namespace

Keyring::Keyring(std::string directory, KeySet keys, std::string fingerprint)
    : directory_(std::move(directory)),
      keys_(std::make_shared<const KeySet>(std::move(keys))),
      fingerprint_(std::move(fingerprint)) {}

Result<std::shared_ptr<const Keyring>> Keyring::load(const std::string& directory) {
  const auto texts = read_texts(directory);
  if (!texts) return texts.error().with_context("stored_credentials.keyring_directory");
  auto keys = KeySet::parse(texts->keyring, texts->version);
  if (!keys) return keys.error().with_context(directory);
  return std::shared_ptr<const Keyring>(new Keyring(directory, *std::move(keys), texts->fingerprint()));
}

std::shared_ptr<const Keyring> Keyring::of(KeySet keys) {
  return std::shared_ptr<const Keyring>(new Keyring("", std::move(keys), ""));
}

// The kubelet swaps a symlink, so both files change at once; reading them is cheaper than being clever about it.
std::shared_ptr<const KeySet> Keyring::current() const {
  std::lock_guard lock(mutex_);
  if (directory_.empty()) return keys_;
  const auto texts = read_texts(directory_);
  const std::string fingerprint = texts ? texts->fingerprint() : "unreadable";
  if (fingerprint == fingerprint_) return keys_;
  fingerprint_ = fingerprint;
  auto keys = texts ? KeySet::parse(texts->keyring, texts->version) : Result<KeySet>(texts.error());
  if (!keys) {
    log::error("credentials", "the keyring changed and cannot be used; the former keys stay",
               {{"directory", directory_}, {"error", keys.error().message}});
    return keys_;
  }
  keys_ = std::make_shared<const KeySet>(*std::move(keys));
  log::info("credentials", "keyring read again",
            {{"active_version", keys_->active_version()}, {"keys", static_cast<int>(keys_->versions().size())}});
  return keys_;
}

}  // namespace fracta::credentials
