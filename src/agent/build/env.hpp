// Environment of the main container, merged as upstream does (shared/reference/fracta-upstream.md §2.3).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/config/config.hpp"

namespace fracta::agent {

// Later entries overwrite earlier ones of the same name in place, new names are appended: a base keeps its order.
std::vector<config::EnvVar> merge_env(std::vector<config::EnvVar> base, const std::vector<config::EnvVar>& over);

// corev1.EnvVar list; a secret_ref becomes valueFrom.secretKeyRef.
Json env_json(const std::vector<config::EnvVar>& env);

// The kubelet expands $(NAME) and turns $$ into $ in args, command and env values. Text that has to arrive as it was
// written is escaped here; text without those two is returned unchanged.
std::string escape_expansion(std::string_view text);

}  // namespace fracta::agent
