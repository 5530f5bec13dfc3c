// Who may call the API of this daemon: control_plane_api.auth applied to the listen address.
#pragma once

#include "fracta/base/clock.hpp"
#include "fracta/base/result.hpp"
#include "fracta/config/config.hpp"
#include "fracta/kube/client.hpp"
#include "fracta/server/api_server.hpp"

namespace fracta::daemon {

// The audience of agents' projected tokens: the first configured one, or "fracta".
std::string agent_audience(const config::Config& config);

// Sets authenticate, authorize and the rate limits of `options`, whose host is set already. kInvalid: mode none on an
// address that others can reach, or a token file that cannot be used. `client` and `clock` outlive the API server.
Result<void> configure_access(const config::Config& config, kube::Client& client, const Clock& clock,
                              server::Options& options);

}  // namespace fracta::daemon
