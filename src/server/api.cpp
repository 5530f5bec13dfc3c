#include "fracta/base/log.hpp"
#include "fracta/base/text.hpp"
#include "fracta/server/api_server.hpp"
#include "server/answers.hpp"
#include "server/requests.hpp"
#include "server/routes.hpp"

namespace fracta::server {

namespace {

std::string known_method(const std::string& method) {
  for (const char* known : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
    if (method == known) return method;
  return "other";
}

}  // namespace

class Api::Impl {
 public:
  Impl(controlplane::ControlPlane& control_plane, const Clock& clock, MetricsRegistry& metrics, Options options)
      : context_(control_plane, clock, metrics, std::move(options)),
        loopback_only_(is_loopback(context_.options.host)) {
    add_agent_routes(router_, context_);
    add_log_routes(router_, context_);
    add_event_routes(router_, context_);
    add_watch_routes(router_, context_);
    add_credential_plan_routes(router_, context_);
    add_credential_routes(router_, context_);
    add_openapi_routes(router_, context_);
    add_health_routes(router_, context_);
    add_access_routes(router_, context_);
    add_unavailable_routes(router_, context_);
    // Which routes there are is nobody's business either, before it is known who asks.
    const auto identified = [this](int status, std::string (*text)(const net::ServerRequest&)) {
      return [this, status, text](const net::ServerRequest& request) {
        return context_.gate.pass(request, need::kIdentity, [&](const net::ServerRequest&, const Caller&) {
          return error_answer(status, text(request));
        });
      };
    };
    router_.set_not_found(identified(
        404, [](const net::ServerRequest& request) { return "no such route: " + shorten(request.path, 200); }));
    router_.set_method_not_allowed(identified(405, [](const net::ServerRequest& request) {
      return "method " + shorten(request.method, 20) + " is not allowed here";
    }));
  }

  net::ServerResponse handle(const net::ServerRequest& request) {
    auto answer = route(request);
    context_.metrics
        .counter("fracta_http_requests_total", "HTTP requests by method and status code.",
                 {{"method", known_method(request.method)}, {"code", std::to_string(answer.status)}})
        .add();
    // 501 and 503 are answers a client was meant to get, and probes ask for them every few seconds.
    if (answer.status == 500 || answer.status == 504)
      log::warn("server", "request failed",
                {{"method", request.method}, {"path", shorten(request.path, 200)}, {"status", answer.status}});
    return answer;
  }

  [[nodiscard]] std::vector<std::pair<std::string, std::string>> routes() const { return router_.routes(); }
  void begin_shutdown() { context_.shutdown.request_stop(); }
  bool wait_for_streams(std::chrono::milliseconds timeout) { return context_.gate.streams().wait_until_none(timeout); }

 private:
  net::ServerResponse route(const net::ServerRequest& request) {
    if (auto refused = refuse_foreign(request, loopback_only_)) return *refused;
    return router_.route(request);
  }

  Context context_;
  const bool loopback_only_;
  net::Router router_;
};

Api::Api(controlplane::ControlPlane& control_plane, const Clock& clock, MetricsRegistry& metrics, Options options)
    : impl_(std::make_unique<Impl>(control_plane, clock, metrics, std::move(options))) {}
Api::~Api() = default;
net::ServerResponse Api::handle(const net::ServerRequest& request) const { return impl_->handle(request); }
std::vector<std::pair<std::string, std::string>> Api::routes() const { return impl_->routes(); }
void Api::begin_shutdown() { impl_->begin_shutdown(); }
bool Api::wait_for_streams(std::chrono::milliseconds timeout) { return impl_->wait_for_streams(timeout); }

}  // namespace fracta::server
