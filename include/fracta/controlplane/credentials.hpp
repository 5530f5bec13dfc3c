// Credentials of one agent on their way from its runtime's profile into the objects that are built for it.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "fracta/agent/build.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"
#include "fracta/credentials/resolver.hpp"

namespace fracta::controlplane {

enum class CredentialMode { kReal, kDryRun };

// Fills the credential fields of `input`; nothing without an auth_profile. kInvalid: the plan, a required origin or an
// assertion is refused. `source` may be null: then every origin that has to be run fails. A dry run runs nothing.
Result<void> add_credentials(credentials::OriginSource* source, CredentialMode mode, const std::stop_token& stop,
                             agent::BuildInput& input, std::vector<std::string>& warnings);

// What credentials::diagnose() says, as {"runtimes": [{"runtime", "title", "findings": [{"kind", "text", "remedy"}],
// "has_plan", "wants_settings", "helper", "files"}]}. An empty `runtime`: all that have an auth_profile.
Json describe_credentials(const config::Config& config, const std::string& runtime);

}  // namespace fracta::controlplane
