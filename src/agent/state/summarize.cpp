// Projections of Jobs and Pods. What comes back from a cluster is hostile input: any field may be missing, of another
// kind or huge (one odd annotation crashed Argo's informer, CVE-2026-40886).
#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

#include "fracta/agent/build.hpp"
#include "fracta/agent/spec.hpp"
#include "fracta/agent/state.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::agent {
namespace {

constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxMessage = 256;
constexpr std::size_t kMaxContainers = 8;
constexpr std::size_t kMaxCredentials = 4096;  // one of each provider fits thrice

std::string name_at(const Json& object, std::string_view path) {
  std::string text = string_at(object, path);
  if (text.size() > kMaxName) text = shorten(text, kMaxName);
  text.shrink_to_fit();
  return text;
}

std::string message_at(const Json& object, std::string_view path) {
  const std::string text(trim(string_at(object, path)));  // a kubelet ends some with a blank
  return text.empty() ? text : shorten(text, kMaxMessage);
}

int small_int_at(const Json& object, std::string_view path) {
  constexpr std::int64_t kMax = std::numeric_limits<int>::max();
  return static_cast<int>(std::clamp<std::int64_t>(int_at(object, path).value_or(0), -kMax, kMax));
}

std::optional<SystemTime> time_at(const Json& object, std::string_view path) {
  const std::string text = string_at(object, path);
  return text.empty() ? std::nullopt : parse_rfc3339(text);
}

const Json& list_at(const Json& object, std::string_view path) {
  static const Json none = Json::array();
  const Json* found = find_path(object, path);
  return found != nullptr && found->is_array() ? *found : none;
}

const Json& map_at(const Json& object, std::string_view path) {
  static const Json none = Json::object();
  const Json* found = find_path(object, path);
  return found != nullptr && found->is_object() ? *found : none;
}

// Keys with a '/' cannot be written as a path.
std::string entry(const Json& map, const char* key) {
  const Json* found = find(map, key);
  if (found == nullptr || !found->is_string()) return "";
  const auto& text = found->get_ref<const std::string&>();
  return text.size() > kMaxName ? shorten(text, kMaxName) : text;
}

ContainerState container_state(const Json& status, bool init) {
  ContainerState state;
  state.name = name_at(status, "name");
  state.init = init;
  state.ready = bool_at(status, "ready");
  state.restart_count = small_int_at(status, "restartCount");
  const Json& places = map_at(status, "state");
  if (const Json* running = find(places, "running")) {
    state.kind = ContainerState::Kind::kRunning;
    state.started_at = time_at(*running, "startedAt");
  } else if (const Json* ended = find(places, "terminated")) {
    state.kind = ContainerState::Kind::kTerminated;
    state.reason = name_at(*ended, "reason");
    state.message = message_at(*ended, "message");
    state.exit_code = small_int_at(*ended, "exitCode");
    state.signal = small_int_at(*ended, "signal");
    state.started_at = time_at(*ended, "startedAt");
    state.finished_at = time_at(*ended, "finishedAt");
  } else if (const Json* waiting = find(places, "waiting")) {
    state.reason = name_at(*waiting, "reason");
    state.message = message_at(*waiting, "message");
  }
  return state;
}

bool is_ours(const ContainerState& state) { return state.name == kMainContainer || state.name == kInitContainer; }

std::vector<ContainerState> containers_of(const Json& pod) {
  std::vector<ContainerState> states;
  std::size_t others = 0;
  for (const bool init : {true, false}) {
    for (const Json& status : list_at(pod, init ? "status/initContainerStatuses" : "status/containerStatuses")) {
      ContainerState state = container_state(status, init);
      // Injected sidecars are only counted up to a bound; ours must never be the ones left out.
      if (!is_ours(state) && ++others > kMaxContainers - 2) continue;
      if (states.size() < kMaxContainers) states.push_back(std::move(state));
    }
  }
  states.shrink_to_fit();
  return states;
}

std::shared_ptr<const PodTrouble> trouble_of(const Json& pod) {
  PodTrouble trouble;
  trouble.reason = name_at(pod, "status/reason");
  trouble.message = message_at(pod, "status/message");
  for (const Json& condition : list_at(pod, "status/conditions")) {
    const std::string type = string_at(condition, "type");
    const std::string status = string_at(condition, "status");
    if (type == "PodScheduled" && status == "False") {
      trouble.unschedulable_reason = name_at(condition, "reason");
      trouble.unschedulable_message = message_at(condition, "message");
    } else if (type == "DisruptionTarget" && status == "True") {
      trouble.disruption_reason = name_at(condition, "reason");
      trouble.disruption_message = message_at(condition, "message");
    }
  }
  const bool none = trouble.reason.empty() && trouble.message.empty() && trouble.unschedulable_reason.empty() &&
                    trouble.unschedulable_message.empty() && trouble.disruption_reason.empty();
  return none ? nullptr : std::make_shared<const PodTrouble>(std::move(trouble));
}

void read_conditions(const Json& pod, PodSummary& summary) {
  for (const Json& condition : list_at(pod, "status/conditions")) {
    if (string_at(condition, "status") != "True") continue;
    const std::string type = string_at(condition, "type");
    if (type == "Ready") {
      summary.ready = true;
      summary.ready_at = time_at(condition, "lastTransitionTime");
    } else if (type == "PodScheduled") {
      summary.scheduled_at = time_at(condition, "lastTransitionTime");
    }
  }
}

void read_job(const Json& pod, const Json& labels, PodSummary& summary) {
  for (const Json& owner : list_at(pod, "metadata/ownerReferences")) {
    if (string_at(owner, "kind") != "Job") continue;
    summary.job_name = name_at(owner, "name");
    if (bool_at(owner, "controller")) summary.job_uid = name_at(owner, "uid");
    return;
  }
  summary.job_name = entry(labels, "job-name");
}

// Half a text would be no text: what is too long is not ours.
std::string credentials_of(const Json& object) {
  const Json* found = find(map_at(object, "metadata/annotations"), annotations::kCredentials);
  if (found == nullptr || !found->is_string()) return "";
  const auto& text = found->get_ref<const std::string&>();
  return text.size() <= kMaxCredentials ? text : "";
}

// What Jobs and Pods have in common.
template <class Summary>
void read_metadata(const Json& object, Summary& summary) {
  const Json& labels = map_at(object, "metadata/labels");
  const Json& notes = map_at(object, "metadata/annotations");
  summary.name = name_at(object, "metadata/name");
  summary.agent_id = entry(labels, labels::kAgentId);
  summary.agent_name = entry(notes, annotations::kName);
  // Pods of upstream's daemon have no annotations; there the id is the name.
  if (summary.agent_name.empty()) summary.agent_name = summary.agent_id;
  summary.runtime = entry(notes, annotations::kRuntime);
  summary.model = entry(notes, annotations::kModel);
  summary.stop_requested = find(notes, annotations::kStopRequested) != nullptr;
  const std::string deadline = entry(notes, annotations::kDeadline);
  if (!deadline.empty()) summary.deadline = parse_rfc3339(deadline);
  summary.deleting = !string_at(object, "metadata/deletionTimestamp").empty();
  summary.created_at = time_at(object, "metadata/creationTimestamp");
}

}  // namespace

