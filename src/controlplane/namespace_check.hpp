// Asks once, patiently, whether the namespace for agents exists: without it every spawn fails with words that do not
// say what to do. Thread-safe.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <thread>

#include "fracta/controlplane/control_plane.hpp"
#include "fracta/kube/client.hpp"

namespace fracta::controlplane {

class NamespaceCheck {
 public:
  NamespaceCheck(kube::Client& client, std::string ns, std::chrono::milliseconds call_timeout);
  ~NamespaceCheck();
  void start();
  void stop();
  [[nodiscard]] Check state() const;

 private:
  void run(const std::stop_token& stop);
  void set(bool ok, std::string message);

  kube::Client& client_;
  const std::string ns_;
  const std::chrono::milliseconds call_timeout_;
  mutable std::mutex mutex_;
  Check state_{"namespace", false, "not asked yet"};
  std::jthread thread_;
};

}  // namespace fracta::controlplane
