// A container's environment and $(NAME) expansion (kubelet_pods.go makeEnvironmentVariables, third_party expansion).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "devcluster/node/downward.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"
#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

using Variables = std::map<std::string, std::string>;

struct EnvironmentRequest {
  const Json* pod = nullptr;
  const Json* container = nullptr;
  const NodeFacts* node = nullptr;
  std::string pod_ip;
  std::string api_host;
  int api_port = 0;
};

struct Environment {
  Variables variables;
  std::vector<std::string> skipped;  // envFrom keys that are no variable names, for an Event
};

// kInvalid or kNotFound with a kubelet's text: `secret "x" not found`, `couldn't find key k in Secret ns/x`.
Result<Environment> make_environment(const Api& api, const EnvironmentRequest& request);

// $(NAME) -> value, $$ -> $, unknown names stay as they are.
std::string expand(std::string_view text, const Variables& variables);

}  // namespace fracta::devcluster
