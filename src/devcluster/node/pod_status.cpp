#include "devcluster/node/pod_status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {
namespace {

using Kind = ContainerState::Kind;

struct Condition {
  std::string type;
  bool status = true;
  std::string reason, message;
};

bool exited_well(const ContainerView& c) { return c.state.kind == Kind::kTerminated && c.state.exit_code == 0; }

Json state_json(const ContainerState& state) {
  switch (state.kind) {
    case Kind::kWaiting: {
      Json waiting = Json::object();
      if (!state.reason.empty()) waiting["reason"] = state.reason;
      if (!state.message.empty()) waiting["message"] = state.message;
      return {{"waiting", waiting}};
    }
    case Kind::kRunning:
      return {{"running", {{"startedAt", format_rfc3339(state.started_at)}}}};
    case Kind::kTerminated:
      break;
  }
  Json terminated{{"exitCode", state.exit_code},
                  {"startedAt", format_rfc3339(state.started_at)},
                  {"finishedAt", format_rfc3339(state.finished_at)}};
  if (!state.reason.empty()) terminated["reason"] = state.reason;
  if (!state.message.empty()) terminated["message"] = state.message;
  if (!state.container_id.empty()) terminated["containerID"] = state.container_id;
  return {{"terminated", terminated}};
}

Json container_json(const ContainerView& c, bool init) {
  Json result{{"name", c.name},
              {"image", c.image},
              {"imageID", c.image_id},
              {"ready", init ? exited_well(c) : c.ready},
              {"restartCount", c.restart_count},
              {"state", state_json(c.state)},
              {"lastState", c.last ? state_json(*c.last) : Json::object()}};
  if (!c.container_id.empty()) result["containerID"] = c.container_id;
  if (!init) result["started"] = c.started;
  return result;
}

// "[a b]", as Go prints a list.
std::string unready(const std::vector<ContainerView>& containers, bool init) {
  std::vector<std::string> names;
  for (const auto& c : containers)
    if (init ? !exited_well(c) : !c.ready) names.push_back(c.name);
  return names.empty() ? "" : "[" + join(names, " ") + "]";
}

Condition initialized(const PodView& view, const std::string& phase) {
  if (phase == "Succeeded") return {"Initialized", true, "PodCompleted", ""};
  if (const auto names = unready(view.init, true); !names.empty())
    return {"Initialized", false, "ContainersNotInitialized", "containers with incomplete status: " + names};
  return {"Initialized", true, "", ""};
}

Condition containers_ready(const PodView& view, const std::string& phase) {
  if (phase == "Succeeded") return {"ContainersReady", false, "PodCompleted", ""};
  if (phase == "Failed") return {"ContainersReady", false, "PodFailed", ""};
  if (const auto names = unready(view.main, false); !names.empty())
    return {"ContainersReady", false, "ContainersNotReady", "containers with unready status: " + names};
  return {"ContainersReady", true, "", ""};
}

Condition pod_ready(const Json& pod, const Condition& containers, const Json& others) {
  if (!containers.status) return {"Ready", false, containers.reason, containers.message};
  std::vector<std::string> messages;
  const Json* gates = find_path(pod, "spec/readinessGates");
  for (const auto& gate : gates != nullptr && gates->is_array() ? *gates : Json::array()) {
    const std::string type = string_at(gate, "conditionType");
    const auto found =
        std::find_if(others.begin(), others.end(), [&](const Json& c) { return string_at(c, "type") == type; });
    if (found == others.end())
      messages.push_back(fmt::format("corresponding condition of pod readiness gate \"{}\" does not exist.", type));
    else if (string_at(*found, "status") != "True")
      messages.push_back(fmt::format("the status of pod readiness gate \"{}\" is not \"True\", but {}", type,
                                     string_at(*found, "status")));
  }
  if (!messages.empty()) return {"Ready", false, "ReadinessGatesNotReady", join(messages, ", ")};
  return {"Ready", true, "", ""};
}

Json condition_json(const Condition& condition, const Json& old_conditions, SystemTime now) {
  const std::string status = condition.status ? "True" : "False";
  std::string since = format_rfc3339(now);
  for (const auto& old : old_conditions)
    if (string_at(old, "type") == condition.type && string_at(old, "status") == status)
      since = string_at(old, "lastTransitionTime", since);
  Json result{{"type", condition.type}, {"status", status}, {"lastProbeTime", nullptr}, {"lastTransitionTime", since}};
  if (!condition.reason.empty()) result["reason"] = condition.reason;
  if (!condition.message.empty()) result["message"] = condition.message;
  return result;
}

Json conditions(const Json& pod, const PodView& view, const std::string& phase, SystemTime now) {
  static const std::set<std::string> kOurs = {"Initialized", "Ready", "ContainersReady", "PodScheduled"};
  const Json* present = find_path(pod, "status/conditions");
  const Json old = present != nullptr && present->is_array() ? *present : Json::array();
  Json result = Json::array();
  for (const auto& condition : old)
    if (kOurs.count(string_at(condition, "type")) == 0) result.push_back(condition);
  const Json others = result;
  const Condition containers = containers_ready(view, phase);
  for (const Condition& condition : {initialized(view, phase), pod_ready(pod, containers, others), containers,
                                     Condition{"PodScheduled", true, "", ""}})
    result.push_back(condition_json(condition, old, now));
  return result;
}

struct Counts {
  int pending = 0, failed = 0;                               // init
  int running = 0, waiting = 0, stopped = 0, succeeded = 0;  // main
};

Counts count(const PodView& view) {
  Counts n;
  for (const auto& c : view.init) {
    if (c.state.kind == Kind::kTerminated)
      n.failed += c.state.exit_code != 0 ? 1 : 0;
    else if (c.state.kind == Kind::kWaiting && c.last)
      n.failed += c.last->exit_code != 0 ? 1 : 0;
    else
      ++n.pending;
  }
  for (const auto& c : view.main) {
    if (c.state.kind == Kind::kRunning)
      ++n.running;
    else if (c.state.kind == Kind::kTerminated)
      ++n.stopped, n.succeeded += c.state.exit_code == 0 ? 1 : 0;
    else if (c.last)
      ++n.stopped;
    else
      ++n.waiting;
  }
  return n;
}

}  // namespace

