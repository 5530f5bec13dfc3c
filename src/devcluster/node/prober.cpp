#include "devcluster/node/prober.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"

namespace fracta::devcluster {
namespace {

std::string_view name_of(ProbeType type) {
  return type == ProbeType::kReadiness ? "Readiness" : type == ProbeType::kLiveness ? "Liveness" : "Startup";
}

std::chrono::seconds seconds_at(const Json& probe, std::string_view key, std::int64_t fallback) {
  return std::chrono::seconds{std::clamp<std::int64_t>(int_at(probe, key).value_or(fallback), 0, 86'400)};
}

}  // namespace

Prober::Prober(ProbeType type, const Json& probe, ProbeTarget target, std::function<void(ProbeReport)> report)
    : type_(type),
      probe_(std::make_shared<Json>(probe)),
      target_(std::move(target)),
      report_(std::move(report)),
      timeout_(std::max(seconds_at(probe, "timeoutSeconds", 1), std::chrono::seconds{1})),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Prober::run(const std::stop_token& stop) {
  const auto period = std::max(seconds_at(*probe_, "periodSeconds", 10), std::chrono::seconds{1});
  const auto threshold = [&](bool success) {
    return std::max<std::int64_t>(
        1, int_at(*probe_, success ? "successThreshold" : "failureThreshold").value_or(success ? 1 : 3));
  };
  bool last = false;
  std::int64_t run = 0;
  // A kubelet repeats an unready readiness probe out of turn when the pod's status changes, which it just has.
  bool early = type_ == ProbeType::kReadiness;
  if (!wait_for(stop, seconds_at(*probe_, "initialDelaySeconds", 0))) return;
  do {
    const ActionResult answer = run_action(*probe_, target_, timeout_, stop);
    if (stop.stop_requested()) return;
    if (answer.errored) {  // tells nothing about the container, so it counts for nothing
      report_({type_, last, false, fmt::format("{} probe errored: {}", name_of(type_), answer.output)});
      continue;
    }
    run = answer.success == last ? run + 1 : 1;
    last = answer.success;
    const bool settled = run >= threshold(last);
    report_({type_, last, settled, last ? "" : fmt::format("{} probe failed: {}", name_of(type_), answer.output)});
    // A failed liveness or startup probe ends the container; a passed startup probe has done its work.
    if (settled && type_ == ProbeType::kStartup) return;
    if (settled && type_ == ProbeType::kLiveness && !last) return;
  } while (wait_for(stop, std::exchange(early, false) && !last ? std::chrono::seconds{1} : period));
}

}  // namespace fracta::devcluster
