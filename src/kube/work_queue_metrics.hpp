// workqueue_* by controller-runtime's names (pkg/metrics/workqueue.go). Does nothing without a registry.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fracta/base/metrics.hpp"

namespace fracta::kube {

class WorkQueueMetrics {
 public:
  WorkQueueMetrics(MetricsRegistry* registry, const std::string& name);
  // How long each key in work has been worked on, asked at scrape time so that a worker that hangs is seen.
  void watch_running(std::function<void(std::vector<double>& seconds)> read);
  // After this the reader is not called again; needed because the registry outlives the queue.
  void forget_running();
  void depth(std::size_t size);
  void added();
  void retried();
  void queued(std::chrono::nanoseconds waited);
  void worked(std::chrono::nanoseconds took);

 private:
  struct Running {
    std::mutex mutex;
    std::function<void(std::vector<double>& seconds)> read;
    std::vector<double> seconds();
  };
  MetricsRegistry* registry_;
  MetricLabels labels_;
  std::shared_ptr<Running> running_ = std::make_shared<Running>();
  Gauge* depth_ = nullptr;
  Counter* adds_ = nullptr;
  Counter* retries_ = nullptr;
  Histogram* queue_duration_ = nullptr;
  Histogram* work_duration_ = nullptr;
};

}  // namespace fracta::kube
