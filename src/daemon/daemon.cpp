#include "fracta/daemon/daemon.hpp"

#include <cstdio>

#include "daemon/access.hpp"
#include "daemon/api_tls.hpp"
#include "daemon/logging.hpp"
#include "daemon/secret_client.hpp"
#include "fracta/base/clock.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/metrics.hpp"
#include "fracta/config/diagnostic.hpp"
#include "fracta/config/load.hpp"
#include "fracta/controlplane/control_plane.hpp"
#include "fracta/credentials/keyring.hpp"
#include "fracta/credentials/plan.hpp"
#include "fracta/credentials/resolver.hpp"
#include "fracta/credentials/store.hpp"
#include "fracta/kube/client.hpp"
#include "fracta/kube/client_config.hpp"
#include "fracta/server/api_server.hpp"
#include "fracta/version.hpp"

namespace fracta::daemon {

namespace {

// People read stderr, machines the log: a bad configuration is told to both, all of it.
void report(const std::string& file, const std::vector<config::Diagnostic>& diagnostics) {
  for (const auto& diagnostic : diagnostics) {
    bool error = diagnostic.severity == config::Severity::kError;
    if (error) std::fprintf(stderr, "%s\n", config::format_diagnostic(file, diagnostic).c_str());
    log::write(error ? log::Level::kError : log::Level::kWarn, "config",
               error ? "configuration error" : "configuration warning",
               {{"file", file},
                {"line", diagnostic.position.line},
                {"column", diagnostic.position.column},
                {"path", diagnostic.path},
                {"detail", diagnostic.message}});
  }
}

Result<config::Config> load_config(const std::string& path) {
  auto loaded = config::load_file(path);
  report(path, loaded.diagnostics);
  if (!loaded.config) return make_error(ErrorCode::kInvalid, path + ": the configuration is not valid");
  if (loaded.config->backend == "local")
    return make_error(
        ErrorCode::kInvalid,
        path +
            ": runtime.backend: local is not supported; set runtime.backend: kubernetes and, on a machine "
            "without Kubernetes, run `fracta devcluster`");
  report(path, credentials::check_plans(*loaded.config));
  return *std::move(loaded.config);
}

Result<server::ListenAddress> listen_address(const DaemonOptions& options, const config::Config& config) {
  std::string text = ":9090";
  if (!config.control_plane_listen.empty()) text = config.control_plane_listen;
  if (!options.listen.empty()) text = options.listen;
  return server::parse_listen_address(text);
}

kube::Client::Options client_options(MetricsRegistry& metrics) {
  kube::Client::Options options;
  options.metrics = &metrics;
  options.user_agent = std::string("fracta/") + kVersion;
  options.on_warning = [](const std::string& text) { log::warn("kube", "API server warning", {{"warning", text}}); };
  return options;
}

Result<std::shared_ptr<credentials::CredentialStore>> make_credential_store(const config::Config& config,
                                                                            kube::Client& client, const Clock& clock) {
  const auto& stored = config.stored_credentials;
  std::shared_ptr<const credentials::Keyring> keyring;
  if (!stored.keyring_directory.empty()) {
    auto loaded = credentials::Keyring::load(stored.keyring_directory);
    if (!loaded) return loaded.error();
    keyring = *std::move(loaded);
    log::info("daemon", "stored credentials are sealed", {{"key_version", keyring->current()->active_version()}});
  }
  const std::string& ns = config.kubernetes.ns;
  return std::shared_ptr<credentials::CredentialStore>(
      credentials::make_secret_store(make_secret_client(client, ns), std::move(keyring), clock,
                                     {ns, stored.allow_insecure_skip_tls_verify, stored.allow_proxy_url}));
}

}  // namespace

class Daemon::Impl {
 public:
  Impl(DaemonOptions options, config::Config config)
      : options_(std::move(options)), config_(std::make_shared<const config::Config>(std::move(config))) {
    register_process_metrics(metrics_, kVersion, kCommit);
  }
  ~Impl() { stop(std::chrono::milliseconds{0}); }

