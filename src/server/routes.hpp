// What all routes share, and the functions that add them, one file each.
#pragma once

#include <atomic>
#include <stop_token>

#include "fracta/base/clock.hpp"
#include "fracta/base/metrics.hpp"
#include "fracta/controlplane/control_plane.hpp"
#include "fracta/net/http_server.hpp"
#include "fracta/server/api_server.hpp"

namespace fracta::server {

struct Context {
  controlplane::ControlPlane& control_plane;
  const Clock& clock;
  MetricsRegistry& metrics;
  Options options;
  std::stop_source shutdown;  // ends event streams and followed logs, before the sockets are closed
  [[nodiscard]] bool shutting_down() const { return shutdown.stop_requested(); }
};

// `context` outlives the router.
void add_agent_routes(net::Router& router, Context& context);
void add_log_routes(net::Router& router, Context& context);
void add_event_routes(net::Router& router, Context& context);
void add_watch_routes(net::Router& router, Context& context);
void add_health_routes(net::Router& router, Context& context);
void add_unavailable_routes(net::Router& router);

}  // namespace fracta::server
