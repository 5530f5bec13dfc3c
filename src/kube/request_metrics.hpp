// rest_client_* by client-go's names (tools/metrics; controller-runtime pkg/metrics/client_go_adapter.go), so that
// existing dashboards work.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "fracta/base/metrics.hpp"

namespace fracta::kube {

// Thread-safe; does nothing without a registry.
class RequestMetrics {
 public:
  RequestMetrics(MetricsRegistry* registry, std::string host) : registry_(registry), host_(std::move(host)) {}
  // `status` 0: no HTTP answer, counted as client-go's "<error>". For streams the time until the head.
  void observe(std::string_view method, int status, std::chrono::nanoseconds took);
  void count_retry(std::string_view method, int status);
  void count_unknown_watch_event();

 private:
  MetricsRegistry* registry_;
  std::string host_;
};

}  // namespace fracta::kube
