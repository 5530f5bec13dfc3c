// Counters, gauges and histograms in Prometheus text exposition format 0.0.4. Label values come from closed sets only
// (never an agent's name). Thread-safe; handles stay valid as long as the Registry.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fracta {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void add(double by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  [[nodiscard]] double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Gauge {
 public:
  void set(double v) { value_.store(v, std::memory_order_relaxed); }
  void add(double by) { value_.fetch_add(by, std::memory_order_relaxed); }
  [[nodiscard]] double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Histogram {
 public:
  explicit Histogram(std::vector<double> upper_bounds);
  void observe(double v);
  struct Snapshot {
    std::vector<double> upper_bounds;
    std::vector<std::uint64_t> cumulative;  // one more than bounds: +Inf last
    double sum = 0;
  };
  [[nodiscard]] Snapshot snapshot() const;

 private:
  mutable std::mutex mutex_;
  std::vector<double> bounds_;
  std::vector<std::uint64_t> counts_;
  double sum_ = 0;
};

class MetricsRegistry {
 public:
  // The same name and labels give the same handle; the same name with another kind is a bug (check()).
  Counter& counter(std::string_view name, std::string_view help, MetricLabels labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, MetricLabels labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, std::vector<double> upper_bounds,
                       MetricLabels labels = {});
  // Read at scrape time; for values derived from a cache instead of counted (counters that drift).
  void gauge_function(std::string_view name, std::string_view help,
                      std::function<std::vector<std::pair<MetricLabels, double>>()> read);

  [[nodiscard]] std::string expose() const;

 private:
  struct Family;
  Family& family(std::string_view name, std::string_view help, char kind);
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Family>, std::less<>> families_;
};

// process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds, process_start_time_seconds,
// fracta_build_info.
void register_process_metrics(MetricsRegistry& registry, std::string_view version, std::string_view commit);

}  // namespace fracta
