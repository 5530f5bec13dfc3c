// Asks the cluster of a kubeconfig for its version: `fracta credential create --verify`. Done where the user is, never
// by the controlplane: a server that connects to addresses its callers name is a way into its network.
#pragma once

#include <chrono>
#include <string>

#include "fracta/base/result.hpp"

namespace fracta::daemon {

// "https://host:6443 is Kubernetes v1.29.3". The text is a secret; it is written to a private directory for as long as
// this takes. kInvalid, kUnauthenticated, kUnavailable, ...
Result<std::string> verify_kubeconfig(const std::string& text, std::chrono::milliseconds timeout);

}  // namespace fracta::daemon
