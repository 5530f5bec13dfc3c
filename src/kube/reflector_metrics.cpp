#include "kube/reflector_metrics.hpp"

namespace fracta::kube {

ReflectorMetrics::ReflectorMetrics(MetricsRegistry* registry, const std::string& name) {
  if (registry == nullptr) return;
  const MetricLabels labels{{"name", name}};
  lists_ = &registry->counter("reflector_lists_total", "Total number of API lists done by the reflectors.", labels);
  list_errors_ = &registry->counter("reflector_list_errors_total", "Lists that failed.", labels);
  watches_ =
      &registry->counter("reflector_watches_total", "Total number of API watches done by the reflectors.", labels);
  short_watches_ = &registry->counter("reflector_short_watches_total",
                                      "Watches that ended within a second and without an event.", labels);
  last_contact_ = &registry->gauge("reflector_last_contact_timestamp_seconds",
                                   "Unix time of the last list, event or bookmark from the API server.", labels);
}

void ReflectorMetrics::listed(bool success) {
  if (lists_ == nullptr) return;
  lists_->add();
  if (!success) list_errors_->add();
}

void ReflectorMetrics::watched(bool too_short) {
  if (watches_ == nullptr) return;
  watches_->add();
  if (too_short) short_watches_->add();
}

void ReflectorMetrics::contact(SystemTime now) {
  if (last_contact_ != nullptr) last_contact_->set(std::chrono::duration<double>(now.time_since_epoch()).count());
}

}  // namespace fracta::kube
