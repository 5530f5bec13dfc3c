// SpawnRequest + Config -> AgentSpec -> objects; spawn and dry run share it. No I/O but the random stream token, a
// look into the store of credentials and, for a spawn, the commands of the runtime's credential profile.
#pragma once

#include <string>
#include <vector>

#include "fracta/agent/build.hpp"
#include "fracta/agent/spec.hpp"
#include "fracta/base/clock.hpp"
#include "fracta/base/result.hpp"
#include "fracta/config/config.hpp"
#include "fracta/controlplane/control_plane.hpp"
#include "fracta/controlplane/credentials.hpp"
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
  config::StringMap secret_annotations;  // when the Secret's files are renewed; empty = never
};

// Where credentials come from; both sources may be null.
struct CredentialSources {
  credentials::OriginSource* origins = nullptr;  // asked only in CredentialMode::kReal
  credentials::CredentialStore* stored = nullptr;
  const ControlPlaneEndpoint& endpoint;
};

Result<agent::AgentSpec> make_spec(const SpawnRequest& request, const config::Config& config);
Result<Prepared> prepare(const SpawnRequest& request, const config::Config& config, const Clock& clock,
                         const CredentialSources& sources, CredentialMode mode, const std::stop_token& stop);
SpawnResult make_result(const Prepared& prepared, const config::Config& config);
std::string owner_name(const agent::AgentObjects& objects);

}  // namespace fracta::controlplane
