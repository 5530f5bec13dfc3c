// kubectl's view of a pod: one word for where it stands.
#include <fmt/format.h>

#include "devcluster/table/columns.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {

namespace {

struct Summary {
  std::string reason;
  std::int64_t restarts = 0;
  int ready = 0;
  bool initializing = false;
  std::optional<SystemTime> last_restart;
};

const Json& list_of(const Json& object, std::string_view path) {
  static const Json none = Json::array();
  const Json* found = find_path(object, path);
  return found != nullptr && found->is_array() ? *found : none;
}

bool has_condition(const Json& pod, std::string_view type) {
  for (const Json& condition : list_of(pod, "status/conditions")) {
    if (string_at(condition, "type") == type && string_at(condition, "status") == "True") return true;
  }
  return false;
}

void count_restarts(const Json& status, Summary& summary) {
  summary.restarts += int_at(status, "restartCount").value_or(0);
  const auto finished = parse_rfc3339(string_at(status, "lastState/terminated/finishedAt"));
  if (finished && (!summary.last_restart || *summary.last_restart < *finished)) summary.last_restart = finished;
}

std::string exit_word(const Json& terminated) {
  if (const std::string reason = string_at(terminated, "reason"); !reason.empty()) return reason;
  if (const auto signal = int_at(terminated, "signal"); signal && *signal != 0)
    return fmt::format("Signal:{}", *signal);
  return fmt::format("ExitCode:{}", int_at(terminated, "exitCode").value_or(0));
}

// Stops at the first init container that has not succeeded.
void summarize_init(const Json& pod, Summary& summary) {
  const Json& statuses = list_of(pod, "status/initContainerStatuses");
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    const Json& status = statuses[i];
    count_restarts(status, summary);
    const Json* terminated = find_path(status, "state/terminated");
    const std::string waiting = string_at(status, "state/waiting/reason");
    if (terminated != nullptr && int_at(*terminated, "exitCode").value_or(0) == 0) continue;
    if (terminated != nullptr)
      summary.reason = "Init:" + exit_word(*terminated);
    else if (!waiting.empty() && waiting != "PodInitializing")
      summary.reason = "Init:" + waiting;
    else
      summary.reason = fmt::format("Init:{}/{}", i, list_of(pod, "spec/initContainers").size());
    summary.initializing = true;
    return;
  }
}

void summarize_containers(const Json& pod, Summary& summary) {
  summary.restarts = 0;
  bool running = false;
  const Json& statuses = list_of(pod, "status/containerStatuses");
  for (std::size_t i = statuses.size(); i-- > 0;) {
    const Json& status = statuses[i];
    count_restarts(status, summary);
    const std::string waiting = string_at(status, "state/waiting/reason");
    const Json* terminated = find_path(status, "state/terminated");
    if (!waiting.empty()) {
      summary.reason = waiting;
    } else if (terminated != nullptr) {
      summary.reason = exit_word(*terminated);
    } else if (bool_at(status, "ready") && find_path(status, "state/running") != nullptr) {
      running = true;
      ++summary.ready;
    }
  }
  if (summary.reason == "Completed" && running) summary.reason = has_condition(pod, "Ready") ? "Running" : "NotReady";
}

std::string readiness_gates(const Json& pod) {
  const Json& gates = list_of(pod, "spec/readinessGates");
  if (gates.empty()) return "<none>";
  std::size_t met = 0;
  for (const Json& gate : gates) {
    if (has_condition(pod, string_at(gate, "conditionType"))) ++met;
  }
  return fmt::format("{}/{}", met, gates.size());
}

}  // namespace

Json pod_cells(const Json& pod, SystemTime now) {
  Summary summary;
  summary.reason = string_at(pod, "status/reason", string_at(pod, "status/phase"));
  if (summary.reason.empty()) summary.reason = string_at(pod, "status/phase");
  for (const Json& condition : list_of(pod, "status/conditions")) {
    if (string_at(condition, "type") == "PodScheduled" && string_at(condition, "reason") == "SchedulingGated")
      summary.reason = "SchedulingGated";
  }
  summarize_init(pod, summary);
  if (!summary.initializing) summarize_containers(pod, summary);
  if (find_path(pod, "metadata/deletionTimestamp") != nullptr) {
    summary.reason = string_at(pod, "status/reason") == "NodeLost" ? "Unknown" : "Terminating";
  }
  std::string restarts = std::to_string(summary.restarts);
  if (summary.last_restart) restarts += fmt::format(" ({} ago)", human_duration(now - *summary.last_restart));
  const Json& ips = list_of(pod, "status/podIPs");
  return Json::array({string_at(pod, "metadata/name"),
                      fmt::format("{}/{}", summary.ready, list_of(pod, "spec/containers").size()), summary.reason,
                      restarts, age(pod, now), or_none(ips.empty() ? "" : string_at(ips[0], "ip")),
                      or_none(string_at(pod, "spec/nodeName")), or_none(string_at(pod, "status/nominatedNodeName")),
                      readiness_gates(pod)});
}

}  // namespace fracta::devcluster
