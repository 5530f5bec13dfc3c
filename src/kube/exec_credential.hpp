// Credential plug-ins of a kubeconfig (`users[].user.exec`): kubernetes.io, "client-go credential plugins".
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fracta/base/json.hpp"
#include "fracta/base/subprocess.hpp"
#include "fracta/kube/client_config.hpp"

namespace fracta::kube {

struct ExecOptions {
  std::string api_version;  // client.authentication.k8s.io/v1 or /v1beta1
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;
  std::string install_hint;  // shown when the program is not there
  std::string place;         // `kubeconfig /p: users["u"].user.exec`, for errors
  std::string cluster_json;  // spec.cluster when provideClusterInfo is set; empty = left out
  std::function<Result<CommandResult>(const CommandOptions&)> run = run_command;  // for tests
};

struct ExecCredential {
  std::string token;
  std::optional<SystemTime> expiration;
};

// What a plug-in printed. Errors never quote it: it holds the credential.
Result<ExecCredential> parse_exec_credential(std::string_view output, const std::string& api_version);

// The KUBERNETES_EXEC_INFO value.
std::string exec_info(const ExecOptions& options);

// Runs the plug-in when a token is first needed, when the last one expires within 10 s, and after a 401; one run at a
// time, the others wait for its answer.
std::shared_ptr<TokenSource> exec_token(ExecOptions options, const Clock& clock);

}  // namespace fracta::kube
