// Keyed work queue with client-go's three sets (queue, dirty, processing): a key is never worked on twice at once, and
// is queued again if it was added meanwhile. Failures come back after 5 ms * 2^n, at most 1000 s (per key).
// Thread-safe.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "fracta/base/clock.hpp"
#include "fracta/base/metrics.hpp"

namespace fracta::kube {

class WorkQueue {
 public:
  WorkQueue(const Clock& clock, std::string name, MetricsRegistry* metrics = nullptr);
  ~WorkQueue();

  void add(const std::string& key);
  void add_after(const std::string& key, std::chrono::milliseconds delay);
  void add_rate_limited(const std::string& key);
  void forget(const std::string& key);  // success: the next failure starts from 5 ms again

  // Blocks until a key is due; empty when stopped. Each key returned needs a done().
  std::optional<std::string> get(const std::stop_token& stop);
  void done(const std::string& key);
  [[nodiscard]] std::size_t size() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fracta::kube
