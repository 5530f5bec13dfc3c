// SpawnRequest + Config -> AgentSpec -> objects. No I/O but the random stream token; spawn and dry run share it.
#pragma once

#include <string>
#include <vector>

#include "fracta/agent/build.hpp"
#include "fracta/agent/spec.hpp"
#include "fracta/base/clock.hpp"
#include "fracta/base/result.hpp"
#include "fracta/config/config.hpp"
#include "fracta/controlplane/spawn.hpp"

namespace fracta::controlplane {

namespace annotations {
// Which attempt made this owner: the client's request_id, or one drawn for the attempt.
inline constexpr const char* kRequestId = "fracta.io/request-id";
}  // namespace annotations

struct Prepared {
  agent::AgentSpec spec;
  agent::AgentObjects objects;
  std::string request_id;  // never empty
  bool client_request_id = false;
  std::string spec_hash;
  std::vector<std::string> warnings;
};

Result<agent::AgentSpec> make_spec(const SpawnRequest& request, const config::Config& config);
Result<Prepared> prepare(const SpawnRequest& request, const config::Config& config, const Clock& clock);
SpawnResult make_result(const Prepared& prepared, const config::Config& config);
std::string owner_name(const agent::AgentObjects& objects);

}  // namespace fracta::controlplane
