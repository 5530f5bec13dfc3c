// The blocks of fracta.yaml, one file each: reads a block into Config and checks its values. Nothing stops at the first
// problem; everything goes to the view's report.
#pragma once

#include "config/view.hpp"
#include "fracta/config/config.hpp"

namespace fracta::config {

void decode_runtime(const View& root, Config& config);  // profile, runtime.* except runtime.kubernetes
void decode_kubernetes(const View& block, KubernetesConfig& kubernetes);  // runtime.kubernetes
void decode_scheduling(const View& block,
                       KubernetesConfig& kubernetes);  // its tolerations, affinity, security contexts
void decode_extra_volumes(const View& block, KubernetesConfig& kubernetes);
void decode_auth(const View& root, Config& config);    // auth.credentials.profiles
void decode_agents(const View& root, Config& config);  // agents, runtimes, hosts; after decode_auth
void decode_api(const View& root, Config& config);     // control_plane_api
void decode_stored_credentials(const View& root, Config& config);
void decode_general(const View& root, Config& config);  // everything else

// For messages: shortened, control characters escaped.
std::string in_quotes(const std::string& text);

// A binding of a profile or of a runtime. `owner` is the start of upstream's messages, e.g.
// auth.credentials.profiles.x.
std::optional<AuthBinding> decode_binding(const View& view);
void check_binding(const View& view, const std::string& owner, const AuthBinding& binding, const AuthProfile& profile);

}  // namespace fracta::config
