// corev1.Volume and corev1.VolumeMount, checked offline with the verdicts of a real API server's Pod validation
// (Kubernetes 1.26, pkg/apis/core/validation/validation.go) and every source known up to 1.34.
//
// Paths in the diagnostics are relative to the lists: "extra_volumes[0].configMap.name",
// "extra_volume_mounts[1].mountPath". Pure. Input is any JSON (hostile); nothing throws.
#pragma once

#include <string>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/config/diagnostic.hpp"

namespace fracta::config {

inline constexpr const char* kWorkspaceVolume = "workspace";
inline constexpr const char* kAgentConfigVolume = "agent-config";
inline constexpr const char* kAuthSecretVolume = "auth-secret";
const std::vector<std::string>& built_in_volume_names();  // sorted

struct VolumeContext {
  std::string workspace_mount_path = "/workspace";  // paths Fracta itself mounts in the main container
  bool privileged = false;                          // Bidirectional propagation needs it
};

// Structure (kinds, unknown keys), then values. Positions are filled in by the caller from the paths.
std::vector<Diagnostic> validate_extra_volumes(const Json& volumes, const Json& mounts,
                                               const VolumeContext& context = {});

}  // namespace fracta::config
