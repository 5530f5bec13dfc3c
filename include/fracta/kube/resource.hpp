// Which API a request goes to. Only the kinds Fracta uses have a constant; kube knows nothing of agents.
#pragma once

#include <string>
#include <string_view>

namespace fracta::kube {

struct Resource {
  std::string_view group;  // "" = core
  std::string_view version;
  std::string_view plural;
  std::string_view kind;
  bool namespaced = true;

  // "/api/v1" or "/apis/batch/v1"
  [[nodiscard]] std::string prefix() const;
  // ".../namespaces/<ns>/<plural>[/<name>]"; ns "" = all namespaces. Names are percent-encoded.
  [[nodiscard]] std::string path(std::string_view ns, std::string_view name = "") const;
};

inline constexpr Resource kPods{"", "v1", "pods", "Pod"};
inline constexpr Resource kConfigMaps{"", "v1", "configmaps", "ConfigMap"};
inline constexpr Resource kSecrets{"", "v1", "secrets", "Secret"};
inline constexpr Resource kEvents{"", "v1", "events", "Event"};
inline constexpr Resource kNamespaces{"", "v1", "namespaces", "Namespace", false};
inline constexpr Resource kPersistentVolumeClaims{"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"};
inline constexpr Resource kServiceAccounts{"", "v1", "serviceaccounts", "ServiceAccount"};
inline constexpr Resource kJobs{"batch", "v1", "jobs", "Job"};
inline constexpr Resource kLeases{"coordination.k8s.io", "v1", "leases", "Lease"};
inline constexpr Resource kSelfSubjectAccessReviews{"authorization.k8s.io", "v1", "selfsubjectaccessreviews",
                                                    "SelfSubjectAccessReview", false};

}  // namespace fracta::kube
