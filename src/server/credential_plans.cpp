// GET /api/v1/auth/plans: what the controlplane's own configuration gives agents, for `fracta auth diagnose`. No
// values.
#include <nlohmann/json.hpp>

#include "fracta/controlplane/credentials.hpp"
#include "server/answers.hpp"
#include "server/routes.hpp"

namespace fracta::server {

void add_credential_plan_routes(net::Router& router, Context& context) {
  add_route(router, context, "GET", "/api/v1/auth/plans", need::kListAgents, [&context](const auto& request) {
    return json_answer(200, controlplane::describe_credentials(context.control_plane.config(),
                                                               request.query_parameter("runtime").value_or("")));
  });
}

}  // namespace fracta::server
