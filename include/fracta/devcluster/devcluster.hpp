// A Kubernetes API server and a process-running node for machines without Kubernetes: quickstart, tests, faults on
// demand. A tool for development, never needed in production. What it covers: docs/devcluster.md.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fracta/base/result.hpp"

namespace fracta::devcluster {

// How long the phases of a pod take on a node that runs nothing. Annotations of a pod win: fracta.io/fake-duration
// (Go's notation, or "never") and fracta.io/fake-exit-code.
struct FakePods {
  std::chrono::milliseconds pull{200}, start{100}, run{1'000};
};

struct Options {
  std::string host = "127.0.0.1";
  int port = 0;                 // 0 = any
  std::string data_directory;   // CA, tokens, objects (journal), pod directories; empty = a temporary one, no journal
  std::string kubeconfig_path;  // written atomically, 0600; empty = <data>/kubeconfig
  // NAME -> root file system directory ("/" = the host's own), or a folder with `rootfs/` and an optional `image.json`
  // ({"Entrypoint":[],"Cmd":[],"Env":[],"WorkingDir":"","User":""}).
  std::map<std::string, std::string> images;
  bool any_image_is_host = true;  // an unknown image name runs on the host's own root file system
  // ENTRYPOINT of images on the host's root, e.g. {"/path/to/fracta", "agent", "run", "--"}; a pod's `command` replaces
  // it.
  std::vector<std::string> host_entrypoint;
  std::string faults_file;                       // faults from the start, as POSTed to /_faults (docs/devcluster.md)
  bool run_node = true;                          // false: pods stay Pending (API-only tests)
  std::optional<FakePods> fake_node;             // run no processes, drive pods through their phases on a schedule
  std::chrono::milliseconds volume_sync{1'000};  // kubelet's ConfigMap/Secret propagation delay
};

class DevCluster {
 public:
  static Result<std::unique_ptr<DevCluster>> create(Options options);
  virtual ~DevCluster() = default;  // stops, kills every process it started, removes a temporary directory
  virtual Result<void> start() = 0;
  virtual void stop() = 0;
  [[nodiscard]] virtual std::string url() const = 0;         // https://127.0.0.1:PORT
  [[nodiscard]] virtual std::string kubeconfig() const = 0;  // path
};

}  // namespace fracta::devcluster
