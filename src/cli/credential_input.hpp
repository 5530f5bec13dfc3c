// Where the secret of `fracta credential create|update` comes from, and what is done with a kubeconfig before it leaves
// this machine.
#pragma once

#include <string>

#include "cli/credential_args.hpp"
#include "fracta/base/result.hpp"
#include "fracta/cli/cli.hpp"

namespace fracta::cli {

// The value of --token: @FILE, - (standard input) or the value itself, with a warning then.
Result<std::string> credential_token(const std::string& argument, Context& context);

// Only `wanted`, its cluster and its user, as `kubectl config view --minify` leaves them.
Result<std::string> minify_kubeconfig(const std::string& text, const std::string& wanted);

}  // namespace fracta::cli
