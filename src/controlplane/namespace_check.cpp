#include "controlplane/namespace_check.hpp"

#include "fracta/base/log.hpp"
#include "fracta/base/stop.hpp"

namespace fracta::controlplane {

NamespaceCheck::NamespaceCheck(kube::Client& client, std::string ns, std::chrono::milliseconds call_timeout)
    : client_(client), ns_(std::move(ns)), call_timeout_(call_timeout) {}

NamespaceCheck::~NamespaceCheck() { stop(); }

void NamespaceCheck::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void NamespaceCheck::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

Check NamespaceCheck::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

void NamespaceCheck::set(bool ok, std::string message) {
  std::lock_guard lock(mutex_);
  if (!ok && message != state_.message)
    log::error("controlplane", "namespace not usable", {{"namespace", ns_}, {"error", message}});
  state_ = {"namespace", ok, std::move(message)};
}

void NamespaceCheck::run(const std::stop_token& stop) {
  Backoff backoff({std::chrono::milliseconds{200}, std::chrono::milliseconds{15'000}, 2.0, 0.5});
  do {
    auto found = client_.get(kube::kNamespaces, "", ns_, {call_timeout_, stop});
    // A Role cannot grant reading the cluster-scoped Namespace object: being refused says nothing.
    if (found || found.error().code == ErrorCode::kForbidden) return set(true, "");
    if (found.error().code == ErrorCode::kNotFound)
      set(false, "namespace \"" + ns_ + "\" does not exist: create it (kubectl create namespace " + ns_ +
                     ") or set runtime.kubernetes.namespace");
    else if (found.error().code != ErrorCode::kCanceled)
      set(false, found.error().message);
  } while (wait_for(stop, backoff.next()));
}

}  // namespace fracta::controlplane
