// One postStart or preStop hook on its way (pkg/kubelet/lifecycle): a thread of its own, which ends with the object.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "devcluster/node/probe_action.hpp"

namespace fracta::devcluster {

class LifecycleHook {
 public:
  // `where`: for messages, `Container "x" in Pod "y"`. `on_end` is called on the hook's thread.
  LifecycleHook(const Json& handler, ProbeTarget target, std::string where, std::function<void()> on_end);
  LifecycleHook(const LifecycleHook&) = delete;
  LifecycleHook& operator=(const LifecycleHook&) = delete;

  [[nodiscard]] bool ended() const { return ended_; }
  // Once it has ended: what went wrong; empty if nothing did.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  void run(const std::stop_token& stop);

  std::shared_ptr<const Json> handler_;
  ProbeTarget target_;
  std::string where_;
  std::function<void()> on_end_;
  std::string failure_;
  std::atomic<bool> ended_{false};
  std::jthread thread_;  // last: starts when all else is there
};

}  // namespace fracta::devcluster
