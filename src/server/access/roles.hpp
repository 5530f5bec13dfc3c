// What the ready-made roles may do. deployment/k8s/manifests/50-access.yaml says the same in Kubernetes' words; a test
// compares the two.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "fracta/server/access.hpp"

namespace fracta::server {

struct RoleRule {
  std::string_view role, verb, resource, subresource, url;
};

std::span<const RoleRule> role_rules();
bool is_role(std::string_view role);
bool role_allows(std::string_view role, const Attributes& attributes);

}  // namespace fracta::server
