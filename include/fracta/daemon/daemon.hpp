// The composition root of `fracta controlplane`: builds every part in a written order, runs until a signal, stops them
// in the opposite order.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "fracta/base/result.hpp"

namespace fracta::daemon {

struct DaemonOptions {
  std::string config_path = "./fracta.yaml";
  std::string kubeconfig;  // empty: KUBECONFIG, in-cluster, ~/.kube/config (kube/client_config.hpp)
  std::string context;
  std::string listen;        // empty: control_plane_api.listen, else ":9090"
  std::string log_format;    // json (default) | text
  std::string log_level;     // empty: logging.level, FRACTA_LOG_LEVEL, info
  std::string address_file;  // the bound address is written here once the server listens
};

class Daemon {
 public:
  // Everything that can be wrong before the first packet: configuration (kInvalid; all diagnostics have been printed to
  // stderr and logged), identity, listen address in use. Nothing runs yet.
  static Result<std::unique_ptr<Daemon>> create(const DaemonOptions& options);
  ~Daemon();  // stops

  Result<void> start();
  [[nodiscard]] std::string address() const;  // "127.0.0.1:9090"
  // readyz fails first, then no new calls, streams end, running calls finish. True when all ended before the deadline.
  bool stop(std::chrono::milliseconds deadline = std::chrono::milliseconds{5'000});

 private:
  class Impl;
  explicit Daemon(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// create, start, wait for SIGTERM or SIGINT, stop; a second signal ends the process at once. Returns the exit code:
// 0 stopped in order, 1 anything else. Blocks these signals for the calling thread and those it starts.
int run_controlplane(const DaemonOptions& options);

}  // namespace fracta::daemon
