// RBAC: roles and bindings as stored, evaluated for every request.
#pragma once

#include <string>
#include <vector>

#include "devcluster/server/registry.hpp"
#include "devcluster/server/user.hpp"

namespace fracta::devcluster {

struct Attributes {
  std::string verb;
  bool resource_request = true;
  std::string ns, group, version, resource, subresource, name;
  std::string path;  // non-resource requests
};

struct Decision {
  bool allowed = false;
  std::string reason;
};

Decision authorize(const Store& store, const User& user, const Attributes& attributes);
// Every rule that applies to the user in a namespace, as SelfSubjectRulesReview lists them.
std::vector<Json> rules_for(const Store& store, const User& user, std::string_view ns);
// The Status a real server refuses with.
Failure forbidden_request(const User& user, const Attributes& attributes, std::string_view reason);
// Default roles and bindings (cluster-admin, admin, edit, view, system:discovery, ...).
void create_default_policy(Registry& registry);

}  // namespace fracta::devcluster
