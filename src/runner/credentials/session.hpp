// The stored credentials of one run: fetched before the child starts, followed while it runs, gone when it has ended.
//
// prepare() uses one thread for each credential and has joined them when it returns, so that the child can be forked
// from a process with a single thread; follow() then starts one thread that asks for changes. What is said goes to
// stderr and names credentials, paths and variables, never a value.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/runner/runner.hpp"
#include "runner/credentials/journal.hpp"
#include "runner/credentials/manifest.hpp"
#include "runner/credentials/token_client.hpp"

namespace fracta::runner {

class CredentialSession {
 public:
  // kInvalid, kForbidden, kConflict: nothing was fetched. Removes what an earlier run left.
  static Result<std::unique_ptr<CredentialSession>> create(Manifest manifest, const CredentialTimings& timings);
  ~CredentialSession();  // stops following and removes every file

  // Fetches and delivers everything. The error names each credential that is missing and why; kCanceled: stopped.
  Result<void> prepare(const std::stop_token& stop);
  // Variables for the child.
  [[nodiscard]] const std::map<std::string, std::string>& environment() const { return environment_; }
  void follow();

 private:
  struct Item {
    ManifestCredential credential;
    std::string etag, digest;
    std::vector<std::string> files;
    bool present = false;  // its files hold its value
    bool failing = false;  // said already
    SteadyTime due{};
    Backoff backoff;
    Item(ManifestCredential c, const Backoff::Options& options) : credential(std::move(c)), backoff(options) {}
  };

  CredentialSession(Manifest manifest, const CredentialTimings& timings, Journal journal,
                    std::unique_ptr<TokenClient> client);
  Fetched fetch_until_known(const Item& item, const std::stop_token& stop);
  Result<std::vector<std::string>> deliver(Item& item, const credentials::StoredCredential& credential, bool first);
  Result<void> note_files();
  void work(const std::stop_token& stop);
  void look(Item& item, const std::stop_token& stop);
  void changed(Item& item, const Fetched& fetched);
  void revoked(Item& item, const std::string& why);
  void remove_files(Item& item);
  void remove_everything();
  [[nodiscard]] std::chrono::milliseconds jittered(std::chrono::milliseconds interval) const;

  const Manifest manifest_;
  const CredentialTimings timings_;
  const std::string suffix_;  // of temporary files
  Journal journal_;
  const std::unique_ptr<TokenClient> client_;
  std::vector<Item> items_;
  std::map<std::string, std::string> environment_;
  RealClock clock_;
  std::jthread thread_;
};

}  // namespace fracta::runner
