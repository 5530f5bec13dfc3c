// What all routes share, and the functions that add them, one file each.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

#include "fracta/base/clock.hpp"
#include "fracta/base/metrics.hpp"
#include "fracta/controlplane/control_plane.hpp"
#include "fracta/net/http_server.hpp"
#include "fracta/server/api_server.hpp"
#include "server/gate.hpp"

namespace fracta::server {

// Streams that are being written, so that a stop can let them say goodbye before their sockets go.
class OpenStreams {
 public:
  class Guard {
   public:
    explicit Guard(OpenStreams& streams) : streams_(streams) { streams_.add(1); }
    ~Guard() { streams_.add(-1); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    OpenStreams& streams_;
  };
  // True when none is left.
  bool wait_until_none(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [this] { return count_ == 0; });
  }

 private:
  void add(int by) {
    std::lock_guard lock(mutex_);
    count_ += by;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

struct Context {
  Context(controlplane::ControlPlane& plane, const Clock& time, MetricsRegistry& registry, Options given);
  controlplane::ControlPlane& control_plane;
  const Clock& clock;
  MetricsRegistry& metrics;
  const Options options;
  Gate gate;
  std::stop_source shutdown;  // ends event streams and followed logs, before the sockets are closed
  OpenStreams streams;
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
