// What all routes share, and the functions that add them, one file each.
#pragma once

#include <stop_token>

#include "fracta/base/clock.hpp"
#include "fracta/base/metrics.hpp"
#include "fracta/controlplane/control_plane.hpp"
#include "fracta/net/http_server.hpp"
#include "fracta/server/api_server.hpp"
#include "server/gate.hpp"

namespace fracta::server {

struct Context {
  Context(controlplane::ControlPlane& plane, const Clock& time, MetricsRegistry& registry, Options given);
  controlplane::ControlPlane& control_plane;
  const Clock& clock;
  MetricsRegistry& metrics;
  const Options options;
  Gate gate;
  std::stop_source shutdown;  // ends event streams and followed logs, before the sockets are closed
  [[nodiscard]] bool shutting_down() const { return shutdown.stop_requested(); }
};

// The only way to add a route: `requirement` says who may call it. `context` outlives the router.
void add_caller_route(net::Router& router, Context& context, std::string method, std::string pattern,
                      const Requirement& requirement, CallerHandler handler);
// For handlers that do not mind who asks.
void add_route(net::Router& router, Context& context, std::string method, std::string pattern,
               const Requirement& requirement, net::RequestHandler handler);

void add_agent_routes(net::Router& router, Context& context);
void add_log_routes(net::Router& router, Context& context);
void add_event_routes(net::Router& router, Context& context);
void add_watch_routes(net::Router& router, Context& context);
void add_credential_plan_routes(net::Router& router, Context& context);
void add_credential_routes(net::Router& router, Context& context);  // stored ones
void add_openapi_routes(net::Router& router, Context& context);
void add_health_routes(net::Router& router, Context& context);
void add_access_routes(net::Router& router, Context& context);
void add_unavailable_routes(net::Router& router, Context& context);

}  // namespace fracta::server
