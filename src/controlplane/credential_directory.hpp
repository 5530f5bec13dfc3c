// The store of credentials as spawns and the redactor look at it: remembered for a moment, so that a burst of spawns
// costs the API server one list and not one each. Changes made through this process are seen at once; what another
// replica or kubectl changes, after kRemembered. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/credentials/store.hpp"

namespace fracta::controlplane {

class CredentialDirectory {
 public:
  static constexpr std::chrono::seconds kRemembered{5};

  // `clock` outlives it.
  CredentialDirectory(std::shared_ptr<credentials::CredentialStore> store, const Clock& clock);
  ~CredentialDirectory();

  // What the API works with: every call goes to the store, every change forgets what is remembered. Null without store.
  [[nodiscard]] credentials::CredentialStore* store() const;
  // For spawns, agents and redaction: list(), bindings() and with_token() may be up to kRemembered old. Null without
  // store.
  [[nodiscard]] credentials::CredentialStore* remembered() const;
  // Grows with every change through store(): what was read before is old.
  [[nodiscard]] std::uint64_t generation() const;

 private:
  class Direct;
  class Remembered;
  std::shared_ptr<Remembered> remembered_;
  std::unique_ptr<Direct> direct_;
};

}  // namespace fracta::controlplane
