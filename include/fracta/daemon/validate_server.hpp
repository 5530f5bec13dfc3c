// `fracta config validate --server`: what the Kubernetes API server itself says about the pods a configuration makes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"
#include "fracta/config/config.hpp"
#include "fracta/config/diagnostic.hpp"

namespace fracta::daemon {

struct ServerValidation {
  std::string server;                           // which API server was asked
  std::vector<std::string> asked;               // "runtime claude: Job and Pod", one per runtime
  std::vector<config::Diagnostic> diagnostics;  // positions are those of `config_text`
};

struct ServerValidationOptions {
  std::string kubeconfig;
  std::string context;
};

// Builds a probe agent for every configured runtime and posts its Job, and a Pod made from its template, with
// dryRun=All and strict field validation. Nothing is stored. Errors: the API server cannot be reached or refuses us
// altogether; what it says about the objects are diagnostics.
Result<ServerValidation> validate_on_server(const config::Config& config, std::string_view config_text,
                                            const ServerValidationOptions& options);

// "spec.template.spec.volumes[3].configMap.name" -> "runtime.kubernetes.extra_volumes[0].configMap.name"; the path of
// the block when the field comes from somewhere else. Exposed for tests.
std::string config_path_of(std::string_view field, const Json& pod_spec, const config::Config& config);

}  // namespace fracta::daemon
