// Pod Security admission (the Pod Security Standards of Kubernetes 1.26): what a namespace's labels demand of its pods.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "devcluster/server/registry.hpp"
#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

enum class SecurityLevel { kPrivileged, kBaseline, kRestricted };

struct SecurityStandard {
  SecurityLevel level = SecurityLevel::kPrivileged;
  std::optional<int> minor;                // of Kubernetes 1.x; empty = latest
  [[nodiscard]] std::string text() const;  // "restricted:latest"
  bool operator==(const SecurityStandard& other) const { return level == other.level && minor == other.minor; }
};

struct SecurityPolicy {
  SecurityStandard enforce, audit, warn;
};

// The namespace's labels; what cannot be read goes to `errors` and counts as the strictest (enforce) or nothing (warn).
SecurityPolicy security_policy(const Json* labels, FieldErrors& errors);

struct Violations {
  std::vector<std::string> reasons, details;
  [[nodiscard]] std::string with_details() const;  // "reason (detail), reason"
};
Violations check_standard(const SecurityStandard& standard, const Json& metadata, const Json& spec);

// Creations (`old` null) and updates of pods, of what holds pod templates, and of namespaces.
Outcome<Done> admit_pod_security(const Registry& registry, const Kind& kind, std::string_view ns, const Json& object,
                                 const Json* old, std::vector<std::string>* warnings);

}  // namespace fracta::devcluster
