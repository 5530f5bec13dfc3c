#include "kube/work_queue_metrics.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace fracta::kube {
namespace {

// controller-runtime: exponential, 10 ns to 1000 s; the half below 1 us says nothing about us.
std::vector<double> buckets() { return {1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000}; }

double seconds(std::chrono::nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

std::vector<double> WorkQueueMetrics::Running::seconds() {
  std::lock_guard lock(mutex);
  std::vector<double> out;
  if (read) read(out);
  return out;
}

WorkQueueMetrics::WorkQueueMetrics(MetricsRegistry* registry, const std::string& name)
    : registry_(registry), labels_{{"controller", name}, {"name", name}} {
  if (registry_ == nullptr) return;
  depth_ = &registry_->gauge("workqueue_depth", "Current depth of workqueue.", labels_);
  adds_ = &registry_->counter("workqueue_adds_total", "Total number of adds handled by workqueue.", labels_);
  retries_ = &registry_->counter("workqueue_retries_total", "Total number of retries handled by workqueue.", labels_);
  queue_duration_ = &registry_->histogram("workqueue_queue_duration_seconds",
                                          "How long in seconds an item stays in workqueue before being requested.",
                                          buckets(), labels_);
  work_duration_ =
      &registry_->histogram("workqueue_work_duration_seconds",
                            "How long in seconds processing an item from workqueue takes.", buckets(), labels_);
}

void WorkQueueMetrics::watch_running(std::function<void(std::vector<double>&)> read) {
  if (registry_ == nullptr) return;
  running_->read = std::move(read);
  using Series = std::vector<std::pair<MetricLabels, double>>;
  registry_->gauge_function(
      "workqueue_unfinished_work_seconds",
      "Seconds of work that is in progress and not yet in work_duration; large values are stuck workers.",
      [running = running_, labels = labels_] {
        const auto all = running->seconds();
        return Series{{labels, std::accumulate(all.begin(), all.end(), 0.0)}};
      });
  registry_->gauge_function("workqueue_longest_running_processor_seconds",
                            "How many seconds the longest running processor has been running.",
                            [running = running_, labels = labels_] {
                              const auto all = running->seconds();
                              return Series{{labels, all.empty() ? 0.0 : *std::max_element(all.begin(), all.end())}};
                            });
}

void WorkQueueMetrics::forget_running() {
  std::lock_guard lock(running_->mutex);
  running_->read = nullptr;
}

void WorkQueueMetrics::depth(std::size_t size) {
  if (depth_ != nullptr) depth_->set(static_cast<double>(size));
}
void WorkQueueMetrics::added() {
  if (adds_ != nullptr) adds_->add();
}
void WorkQueueMetrics::retried() {
  if (retries_ != nullptr) retries_->add();
}
void WorkQueueMetrics::queued(std::chrono::nanoseconds waited) {
  if (queue_duration_ != nullptr) queue_duration_->observe(seconds(waited));
}
void WorkQueueMetrics::worked(std::chrono::nanoseconds took) {
  if (work_duration_ != nullptr) work_duration_->observe(seconds(took));
}

}  // namespace fracta::kube
