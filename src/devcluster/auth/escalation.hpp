// Nobody grants more than they have (pkg/registry/rbac of Kubernetes 1.26): roles hold only rights of their writer, and
// bindings name only roles whose rights the writer has, unless the verbs `escalate` or `bind` allow it.
#pragma once

#include "devcluster/auth/authorizer.hpp"

namespace fracta::devcluster {

// `old` null: a creation. Kinds other than the four of RBAC pass.
Outcome<Done> check_escalation(const Store& store, const User& user, const Kind& kind, std::string_view ns,
                               const Json& object, const Json* old);

}  // namespace fracta::devcluster