std::string pod_phase(const Json& spec, const PodView& view) {
  if (!view.phase_override.empty()) return view.phase_override;
  const std::string policy = string_at(spec, "restartPolicy", "Always");
  const Counts n = count(view);
  if (n.failed > 0 && policy == "Never") return "Failed";
  if (n.pending > 0 || n.waiting > 0) return "Pending";
  if (n.running > 0) return "Running";
  if (n.stopped == 0) return "Pending";
  if (policy == "Always") return "Running";
  if (n.stopped == n.succeeded) return "Succeeded";
  return policy == "Never" ? "Failed" : "Running";
}

Json make_pod_status(const Json& pod, const PodView& view, SystemTime now) {
  const Json* spec = find(pod, "spec");
  const Json* old = find(pod, "status");
  Json status = old != nullptr && old->is_object() ? *old : Json::object();
  const std::string phase = pod_phase(spec != nullptr ? *spec : Json::object(), view);
  status["phase"] = phase;
  for (const auto& [key, value] : {std::pair{"reason", &view.reason}, {"message", &view.message}}) {
    if (value->empty())
      status.erase(key);
    else
      status[key] = *value;
  }
  status["conditions"] = conditions(pod, view, phase, now);
  if (!view.host_ip.empty()) status["hostIP"] = view.host_ip;
  if (!view.pod_ip.empty()) {
    status["podIP"] = view.pod_ip;
    status["podIPs"] = Json::array({{{"ip", view.pod_ip}}});
  }
  status["startTime"] = format_rfc3339(view.start_time);
  if (string_at(status, "qosClass").empty() && spec != nullptr) status["qosClass"] = qos_class(*spec);
  status.erase("initContainerStatuses");
  for (const auto& c : view.init) status["initContainerStatuses"].push_back(container_json(c, true));
  status["containerStatuses"] = Json::array();
  for (const auto& c : view.main) status["containerStatuses"].push_back(container_json(c, false));
  // A kubelet sorts by name (SortedContainerStatuses); init containers keep their order.
  std::sort(status["containerStatuses"].begin(), status["containerStatuses"].end(),
            [](const Json& a, const Json& b) { return string_at(a, "name") < string_at(b, "name"); });
  return status;
}

std::string qos_class(const Json& spec) {
  bool any = false, guaranteed = true;
  for (const char* list : {"initContainers", "containers"}) {
    const Json* containers = find(spec, list);
    for (const auto& c : containers != nullptr && containers->is_array() ? *containers : Json::array()) {
      for (const char* resource : {"cpu", "memory"}) {
        const std::string path = fmt::format("resources/requests/{}", resource);
        const Json* request = find_path(c, path);
        const Json* limit = find_path(c, fmt::format("resources/limits/{}", resource));
        any = any || request != nullptr || limit != nullptr;
        if (limit == nullptr || (request != nullptr && *request != *limit)) guaranteed = false;
      }
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

}  // namespace fracta::devcluster
