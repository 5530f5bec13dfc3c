// The node: registers itself, binds pending pods (it is the only node), and keeps one PodWorker per pod.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "devcluster/node/heartbeat.hpp"
#include "devcluster/node/node_exec.hpp"
#include "devcluster/node/node_faults.hpp"
#include "devcluster/node/node_object.hpp"
#include "devcluster/node/pod_worker.hpp"
#include "devcluster/node/scheduler.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {
namespace {

std::string waiting_reason(const Json& pod, const std::string& container) {
  for (const char* list : {"status/containerStatuses", "status/initContainerStatuses"})
    if (const Json* statuses = find_path(pod, list); statuses != nullptr && statuses->is_array())
      for (const auto& status : *statuses)
        if (string_at(status, "name") == container)
          return string_at(status, "state/waiting/reason", "ContainerCreating");
  return "ContainerCreating";
}

class ProcessNode final : public Node {
 public:
  ProcessNode(Api& api, NodeOptions options)
      : api_(api),
        options_(std::move(options)),
        images_(options_.images, options_.any_image_is_host, options_.host_entrypoint),
        facts_(machine_facts(options_.name, options_.directory)),
        labels_(node_labels(options_.name)) {}
  ~ProcessNode() override { ProcessNode::stop(); }

  void start() override {
    (void)make_directories(options_.directory + "/staging", 0700).ok();
    isolation_ = find_isolation(options_.directory + "/staging", sockets_);
    if (isolation_.namespaces && !isolation_.own_addresses)
      log::warn("node", "pods share the host's addresses and ports: seccomp notification is not to be had here");
    if (!isolation_.namespaces)
      log::warn("node", "containers cannot be started: no mount namespaces", {{"reason", isolation_.reason}});
    register_node();
    heartbeat_ = std::make_unique<NodeHeartbeat>(api_, options_.name);
    threads_.emplace_back([this](const std::stop_token& stop) {
      api_.watch(
          "pods", [this](const StoreEvent& event) { on_pod(event); }, stop);
    });
    for (const std::string resource : {"configmaps", "secrets"})
      threads_.emplace_back([this, resource](const std::stop_token& stop) {
        api_.watch(
            resource, [this](const StoreEvent& event) { on_source(event); }, stop);
      });
    // What may let a pending pod be scheduled.
    for (const std::string resource : {"persistentvolumeclaims", "nodes"})
      threads_.emplace_back([this, resource](const std::stop_token& stop) {
        api_.watch(
            resource, [this](const StoreEvent&) { retry_pending(); }, stop);
      });
  }

  void stop() override {
    heartbeat_.reset();
    evictor_ = {};
    for (auto& thread : threads_) thread.request_stop();
    threads_.clear();
    std::map<std::string, std::shared_ptr<PodWorker>> workers;
    {
      const std::lock_guard lock(mutex_);
      workers.swap(workers_);
    }
  }

  void set_lost(bool lost) override {
    const std::lock_guard one_at_a_time(faults_mutex_);
    if (silent_ == lost) return;
    silent_ = lost;
    if (lost) {
      heartbeat_.reset();
      mark_node_lost(api_, options_.name, clock_.system_now());
      evictor_ = std::jthread([this](const std::stop_token& stop) { evict_while_lost(stop); });
      return;
    }
    evictor_ = {};
    heartbeat_ = std::make_unique<NodeHeartbeat>(api_, options_.name);
    mark_node_back(api_, options_.name, status_, clock_.system_now());
    catch_up();
  }

  void set_disk_full(bool full) override {
    const std::lock_guard one_at_a_time(faults_mutex_);
    mark_disk_pressure(api_, options_.name, full, clock_.system_now());
    if (!full) return;
    const std::lock_guard lock(mutex_);
    for (auto& [uid, worker] : workers_) worker->evict_for_node("The node was low on resource: ephemeral-storage. ");
  }

  Result<void> log(const Json& pod, const NodeLogOptions& options, const std::function<bool(std::string_view)>& write,
                   const std::stop_token& stop) override {
    std::shared_ptr<ContainerLog> log;
    {
      auto worker = worker_of(pod);
      if (!worker) return worker.error();
      auto found = (*worker)->log(options.container, options.previous, waiting_reason(pod, options.container));
      if (!found) return found.error();
      log = *found;
    }
    return log->read(options, write, stop);
  }

  bool is_running(const Json& pod, const std::string& container) override { return inside(pod, container).ok(); }

  Result<int> exec(const Json& pod, const NodeExecOptions& options, ExecStreams& streams) override {
    auto found = inside(pod, options.container);
    if (!found) return found.error();
    return exec_inside(found->pidfd.get(), found->pid, std::move(found->plan), options, streams);
  }

