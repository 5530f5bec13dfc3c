// A node that runs nothing: pods go through their phases on a schedule, for runs with thousands of them.
#include <fmt/format.h>

#include <atomic>

#include <nlohmann/json.hpp>

#include "devcluster/controllers/controller.hpp"
#include "devcluster/node/heartbeat.hpp"
#include "devcluster/node/node_object.hpp"
#include "devcluster/parts.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {
namespace {

using std::chrono::milliseconds;

constexpr const char* kCapacity = "100000";
constexpr const char* kDuration = "fracta.io/fake-duration";  // Go's notation, "never" for pods that do not end
constexpr const char* kExitCode = "fracta.io/fake-exit-code";

std::string annotation_of(const Json& pod, const char* key) {
  const Json* annotations = find_path(pod, "metadata/annotations");
  const Json* value = annotations == nullptr ? nullptr : find(*annotations, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

// Adds or replaces the condition; the time changes only with the status.
void set_condition(Json& status, const std::string& type, bool value, const std::string& reason,
                   const std::string& now) {
  Json& conditions = status["conditions"];
  if (!conditions.is_array()) conditions = Json::array();
  Json fresh{
      {"type", type}, {"status", value ? "True" : "False"}, {"lastProbeTime", nullptr}, {"lastTransitionTime", now}};
  if (!reason.empty()) fresh["reason"] = reason;
  for (auto& condition : conditions)
    if (string_at(condition, "type") == type) {
      if (condition["status"] == fresh["status"]) fresh["lastTransitionTime"] = condition["lastTransitionTime"];
      condition = std::move(fresh);
      return;
    }
  conditions.push_back(std::move(fresh));
}

Json container_statuses(const Json& pod, const char* list, const Json& state, bool ready) {
  Json result = Json::array();
  const Json* containers = find_path(pod, std::string("spec/") + list);
  for (const Json& container : containers != nullptr ? *containers : Json::array()) {
    const std::string image = string_at(container, "image");
    result.push_back({{"name", string_at(container, "name")},
                      {"image", image},
                      {"imageID", "fake://" + image},
                      {"containerID", "fake://" + string_at(pod, "metadata/uid")},
                      {"restartCount", 0},
                      {"ready", ready},
                      {"started", ready},
                      {"lastState", Json::object()},
                      {"state", state}});
  }
  return result;
}

class FakeNode final : public Node, private Controller {
 public:
  FakeNode(Api& api, NodeOptions options)
      : Controller(api), options_(std::move(options)), plan_(options_.fake.value_or(FakePods{})) {}
  ~FakeNode() override { FakeNode::stop(); }

  void start() override {
    Json node = make_node_object(machine_facts(options_.name, options_.directory), clock_.system_now());
    for (const char* list : {"capacity", "allocatable"})
      node["status"][list] = {
          {"cpu", kCapacity}, {"memory", "1000Ti"}, {"ephemeral-storage", "1000Ti"}, {"pods", kCapacity}};
    const Json status = node["status"];
    (void)api_.create("nodes", "", std::move(node)).ok();
    (void)api_
        .mutate(
            "nodes", "", options_.name,
            [&](Json& object) {
              object["status"] = status;
              return true;
            },
            "status")
        .ok();
    heartbeat_ = std::make_unique<NodeHeartbeat>(api_, options_.name);
    Controller::start();
  }
  void stop() override {
    heartbeat_.reset();
    Controller::stop();
  }

  Result<void> log(const Json&, const NodeLogOptions&, const std::function<bool(std::string_view)>&,
                   const std::stop_token&) override {
    return {};  // they say nothing
  }
  bool is_running(const Json& pod, const std::string&) override { return string_at(pod, "status/phase") == "Running"; }
  Result<int> exec(const Json&, const NodeExecOptions&, ExecStreams&) override { return nothing_runs(); }
  Result<void> attach(const Json&, const NodeExecOptions&, ExecStreams&) override { return nothing_runs(); }

 private:
  static Error nothing_runs() {
    return make_error(ErrorCode::kUnavailable,
                      "the development cluster was started with --fake-node: pods run nothing");
  }

  std::vector<Watch> watches() override {
    return {{"pods", [this](const StoreEvent& event) {
               if (event.type != EventType::kDeleted) return queue_.add(key_of(*event.object));
               const std::lock_guard lock(mutex_);
               next_.erase(string_at(*event.object, "metadata/uid"));
             }}};
  }

  // The time at which the pod's present phase is over; counted from when it was first seen in it.
  bool is_due(const std::string& key, const std::string& uid, const std::string& phase, milliseconds length) {
    const auto now = clock_.steady_now();
    const std::lock_guard lock(mutex_);
    const auto [entry, fresh] = next_.try_emplace(uid, phase, now + length);
    if (!fresh && entry->second.first != phase) entry->second = {phase, now + length};
    const auto left = std::chrono::ceil<milliseconds>(entry->second.second - now);
    if (left.count() > 0) queue_.add(key, left);
    return left.count() <= 0;
  }

  bool sync(const std::string& key) override {
    const auto [ns, name] = split_key(key);
    const auto found = api_.get("pods", ns, name);
    if (!found) return true;
    const Json& pod = **found;
    const std::string uid = string_at(pod, "metadata/uid"), phase = string_at(pod, "status/phase");
    const std::string node = string_at(pod, "spec/nodeName");
    if (!node.empty() && node != options_.name) return true;
    if (is_deleted(pod)) return node.empty() || remove(ns, name, uid);
    if (phase == "Succeeded" || phase == "Failed") return true;
    if (node.empty()) return bind(ns, name, pod);
    if (phase == "Pending") return !is_due(key, uid, phase, plan_.pull + plan_.start) || run(ns, name);
    const auto length = duration_of(pod);
    return !length || !is_due(key, uid, phase, *length) || finish(ns, name);
  }

  // Empty: it runs until it is deleted.
  [[nodiscard]] std::optional<milliseconds> duration_of(const Json& pod) const {
    const std::string text = annotation_of(pod, kDuration);
    if (text == "never") return std::nullopt;
    if (!text.empty())
      if (const auto given = parse_go_duration(text); given.ok()) return std::chrono::ceil<milliseconds>(*given);
    if (string_at(pod, "spec/restartPolicy") == "Always") return std::nullopt;
    return plan_.run;
  }

  bool bind(const std::string& ns, const std::string& name, const Json& pod) {
    if (const Json* gates = find_path(pod, "spec/schedulingGates"); gates != nullptr && !gates->empty()) return true;
    const auto bound = api_.bind_pod(ns, name, options_.name);
    return bound.ok() || bound.error().code == ErrorCode::kNotFound || bound.error().code == ErrorCode::kConflict;
  }

  bool remove(const std::string& ns, const std::string& name, const std::string& uid) {
    RemoveOptions now;
    now.grace_period_seconds = 0;
    now.precondition_uid = uid;
    const auto removed = api_.remove("pods", ns, name, now);
    return removed.ok() || removed.error().code == ErrorCode::kNotFound || removed.error().code == ErrorCode::kConflict;
  }

  bool write(const std::string& ns, const std::string& name,
             const std::function<void(Json& pod, Json& status)>& change) {
    const auto written = api_.mutate(
        "pods", ns, name,
        [&](Json& pod) {
          change(pod, pod["status"]);
          return true;
        },
        "status");
    return written.ok() || written.error().code == ErrorCode::kNotFound;
  }

  bool run(const std::string& ns, const std::string& name) {
    const std::string now = format_rfc3339(clock_.system_now());
    const unsigned number = addresses_++;
    return write(ns, name, [&](Json& pod, Json& status) {
      const std::string address = fmt::format("10.{}.{}.{}", (number >> 16) & 255, (number >> 8) & 255, number & 255);
      status["phase"] = "Running";
      status["hostIP"] = "127.0.0.1";
      status["podIP"] = address;
      status["podIPs"] = Json::array({{{"ip", address}}});
      status["startTime"] = now;
      for (const char* type : {"Initialized", "Ready", "ContainersReady"}) set_condition(status, type, true, "", now);
      if (pod["spec"].contains("initContainers"))
        status["initContainerStatuses"] = container_statuses(
            pod, "initContainers",
            {{"terminated", {{"exitCode", 0}, {"reason", "Completed"}, {"startedAt", now}, {"finishedAt", now}}}},
            true);
      status["containerStatuses"] = container_statuses(pod, "containers", {{"running", {{"startedAt", now}}}}, true);
    });
  }

  bool finish(const std::string& ns, const std::string& name) {
    const std::string now = format_rfc3339(clock_.system_now());
    return write(ns, name, [&](Json& pod, Json& status) {
      const std::int64_t code = parse_int(annotation_of(pod, kExitCode)).value_or(0);
      const std::string started = string_at(status, "startTime", now);
      status["phase"] = code == 0 ? "Succeeded" : "Failed";
      for (const char* type : {"Ready", "ContainersReady"})
        set_condition(status, type, false, code == 0 ? "PodCompleted" : "PodFailed", now);
      set_condition(status, "Initialized", true, code == 0 ? "PodCompleted" : "", now);
      status["containerStatuses"] = container_statuses(pod, "containers",
                                                       {{"terminated",
                                                         {{"exitCode", code},
                                                          {"reason", code == 0 ? "Completed" : "Error"},
                                                          {"startedAt", started},
                                                          {"finishedAt", now}}}},
                                                       false);
    });
  }

  const NodeOptions options_;
  const FakePods plan_;
  std::unique_ptr<NodeHeartbeat> heartbeat_;
  std::atomic<unsigned> addresses_ = 1;
  std::mutex mutex_;
  std::map<std::string, std::pair<std::string, SteadyTime>> next_;  // uid -> phase and its end
};

}  // namespace

std::unique_ptr<Node> make_fake_node(Api& api, NodeOptions options) {
  return std::make_unique<FakeNode>(api, std::move(options));
}

}  // namespace fracta::devcluster