  // Build order: identity, client, control plane, API server. Start order: API server first, so that livez answers
  // while the API server of Kubernetes is not reachable yet; then the control plane.
  Result<void> build() {
    auto identity = kube::load_client_config({options_.kubeconfig, options_.context}, clock_);
    if (!identity) return identity.error().with_context("Kubernetes identity");
    log::info("daemon", "Kubernetes identity",
              {{"source", identity->description}, {"server", identity->server.to_string()}});
    auto client = kube::Client::create(*std::move(identity), clock_, client_options(metrics_));
    if (!client) return client.error().with_context("Kubernetes client");
    client_ = *std::move(client);
    auto tls = make_api_tls(*config_, *client_, clock_);
    if (!tls) return tls.error();
    tls_ = *std::move(tls);
    controlplane::Options plane_options;
    plane_options.endpoint.url = [this] { return agents_url(*config_, tls_.enabled(), server_->address()); };
    plane_options.endpoint.ca_pem = tls_.ca_pem;
    plane_options.endpoint.audience = agent_audience(*config_);
    plane_options.credential_source = std::make_shared<credentials::OriginResolver>(
        clock_, command_runner_,
        credentials::OriginResolver::Options{.environment = credentials::environment_of_process()});
    auto store = make_credential_store(*config_, *client_, clock_);
    if (!store) return store.error();
    plane_options.credential_store = *std::move(store);
    control_plane_ =
        std::make_unique<controlplane::ControlPlane>(config_, *client_, clock_, metrics_, std::move(plane_options));
    auto listen = listen_address(options_, *config_);
    if (!listen) return listen.error();
    server::Options server_options;
    server_options.host = listen->host;
    server_options.port = listen->port;
    server_options.tls = tls_.server;
    FRACTA_TRY(configure_access(*config_, *client_, clock_, server_options));
    server_options.version = kVersion;
    server_options.commit = kCommit;
    if (config_->heartbeat_interval.count() > 0)
      server_options.heartbeat = std::chrono::duration_cast<std::chrono::milliseconds>(config_->heartbeat_interval);
    auto server = server::ApiServer::create(*control_plane_, clock_, metrics_, server_options);
    if (!server) return server.error().with_context("listening");
    server_ = *std::move(server);
    return {};
  }

  Result<void> start() {
    server_->start();
    if (tls_.certificate) tls_.certificate->start();
    control_plane_->start();
    running_ = true;
    log::info("daemon", "controlplane started",
              {{"address", server_->address()},
               {"tls", tls_.enabled()},
               {"namespace", config_->kubernetes.ns},
               {"config_hash", config_->hash},
               {"version", kVersion}});
    if (options_.address_file.empty()) return {};
    return write_file_atomic(options_.address_file, server_->address() + "\n", {0644});
  }

  [[nodiscard]] std::string address() const { return server_->address(); }

  bool stop(std::chrono::milliseconds deadline) {
    if (!running_) return true;
    running_ = false;
    // Running calls may finish; what is left after the deadline is cancelled by stopping the control plane.
    server_->begin_shutdown();
    bool in_time = server_->stop(deadline);
    control_plane_->stop();
    if (tls_.certificate) tls_.certificate->stop();
    log::info("daemon", "controlplane stopped", {{"in_time", in_time}});
    return in_time;
  }

 private:
  const DaemonOptions options_;
  const RealClock clock_;
  MetricsRegistry metrics_;
  const std::shared_ptr<const config::Config> config_;
  credentials::ProcessRunner command_runner_;
  std::unique_ptr<kube::Client> client_;
  ApiTlsParts tls_;
  std::unique_ptr<controlplane::ControlPlane> control_plane_;
  std::unique_ptr<server::ApiServer> server_;
  bool running_ = false;
};

Result<std::unique_ptr<Daemon>> Daemon::create(const DaemonOptions& options) {
  FRACTA_TRY(configure_logging(options, nullptr));
  auto config = load_config(options.config_path);
  if (!config) return config.error();
  FRACTA_TRY(configure_logging(options, &*config));
  auto impl = std::make_unique<Impl>(options, *std::move(config));
  FRACTA_TRY(impl->build());
  return std::unique_ptr<Daemon>(new Daemon(std::move(impl)));
}

Daemon::Daemon(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Daemon::~Daemon() = default;
Result<void> Daemon::start() { return impl_->start(); }
std::string Daemon::address() const { return impl_->address(); }
bool Daemon::stop(std::chrono::milliseconds deadline) { return impl_->stop(deadline); }

}  // namespace fracta::daemon