  Result<void> attach(const Json& pod, const NodeExecOptions& options, ExecStreams& streams) override {
    auto found = inside(pod, options.container);
    if (!found) return found.error();
    return found->stdio->attach(options.stdin_open, streams);
  }

 private:
  // Until the node is back: the control plane's taint manager.
  void evict_while_lost(const std::stop_token& stop) {
    const auto since = clock_.steady_now();
    do {
      const auto lost_for = std::chrono::duration_cast<std::chrono::seconds>(clock_.steady_now() - since);
      evict_from_lost_node(api_, options_.name, lost_for, clock_.system_now());
    } while (wait_for(stop, std::chrono::milliseconds{500}));
  }

  // What happened while nobody listened.
  void catch_up() {
    std::set<std::string> present;
    for (const auto& pod : api_.list("pods", "")) {
      if (string_at(*pod, "spec/nodeName") != options_.name) continue;
      present.insert(string_at(*pod, "metadata/uid"));
      on_pod({EventType::kModified, pod, nullptr, 0});
    }
    {
      const std::lock_guard lock(mutex_);
      for (auto& [uid, worker] : workers_) {
        if (present.count(uid) == 0) worker->object_gone();
        worker->wake();
      }
    }
    retry_pending();
  }

  Result<std::shared_ptr<PodWorker>> worker_of(const Json& pod) {
    if (silent_)
      return make_error(ErrorCode::kUnavailable, fmt::format("dial tcp {}:10250: i/o timeout", facts_.host_ip));
    const std::lock_guard lock(mutex_);
    const auto found = workers_.find(string_at(pod, "metadata/uid"));
    if (found == workers_.end())
      return make_error(ErrorCode::kNotFound, fmt::format("pod \"{}\" is not running on node {}",
                                                          string_at(pod, "metadata/name"), options_.name));
    return found->second;
  }

  Result<PodWorker::Inside> inside(const Json& pod, const std::string& container) {
    auto worker = worker_of(pod);
    if (!worker) return worker.error();
    return (*worker)->inside(container);
  }

  void register_node() {
    Json object = make_node_object(facts_, clock_.system_now());
    status_ = object["status"];
    auto made = api_.create("nodes", "", std::move(object));
    if (!made && made.error().code != ErrorCode::kAlreadyExists)
      return log::warn("node", "node not registered", {{"error", made.error().message}});
    (void)api_
        .mutate(
            "nodes", "", options_.name,
            [&](Json& node) {
              node["status"] = status_;
              return true;
            },
            "status")
        .ok();
  }

  void on_pod(const StoreEvent& event) {
    const Json& pod = *event.object;
    const std::string uid = string_at(pod, "metadata/uid"), node = string_at(pod, "spec/nodeName");
    sweep();
    if (event.type == EventType::kDeleted) {
      give_back(uid);
      const std::lock_guard lock(mutex_);
      pending_.erase(uid);
      if (silent_) return;
      if (const auto found = workers_.find(uid); found != workers_.end()) found->second->object_gone();
      return;
    }
    if (node.empty()) return schedule(pod);
    if (node != options_.name) return;
    const std::string phase = string_at(pod, "status/phase");
    if (phase == "Succeeded" || phase == "Failed")
      give_back(uid);
    else
      take_room(pod);
    if (silent_) return;
    const std::lock_guard lock(mutex_);
    pending_.erase(uid);
    if (const auto found = workers_.find(uid); found != workers_.end()) return found->second->update(event.object);
    if (phase == "Succeeded" || phase == "Failed") {
      if (find_path(pod, "metadata/deletionTimestamp") != nullptr) finish_removal(pod);
      return;
    }
    workers_.emplace(
        uid, std::make_shared<PodWorker>(
                 PodContext{api_, options_, images_, isolation_, facts_, clock_, sockets_, silent_}, event.object));
  }

  void finish_removal(const Json& pod) {
    RemoveOptions now;
    now.grace_period_seconds = 0;
    now.precondition_uid = string_at(pod, "metadata/uid");
    (void)api_.remove("pods", string_at(pod, "metadata/namespace"), string_at(pod, "metadata/name"), now).ok();
  }

  // Workers whose pod is gone have ended by themselves; joining them is quick.
  void sweep() {
    std::vector<std::shared_ptr<PodWorker>> done;
    const std::lock_guard lock(mutex_);
    for (auto it = workers_.begin(); it != workers_.end();) {
      if (it->second->finished()) {
        done.push_back(std::move(it->second));
        it = workers_.erase(it);
      } else {
        ++it;
      }
    }
  }

