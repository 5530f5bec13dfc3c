#include "kube/request_metrics.hpp"

#include <array>

namespace fracta::kube {
namespace {

// Label values come from closed sets: what a server may answer is bounded here.
std::string code_label(int status) { return status < 100 || status > 599 ? "<error>" : std::to_string(status); }

}  // namespace

void RequestMetrics::observe(std::string_view method, int status, std::chrono::nanoseconds took) {
  if (registry_ == nullptr) return;
  registry_
      ->counter("rest_client_requests_total", "Number of HTTP requests, partitioned by status code, method, and host.",
                {{"code", code_label(status)}, {"host", host_}, {"method", std::string(method)}})
      .add();
  registry_
      ->histogram("rest_client_request_duration_seconds", "Request latency in seconds. Broken down by verb, and host.",
                  {0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60},
                  {{"host", host_}, {"verb", std::string(method)}})
      .observe(std::chrono::duration<double>(took).count());
}

void RequestMetrics::count_retry(std::string_view method, int status) {
  if (registry_ == nullptr) return;
  registry_
      ->counter("rest_client_request_retries_total",
                "Number of request retries, partitioned by status code, verb, and host.",
                {{"code", code_label(status)}, {"host", host_}, {"verb", std::string(method)}})
      .add();
}

void RequestMetrics::count_unknown_watch_event() {
  if (registry_ == nullptr) return;
  registry_->counter("rest_client_watch_unknown_events_total", "Watch events of a type this client does not know.")
      .add();
}

}  // namespace fracta::kube
