// reflector_* metrics. Does nothing without a registry. Thread-safe.
#pragma once

#include <string>

#include "fracta/base/clock.hpp"
#include "fracta/base/metrics.hpp"

namespace fracta::kube {

class ReflectorMetrics {
 public:
  ReflectorMetrics(MetricsRegistry* registry, const std::string& name);
  void listed(bool success);
  void watched(bool too_short);
  // A stamp and not an age: it stays true while nothing happens. Alert on time() - value.
  void contact(SystemTime now);

 private:
  Counter* lists_ = nullptr;
  Counter* list_errors_ = nullptr;
  Counter* watches_ = nullptr;
  Counter* short_watches_ = nullptr;
  Gauge* last_contact_ = nullptr;
};

}  // namespace fracta::kube
