// Upstream's routes that this version does not have: a clear no instead of a 404 that looks like a typing error.
#include "server/answers.hpp"
#include "server/routes.hpp"

namespace fracta::server {

void add_unavailable_routes(net::Router& router, Context& context) {
  struct Route {
    const char* method;
    const char* pattern;
    const char* what;
  };
  static constexpr Route kRoutes[] = {
      {"POST", "/api/v1/agents/{name}/say", "say"},
      {"GET", "/api/v1/agents/{name}/mission", "missions"},
      {"POST", "/api/v1/agents/{name}/merge", "merge"},
      {"POST", "/api/v1/credentials/stage", "credential staging"},
      {"GET", "/api/v1/credentials/stage/{ref}", "credential staging"},
      {"POST", "/api/v1/objectives", "objectives"},
      {"GET", "/api/v1/objectives", "objectives"},
      {"GET", "/api/v1/objectives/{id}", "objectives"},
      {"POST", "/api/v1/objectives/{id}/unfreeze", "objectives"},
      {"POST", "/api/v1/graph/{operation}", "the graph"},
      {"GET", "/api/v1/debug/gateway-policy", "the gateway"},
  };
  for (const auto& route : kRoutes)
    add_route(router, context, route.method, route.pattern, need::kIdentity,
              [what = route.what](const net::ServerRequest&) {
                return error_answer(501, std::string(what) + ": not available in this version");
              });
}

}  // namespace fracta::server