  void on_source(const StoreEvent& event) {
    const std::string name = string_at(*event.object, "metadata/namespace");
    const std::lock_guard lock(mutex_);
    for (auto& [uid, worker] : workers_)
      if (worker->pod_namespace() == name) worker->source_changed();
  }

  void schedule(const Json& pod) {
    if (find_path(pod, "metadata/deletionTimestamp") != nullptr) return;
    if (string_at(pod, "spec/schedulerName", "default-scheduler") != "default-scheduler") return;
    const std::string ns = string_at(pod, "metadata/namespace"), name = string_at(pod, "metadata/name");
    {
      // Before the look: what makes room right after it finds the pod waiting.
      const std::lock_guard lock(mutex_);
      pending_[string_at(pod, "metadata/uid")] = {ns, name};
    }
    const auto refusal = bind_if_it_fits(pod, ns, name);
    if (!refusal) return;
    Json marked = pod;
    if (!mark_unschedulable(marked, *refusal)) return;
    // First the Event, as the scheduler does: who sees the condition finds it.
    api_.record_event(pod, "Warning", "FailedScheduling", *refusal, "default-scheduler");
    (void)api_
        .mutate(
            "pods", ns, name, [&](Json& object) { return mark_unschedulable(object, *refusal); }, "status")
        .ok();
  }

  std::optional<std::string> bind_if_it_fits(const Json& pod, const std::string& ns, const std::string& name) {
    const std::lock_guard one_at_a_time(room_mutex_);
    auto refusal = why_unschedulable(api_, pod, labels_, options_.name, room_);
    if (refusal) return refusal;
    if (!api_.bind_pod(ns, name, options_.name)) return std::nullopt;
    room_.take(pod);
    api_.record_event(pod, "Normal", "Scheduled",
                      fmt::format("Successfully assigned {}/{} to {}", ns, name, options_.name), "default-scheduler");
    return std::nullopt;
  }

  void take_room(const Json& pod) {
    const std::lock_guard lock(room_mutex_);
    room_.take(pod);
  }
  // Others may be waiting for it.
  void give_back(const std::string& uid) {
    {
      const std::lock_guard lock(room_mutex_);
      if (!room_.release(uid)) return;
    }
    retry_pending();
  }

  bool mark_unschedulable(Json& pod, const std::string& message) {
    Json& conditions = pod["status"]["conditions"];
    if (!conditions.is_array()) conditions = Json::array();
    for (auto it = conditions.begin(); it != conditions.end(); ++it) {
      if (string_at(*it, "type") != "PodScheduled") continue;
      if (string_at(*it, "message") == message) return false;
      conditions.erase(it);
      break;
    }
    conditions.push_back({{"type", "PodScheduled"},
                          {"status", "False"},
                          {"lastProbeTime", nullptr},
                          {"lastTransitionTime", format_rfc3339(clock_.system_now())},
                          {"reason", "Unschedulable"},
                          {"message", message}});
    return true;
  }

  void retry_pending() {
    std::map<std::string, std::pair<std::string, std::string>> pending;
    {
      const std::lock_guard lock(mutex_);
      pending = pending_;
    }
    std::vector<Object> waiting;
    for (const auto& [uid, key] : pending)
      if (auto pod = api_.get("pods", key.first, key.second); pod && string_at(**pod, "spec/nodeName").empty())
        waiting.push_back(*pod);
    // Whoever matters more, then whoever waits longer.
    const auto rank = [](const Object& pod) {
      return std::pair(-int_at(*pod, "spec/priority").value_or(0), string_at(*pod, "metadata/creationTimestamp"));
    };
    std::stable_sort(waiting.begin(), waiting.end(),
                     [&](const Object& left, const Object& right) { return rank(left) < rank(right); });
    for (const Object& pod : waiting) schedule(*pod);
  }

  Api& api_;
  const NodeOptions options_;
  const RealClock clock_;
  const Images images_;
  const NodeFacts facts_;
  const Json labels_;
  Isolation isolation_;
  PodSockets sockets_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<PodWorker>> workers_;           // by uid
  std::map<std::string, std::pair<std::string, std::string>> pending_;  // uid -> namespace, name
  std::mutex room_mutex_;  // held while a pod is bound, so that two never get the same room
  NodeRoom room_;
  std::unique_ptr<NodeHeartbeat> heartbeat_;
  std::vector<std::jthread> threads_;
  Json status_;  // as reported at the start
  std::atomic<bool> silent_{false};
  std::mutex faults_mutex_;
  std::jthread evictor_;
};

}  // namespace

std::unique_ptr<Node> make_node(Api& api, NodeOptions options) {
  return std::make_unique<ProcessNode>(api, std::move(options));
}

}  // namespace fracta::devcluster
