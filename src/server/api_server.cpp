#include "fracta/server/api_server.hpp"

namespace fracta::server {

class ApiServer::Impl {
 public:
  Impl(controlplane::ControlPlane& control_plane, const Clock& clock, MetricsRegistry& metrics, Options options)
      : control_plane_(control_plane), api_(control_plane, clock, metrics, std::move(options)) {}

  Result<void> bind(const Options& options) {
    net::ServerOptions http;
    http.host = options.host;
    http.port = options.port;
    http.server_name = "api";
    http.tls = options.tls;
    // Sixteen calls that wait for a slow cluster must not look like a dead process.
    http.is_urgent = [](const net::ServerRequest& request) {
      return request.path == "/livez" || request.path == "/readyz" || request.path == "/healthz";
    };
    auto server =
        net::HttpServer::create(http, [this](const net::ServerRequest& request) { return api_.handle(request); });
    if (!server) return server.error();
    http_ = *std::move(server);
    return {};
  }

  void start() { http_->start(); }
  [[nodiscard]] std::string address() const { return http_->address(); }
  [[nodiscard]] int port() const { return http_->port(); }
  void begin_shutdown() {
    api_.begin_shutdown();
    control_plane_.events().close();
  }
  bool stop(std::chrono::milliseconds deadline) {
    // The listener's stop cuts what is still being written, so the streams get a moment to end by themselves.
    const auto until = std::chrono::steady_clock::now() + deadline;
    begin_shutdown();
    api_.wait_for_streams(deadline / 2);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    return http_->stop(std::max(left, std::chrono::milliseconds{0}));
  }

 private:
  controlplane::ControlPlane& control_plane_;
  Api api_;
  std::unique_ptr<net::HttpServer> http_;  // last: its threads use the rest
};

Result<std::unique_ptr<ApiServer>> ApiServer::create(controlplane::ControlPlane& control_plane, const Clock& clock,
                                                     MetricsRegistry& metrics, Options options) {
  // The daemon has checked it before; nobody else may forget.
  if (!options.authenticate && !is_loopback(options.host))
    return make_error(ErrorCode::kInvalid, "an API without authentication listens on loopback addresses only");
  auto impl = std::make_unique<Impl>(control_plane, clock, metrics, options);
  if (auto bound = impl->bind(options); !bound) return bound.error();
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(impl)));
}

ApiServer::ApiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiServer::~ApiServer() = default;
void ApiServer::start() { impl_->start(); }
std::string ApiServer::address() const { return impl_->address(); }
int ApiServer::port() const { return impl_->port(); }
void ApiServer::begin_shutdown() { impl_->begin_shutdown(); }
bool ApiServer::stop(std::chrono::milliseconds deadline) { return impl_->stop(deadline); }

}  // namespace fracta::server
