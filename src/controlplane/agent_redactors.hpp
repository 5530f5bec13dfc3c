// What must not be seen of one agent: the values in its own Secret, those its environment takes from other Secrets, and
// what its stored credentials hold. Read when text of the agent is about to be shown, remembered for a moment; values
// that were rotated away meanwhile stay known. Bounded; thread-safe.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "controlplane/agent_cache.hpp"
#include "controlplane/credential_directory.hpp"
#include "fracta/base/clock.hpp"
#include "fracta/base/redactor.hpp"
#include "fracta/config/config.hpp"
#include "fracta/kube/client.hpp"

namespace fracta::controlplane {

class AgentRedactors {
 public:
  static constexpr std::chrono::seconds kFresh{15};
  static constexpr std::size_t kMaxAgents = 64;
  static constexpr std::size_t kMaxValues = 4096;  // of one agent; the newest stay

  // `client`, `directory` and `clock` outlive it.
  AgentRedactors(std::shared_ptr<const config::Config> config, kube::Client& client,
                 const CredentialDirectory& directory, const Clock& clock, std::chrono::milliseconds call_timeout);

  // Reads what is not known freshly. kUnavailable: it cannot be read now, so nothing of the agent may be shown. What
  // can never be read (no right to it, a lost key) is logged by name; shapes are blacked out all the same.
  Result<std::shared_ptr<const Redactor>> of(const AgentView& view, const std::stop_token& stop);
  // Without reading: the values as they were known last, or shapes alone.
  [[nodiscard]] std::shared_ptr<const Redactor> known(const AgentView& view);

 private:
  struct Entry {
    std::string uid;
    std::vector<std::string> values;  // newest first
    std::shared_ptr<const Redactor> redactor;
    SteadyTime until{};
    std::uint64_t generation = 0;
  };
  Result<std::vector<std::string>> read(const AgentView& view, const std::stop_token& stop);
  Result<void> read_secret(const std::string& name, const std::set<std::string>* keys, const std::stop_token& stop,
                           std::vector<std::string>& values);
  Result<void> read_stored(const AgentView& view, std::vector<std::string>& values);

  const std::shared_ptr<const config::Config> config_;
  kube::Client& client_;
  const CredentialDirectory& directory_;
  const Clock& clock_;
  const std::chrono::milliseconds call_timeout_;
  const std::shared_ptr<const Redactor> shapes_ = std::make_shared<const Redactor>();
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // by agent id
  std::list<std::string> order_;          // least recently used first
};

}  // namespace fracta::controlplane
