// pod_security, pod_security_context and container_security_context of fracta.yaml as security contexts.
#pragma once

#include <cstdint>
#include <string>

#include "fracta/base/json_fwd.hpp"
#include "fracta/config/config.hpp"

namespace fracta::agent {

// The user and group of pods that must not be root, unless the config names another one: "nonroot" of distroless
// images.
inline constexpr std::int64_t kNonRootId = 65532;

// For the pod and for every container of it (workspace-init too); empty objects are left out of the spec.
Json pod_security_context(const config::KubernetesConfig& config);
Json container_security_context(const config::KubernetesConfig& config);

// Fracta itself chose a user that the image may not know, so it has no home directory there.
bool needs_home(const config::KubernetesConfig& config);

// The config asks for root. False when the image's USER decides, which nobody knows before the pod runs.
bool runs_as_root(const config::KubernetesConfig& config);

// A group is set that the kubelet gives projected files to.
bool has_fs_group(const config::KubernetesConfig& config);

}  // namespace fracta::agent
