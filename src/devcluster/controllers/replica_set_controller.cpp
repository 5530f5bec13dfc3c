// ReplicaSet (pkg/controller/replicaset of Kubernetes 1.26): as many active pods as wanted; pods that match the
// selector and belong to nobody are adopted, pods that no longer match are let go.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "devcluster/controllers/controller.hpp"
#include "devcluster/controllers/job_state.hpp"
#include "devcluster/controllers/owned_pods.hpp"
#include "devcluster/controllers/replica_set_state.hpp"
#include "devcluster/store/selector.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {
namespace {

constexpr std::string_view kResource = "replicasets.apps";
constexpr std::string_view kComponent = "replicaset-controller";
constexpr std::size_t kBurst = 500;  // pods of one step

class ReplicaSetController final : public Controller {
 public:
  explicit ReplicaSetController(Api& api) : Controller(api), pods_(api, "ReplicaSet") {}
  ~ReplicaSetController() override { stop(); }

 private:
  std::vector<Watch> watches() override {
    return {{std::string(kResource), [this](const StoreEvent& event) { queue_.add(key_of(*event.object)); }},
            {"pods", [this](const StoreEvent& event) { on_pod(event); }}};
  }

  void on_pod(const StoreEvent& event) {
    for (const auto& key : pods_.observe(event)) queue_.add(key);
    if (event.type == EventType::kDeleted || !controller_uid(*event.object).empty()) return;
    // Somebody may want it.
    const std::string ns = string_at(*event.object, "metadata/namespace");
    for (const auto& candidate : api_.list(kResource, ns))
      if (selects(*candidate, *event.object)) queue_.add(key_of(*candidate));
  }

  static bool selects(const Json& replica_set, const Json& pod) {
    const Json* selector = find_path(replica_set, "spec/selector");
    if (selector == nullptr) return false;
    const auto parsed = LabelSelector::from_object(*selector);
    const Json* labels = find_path(pod, "metadata/labels");
    return parsed.ok() && !parsed->empty() && parsed->matches(labels == nullptr ? Json() : *labels);
  }

  bool sync(const std::string& key) override {
    const auto [ns, name] = split_key(key);
    const auto found = api_.get(kResource, ns, name);
    if (!found) return true;
    const Json& replica_set = **found;
    const std::vector<Object> active = claim(key, replica_set);
    std::string failure;
    if (!is_deleted(replica_set)) failure = manage(key, replica_set, active);
    return put_status(key, replica_set, active, failure) && failure.empty();
  }

  // The active pods that are this set's, after adopting and letting go.
  std::vector<Object> claim(const std::string& key, const Json& replica_set) {
    const std::string uid = string_at(replica_set, "metadata/uid"), ns = split_key(key).first;
    std::vector<Object> active;
    for (const auto& pod : pods_.pods_of(key)) {
      if (!is_pod_active(*pod) || controller_uid(*pod) != uid) continue;
      if (selects(replica_set, *pod))
        active.push_back(pod);
      else
        (void)api_.mutate("pods", ns, string_at(*pod, "metadata/name"),
                          [&](Json& object) { return release_object(object, uid); });
    }
    if (is_deleted(replica_set)) return active;
    const Json owner = controller_reference(replica_set, "apps/v1", "ReplicaSet");
    // Listed, not watched: a watch that is behind would have a pod made although there is one to adopt.
    for (const auto& pod : api_.list("pods", ns)) {
      if (!controller_uid(*pod).empty() || !is_pod_active(*pod) || !selects(replica_set, *pod)) continue;
      const auto adopted = api_.mutate("pods", ns, string_at(*pod, "metadata/name"),
                                       [&](Json& object) { return adopt_object(object, owner); });
      if (adopted.ok() && controller_uid(**adopted) == uid) {
        pods_.add(key, string_at(*pod, "metadata/name"));
        active.push_back(*adopted);
      }
    }
    return active;
  }

  // What went wrong, or empty.
  std::string manage(const std::string& key, const Json& replica_set, std::vector<Object> active) {
    const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(0, wanted_replicas(replica_set)));
    if (active.size() < wanted) return create(key, replica_set, std::min(wanted - active.size(), kBurst));
    order_for_deletion(active);
    active.resize(std::min(active.size() - wanted, kBurst));
    std::string failure;
    for (const auto& pod : active) {
      const std::string name = string_at(*pod, "metadata/name");
      RemoveOptions options;
      options.propagation = "Background";
      const auto removed = api_.remove("pods", string_at(replica_set, "metadata/namespace"), name, options);
      if (removed.ok()) {
        api_.record_event(replica_set, "Normal", "SuccessfulDelete", "Deleted pod: " + name, kComponent);
      } else if (removed.error().code != ErrorCode::kNotFound) {
        failure = removed.error().message;
        api_.record_event(replica_set, "Warning", "FailedDelete", "Error deleting: " + failure, kComponent);
      }
    }
    return failure;
  }

  // In batches that double, so that a quota is not asked five hundred times.
  std::string create(const std::string& key, const Json& replica_set, std::size_t count) {
    std::string failure;
    for (std::size_t batch = 1; count > 0 && failure.empty(); batch *= 2) {
      const std::size_t size = std::min(batch, count);
      count -= size;
      for (std::size_t i = 0; i < size; ++i) {
        const auto made =
            api_.create("pods", string_at(replica_set, "metadata/namespace"), pod_of_replica_set(replica_set));
        if (!made) {
          if (made.error().message.find("being terminated") != std::string::npos) return "";
          failure = made.error().message;
          api_.record_event(replica_set, "Warning", "FailedCreate", "Error creating: " + failure, kComponent);
          continue;
        }
        const std::string name = string_at(**made, "metadata/name");
        pods_.add(key, name);
        api_.record_event(replica_set, "Normal", "SuccessfulCreate", "Created pod: " + name, kComponent);
      }
    }
    return failure;
  }

  bool put_status(const std::string& key, const Json& replica_set, const std::vector<Object>& active,
                  const std::string& failure) {
    const auto [ns, name] = split_key(key);
    const auto now = clock_.system_now();
    const Json status = replica_set_status(replica_set, active, failure, now);
    const auto written = api_.mutate(
        kResource, ns, name,
        [&](Json& object) {
          if (string_at(object, "metadata/uid") != string_at(replica_set, "metadata/uid")) return false;
          if (const Json* old = find(object, "status"); old != nullptr && *old == status) return false;
          object["status"] = status;
          return true;
        },
        "status");
    const std::int64_t min_ready = int_at(replica_set, "spec/minReadySeconds").value_or(0);
    for (const auto& pod : active)
      if (const auto wait = until_available(*pod, min_ready, now); wait && wait->count() > 0) queue_.add(key, *wait);
    return written.ok() || written.error().code == ErrorCode::kNotFound;
  }

  PodIndex pods_;
};

}  // namespace

std::unique_ptr<Controller> make_replica_set_controller(Api& api) {
  return std::make_unique<ReplicaSetController>(api);
}

}  // namespace fracta::devcluster
