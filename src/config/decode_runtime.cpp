#include "config/decode.hpp"
#include "fracta/base/text.hpp"

namespace fracta::config {
namespace {

constexpr const char* kUseInstead =
    "is not supported by this controlplane: agents run on Kubernetes only. Set it to kubernetes; on a machine without "
    "a "
    "cluster use the development cluster: fracta devcluster";

// Upstream falls back to `local` when neither key is set. This controlplane has one backend, so silence means that one.
void decode_backend(const View& root, Config& config) {
  const View profile = root["profile"];
  const View backend = root["runtime"]["backend"];
  config.profile = profile.text();
  config.backend = backend.text();
  if (!config.profile.empty() && config.profile != "local" && config.profile != "kubernetes") {
    profile.warning("unknown profile " + in_quotes(config.profile) + "; known are kubernetes and local");
    config.profile.clear();
  }
  if (config.backend.empty()) config.backend = config.profile == "local" ? "local" : "kubernetes";
  if (config.profile.empty()) config.profile = config.backend == "local" ? "local" : "kubernetes";
  if (config.backend == "local") {
    if (backend.present()) {
      backend.error(std::string("runtime.backend: local ") + kUseInstead);
    } else {
      profile.error(std::string("profile: local ") + kUseInstead);
    }
  } else if (config.backend != "kubernetes") {
    backend.error("unknown runtime backend: " + in_quotes(config.backend));
  }
}

int at_least_zero(const View& view) {
  const std::int64_t value = view.integer();
  if (value < 0) view.error("must not be negative");
  return static_cast<int>(std::max<std::int64_t>(0, value));
}

void decode_state(const View& state, Config& config) {
  config.state_driver = state["driver"].text("sqlite");
  if (config.state_driver.empty()) config.state_driver = "sqlite";
  if (config.state_driver != "sqlite" && config.state_driver != "postgres") {
    state["driver"].error("unknown state driver: " + in_quotes(config.state_driver));
  }
  if (state["path"].present()) state["path"].warning("deprecated; use runtime.state.sqlite.path");
  for (const View& path : {state["path"], state["sqlite"]["path"]}) {
    if (!path.text().empty()) config.sqlite_path = path.text();
  }
  const View postgres = state["postgres"];
  config.postgres.dsn = postgres["dsn"].text();
  config.postgres.max_conns = at_least_zero(postgres["max_conns"]);
  config.postgres.min_conns = at_least_zero(postgres["min_conns"]);
  config.postgres.max_conn_lifetime = postgres["max_conn_lifetime"].duration({}, "max_conn_lifetime");
  config.postgres.max_conn_idle_time = postgres["max_conn_idle_time"].duration({}, "max_conn_idle_time");
  if (config.state_driver == "postgres" && config.postgres.dsn.empty()) {
    (postgres["dsn"].present() ? postgres["dsn"] : state["driver"])
        .error("state driver postgres needs runtime.state.postgres.dsn");
  }
}

void decode_queue(const View& queue, Config& config) {
  config.queue_backend = queue["backend"].text();
  if (!config.queue_backend.empty() && config.queue_backend != "memory" && config.queue_backend != "postgres") {
    queue["backend"].error("unknown queue backend: " + in_quotes(config.queue_backend));
  }
  if (config.queue_backend == "postgres" && config.state_driver != "postgres") {
    queue["backend"].error("postgres queue requires postgres state driver");
  }
  const std::int64_t workers = queue["workers"].integer();
  constexpr std::int64_t kMaxWorkers = 1024;
  if (workers > kMaxWorkers) queue["workers"].error("must be at most 1024");
  if (workers > 0 && workers <= kMaxWorkers) config.queue_workers = static_cast<int>(workers);
  const auto lease = queue["lease_timeout"].duration({});
  if (lease > lease.zero()) config.queue_lease_timeout = lease;
  config.queue_workspace_base = queue["workspace_base"].text();
}

}  // namespace

void decode_runtime(const View& root, Config& config) {
  const View runtime = root["runtime"];
  decode_backend(root, config);
  decode_state(runtime["state"], config);
  decode_queue(runtime["queue"], config);
  // Upstream demands this key, which its own scaffold and the documented example leave out; nothing here depends on it.
  config.staging_dir = runtime["staging_dir"].text();
  if (config.staging_dir.empty()) config.staging_dir = "/tmp/fracta-staging";
  config.transport = runtime["transport"].choice({"stdio", "http"}, "stdio");
  config.listen_addr = runtime["listen_addr"].text();
  if (config.listen_addr.empty()) config.listen_addr = ":8080";
}

}  // namespace fracta::config
