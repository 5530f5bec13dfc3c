// /api, /apis, /version and the aggregated form of them.
#pragma once

#include "devcluster/front/context.hpp"

namespace fracta::devcluster {

// Empty status (0) when the path is none of discovery's.
net::ServerResponse serve_discovery(const Call& call);
// openapi.cpp: /openapi/v2 and /openapi/v3...; status 0 when not its path.
net::ServerResponse serve_openapi(const Call& call);

constexpr const char* kVersion = "v1.26.5";

}  // namespace fracta::devcluster
