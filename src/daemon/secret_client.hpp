// What the credential store asks of Kubernetes, over the daemon's client. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "fracta/credentials/store.hpp"
#include "fracta/kube/client.hpp"

namespace fracta::daemon {

// `client` outlives it.
std::shared_ptr<credentials::SecretClient> make_secret_client(kube::Client& client, std::string ns);

}  // namespace fracta::daemon