PodSummary summarize_pod(const Json& pod) {
  PodSummary summary;
  read_metadata(pod, summary);
  const Json& labels = map_at(pod, "metadata/labels");
  summary.stream = entry(labels, labels::kStreamPod) == "true";
  summary.uid = name_at(pod, "metadata/uid");
  if (summary.stream) {
    summary.credentials = credentials_of(pod);
  } else {
    read_job(pod, labels, summary);
  }
  summary.node = name_at(pod, "spec/nodeName");
  summary.ip = name_at(pod, "status/podIP");
  summary.phase = name_at(pod, "status/phase");
  summary.trouble = trouble_of(pod);
  read_conditions(pod, summary);
  summary.containers = containers_of(pod);
  return summary;
}

JobSummary summarize_job(const Json& job) {
  JobSummary summary;
  read_metadata(job, summary);
  summary.uid = name_at(job, "metadata/uid");
  summary.credentials = credentials_of(job);
  summary.spec_hash = entry(map_at(job, "metadata/annotations"), annotations::kSpecHash);
  summary.suspended = bool_at(job, "spec/suspend");
  summary.active = small_int_at(job, "status/active");
  summary.succeeded = small_int_at(job, "status/succeeded");
  summary.failed_pods = small_int_at(job, "status/failed");
  summary.started_at = time_at(job, "status/startTime");
  for (const Json& condition : list_at(job, "status/conditions")) {
    if (string_at(condition, "status") != "True") continue;
    const std::string type = string_at(condition, "type");
    if (type != "Complete" && type != "Failed") continue;
    (type == "Complete" ? summary.complete : summary.failed) = true;
    summary.condition_reason = name_at(condition, "reason");
    summary.condition_message = message_at(condition, "message");
    summary.finished_at = time_at(condition, "lastTransitionTime");
  }
  if (const auto completed = time_at(job, "status/completionTime")) summary.finished_at = completed;
  return summary;
}

}  // namespace fracta::agent
