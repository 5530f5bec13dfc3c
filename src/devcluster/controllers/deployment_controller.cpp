// Deployment (pkg/controller/deployment of Kubernetes 1.26): one ReplicaSet for each template it has had, pods moved
// from the old ones to the new one as the strategy says.
#include <fmt/format.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "devcluster/controllers/controller.hpp"
#include "devcluster/controllers/deployment_state.hpp"
#include "devcluster/controllers/owned_pods.hpp"
#include "devcluster/controllers/replica_set_state.hpp"
#include "devcluster/store/selector.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {
namespace {

constexpr std::string_view kDeployments = "deployments.apps", kSets = "replicasets.apps";
constexpr std::string_view kComponent = "deployment-controller";

// One look at a Deployment and its ReplicaSets.
struct View {
  std::string key, ns, name, uid;
  Json deployment;
  std::vector<Json> old_sets;
  std::optional<Json> fresh;  // the set of the current template

  [[nodiscard]] std::vector<Json> all() const {
    std::vector<Json> result = old_sets;
    if (fresh) result.push_back(*fresh);
    return result;
  }
};

class DeploymentController final : public Controller {
 public:
  explicit DeploymentController(Api& api) : Controller(api), pods_(api, "ReplicaSet") {}
  ~DeploymentController() override { stop(); }

 private:
  std::vector<Watch> watches() override {
    return {{std::string(kDeployments), [this](const StoreEvent& event) { queue_.add(key_of(*event.object)); }},
            {std::string(kSets), [this](const StoreEvent& event) { on_set(event); }},
            {"pods", [this](const StoreEvent& event) { on_pod(event); }}};
  }

  void on_set(const StoreEvent& event) {
    const std::string ns = string_at(*event.object, "metadata/namespace");
    for (const Object& set : {event.object, event.previous})
      if (set)
        if (const std::string owner = controller_name(*set, "Deployment"); !owner.empty()) queue_.add(ns + "/" + owner);
    if (event.type == EventType::kDeleted || !controller_uid(*event.object).empty()) return;
    for (const auto& candidate : api_.list(kDeployments, ns))
      if (selects(*candidate, *event.object)) queue_.add(key_of(*candidate));
  }

  // Strategy Recreate waits for the last pod to go.
  void on_pod(const StoreEvent& event) {
    const auto sets = pods_.observe(event);
    if (event.type != EventType::kDeleted) return;
    for (const auto& key : sets) {
      const auto [ns, name] = split_key(key);
      if (const auto set = api_.get(kSets, ns, name))
        if (const std::string owner = controller_name(**set, "Deployment"); !owner.empty())
          queue_.add(ns + "/" + owner);
    }
  }

  static bool selects(const Json& deployment, const Json& set) {
    const Json* selector = find_path(deployment, "spec/selector");
    if (selector == nullptr) return false;
    const auto parsed = LabelSelector::from_object(*selector);
    const Json* labels = find_path(set, "metadata/labels");
    return parsed.ok() && !parsed->empty() && parsed->matches(labels == nullptr ? Json() : *labels);
  }

  bool sync(const std::string& key) override {
    const auto [ns, name] = split_key(key);
    const auto found = api_.get(kDeployments, ns, name);
    if (!found) return true;
    View view{key, ns, name, string_at(**found, "metadata/uid"), **found, {}, std::nullopt};
    claim(view);
    if (is_deleted(view.deployment)) return put_status(view, false);
    if (!note_pause(view) || !refresh(view)) return false;
    if (bool_at(view.deployment, "spec/paused") || is_scaled(view)) {
      if (!scale(view)) return false;
      if (bool_at(view.deployment, "spec/paused") && !clean_up(view)) return false;
      return put_status(view, false);
    }
    return is_rolling_update(view.deployment) ? roll(view) : recreate(view);
  }

  // Sorts the sets into old and fresh; adopts what belongs to nobody, lets go what no longer matches.
  void claim(View& view) {
    std::vector<Json> sets;
    const Json owner = controller_reference(view.deployment, "apps/v1", "Deployment");
    for (const auto& set : api_.list(kSets, view.ns)) {
      const std::string uid = controller_uid(*set), name = string_at(*set, "metadata/name");
      const bool matches = selects(view.deployment, *set);
      if (uid == view.uid && matches) {
        sets.push_back(*set);
      } else if (uid == view.uid) {
        (void)api_.mutate(kSets, view.ns, name, [&](Json& object) { return release_object(object, view.uid); });
      } else if (uid.empty() && matches && !is_deleted(view.deployment)) {
        const auto adopted =
            api_.mutate(kSets, view.ns, name, [&](Json& object) { return adopt_object(object, owner); });
        if (adopted.ok() && controller_uid(**adopted) == view.uid) sets.push_back(**adopted);
      }
    }
    sort_by_creation(sets);
    for (auto& set : sets) {
      const bool current = same_template(set["spec"]["template"], view.deployment["spec"]["template"]);
      if (current && !view.fresh)
        view.fresh = std::move(set);
      else
        view.old_sets.push_back(std::move(set));
    }
  }

  // Status with the view's annotations and status, as the API server stores it.
  bool write(View& view) {
    const auto written = api_.mutate(
        kDeployments, view.ns, view.name,
        [&](Json& object) {
          if (string_at(object, "metadata/uid") != view.uid) return false;
          const Json before = object;
          if (const std::string revision = annotation(view.deployment, kRevision); !revision.empty())
            object["metadata"]["annotations"][kRevision] = revision;
          object["status"] = view.deployment["status"];
          return object != before;
        },
        "status");
    return written.ok() || written.error().code == ErrorCode::kNotFound;
  }

  // A pause stops the clock of progressDeadlineSeconds; the condition says so.
  bool note_pause(View& view) {
    if (!has_progress_deadline(view.deployment)) return true;
    Json& status = view.deployment["status"];
    if (!status.is_object()) status = Json::object();
    const Json* condition = find_condition(status, "Progressing");
    const std::string reason = condition == nullptr ? "" : string_at(*condition, "reason");
    const bool paused = bool_at(view.deployment, "spec/paused");
    if (reason == "ProgressDeadlineExceeded" || paused == (reason == "DeploymentPaused")) return true;
    put_condition(status, "Progressing", "Unknown", paused ? "DeploymentPaused" : "DeploymentResumed",
                  paused ? "Deployment is paused" : "Deployment is resumed", clock_.system_now());
    return write(view);
  }

  // The fresh set's annotations follow the Deployment's, the Deployment's revision follows the set's.
  bool refresh(View& view) {
    if (!view.fresh) return true;
    const std::int64_t revision = max_revision(view.old_sets) + 1;
    if (Json probe = *view.fresh; refresh_replica_set(view.deployment, probe, revision)) {
      if (!change_set(view, *view.fresh,
                      [&](Json& set) { return refresh_replica_set(view.deployment, set, revision); }))
        return false;
    }
    bool changed = set_revision(view, annotation(*view.fresh, kRevision));
    Json& status = view.deployment["status"];
    if (has_progress_deadline(view.deployment) && find_condition(status, "Progressing") == nullptr) {
      put_condition(status, "Progressing", "True", "FoundNewReplicaSet",
                    fmt::format("Found new replica set \"{}\"", string_at(*view.fresh, "metadata/name")),
                    clock_.system_now());
      changed = true;
    }
    return !changed || write(view);
  }

  static bool set_revision(View& view, const std::string& revision) {
    if (annotation(view.deployment, kRevision) == revision) return false;
    view.deployment["metadata"]["annotations"][kRevision] = revision;
    return true;
  }

  bool change_set(const View& view, Json& set, const std::function<bool(Json&)>& change) {
    const auto changed = api_.mutate(kSets, view.ns, string_at(set, "metadata/name"), change);
    if (!changed) return false;
    set = **changed;
    return true;
  }

  bool create_set(View& view) {
    const std::int64_t collisions = int_at(view.deployment, "status/collisionCount").value_or(0);
    const std::string hash = template_hash(view.deployment["spec"]["template"], collisions);
    const std::int64_t replicas = new_set_replicas(view.deployment, view.old_sets, 0);
    const std::int64_t revision = max_revision(view.old_sets) + 1;
    const Json wanted = make_replica_set(view.deployment, hash, replicas, revision);
    const std::string set_name = string_at(wanted, "metadata/name");
    auto made = api_.create(kSets, view.ns, wanted);
    Json& status = view.deployment["status"];
    const auto now = clock_.system_now();
    if (!made && made.error().code == ErrorCode::kAlreadyExists) {
      // It was not among the view's sets: the hash is somebody else's.
      status["collisionCount"] = collisions + 1;
      (void)write(view);
      return false;
    }
    if (!made) {
      if (made.error().message.find("being terminated") != std::string::npos) return true;
      const std::string message =
          fmt::format("Failed to create new replica set \"{}\": {}", set_name, made.error().message);
      if (has_progress_deadline(view.deployment)) {
        put_condition(status, "Progressing", "False", "ReplicaSetCreateError", message, now);
        (void)write(view);
      }
      api_.record_event(view.deployment, "Warning", "ReplicaSetCreateError", message, kComponent);
      return false;
    }
    view.fresh = **made;
    if (replicas > 0)
      api_.record_event(view.deployment, "Normal", "ScalingReplicaSet",
                        fmt::format("Scaled up replica set {} to {}", set_name, replicas), kComponent);
    (void)set_revision(view, std::to_string(revision));
    if (has_progress_deadline(view.deployment))
      put_condition(status, "Progressing", "True", "NewReplicaSetCreated",
                    fmt::format("Created new replica set \"{}\"", set_name), now);
    return write(view);
  }

  bool is_scaled(const View& view) {
    const auto sets = view.all();
    return std::any_of(sets.begin(), sets.end(), [&](const Json& set) {
      const auto size = annotated_size(set);
      return is_active_set(set) && size && *size != wanted_replicas(view.deployment);
    });
  }

  bool resize(const View& view, Json& set, std::int64_t size) {
    const std::int64_t before = wanted_replicas(set);
    if (Json probe = set; before == size && !set_size_annotations(view.deployment, probe)) return true;
    const bool ok = change_set(view, set, [&](Json& object) {
      object["spec"]["replicas"] = size;
      (void)set_size_annotations(view.deployment, object);
      return true;
    });
    if (ok && before != size)
      api_.record_event(view.deployment, "Normal", "ScalingReplicaSet",
                        fmt::format("Scaled {} replica set {} to {} from {}", before < size ? "up" : "down",
                                    string_at(set, "metadata/name"), size, before),
                        kComponent);
    return ok;
  }
  // As resize(), but a set of the right size is left alone altogether.
  bool resize_if_needed(const View& view, Json& set, std::int64_t size) {
    return wanted_replicas(set) == size || resize(view, set, size);
  }

  // The Deployment was scaled, or is paused: sizes change without moving pods between sets.
  bool scale(View& view) {
    std::vector<Json*> active;
    for (auto& set : view.old_sets)
      if (is_active_set(set)) active.push_back(&set);
    if (view.fresh && is_active_set(*view.fresh)) active.push_back(&*view.fresh);
    if (active.empty() && view.fresh) active.push_back(&*view.fresh);
    if (active.empty() && !view.old_sets.empty()) active.push_back(&view.old_sets.back());
    if (active.empty()) return true;
    if (active.size() == 1) return resize_if_needed(view, *active[0], wanted_replicas(view.deployment));
    if (view.fresh && is_saturated(view.deployment, *view.fresh)) {
      bool ok = true;
      for (auto& set : view.old_sets) ok = resize_if_needed(view, set, 0) && ok;
      return ok;
    }
    return !is_rolling_update(view.deployment) || scale_in_proportion(view, active);
  }

  bool scale_in_proportion(const View& view, std::vector<Json*>& active) {
    const auto sizes = proportional_sizes(view.deployment, active);
    for (std::size_t i = 0; i < active.size(); ++i)
      if (!resize(view, *active[i], sizes[i])) return false;
    return true;
  }

  bool recreate(View& view) {
    bool resized = false;
    for (auto& set : view.old_sets) {
      if (!is_active_set(set)) continue;
      if (!resize(view, set, 0)) return false;
      resized = true;
    }
    if (resized || old_pods_remain(view)) return put_status(view, true);
    if (!view.fresh && !create_set(view)) return false;
    if (view.fresh && !resize_if_needed(view, *view.fresh, wanted_replicas(view.deployment))) return false;
    return finish(view);
  }

  bool old_pods_remain(const View& view) {
    if (status_sum(view.old_sets, "replicas") > 0) return true;
    for (const auto& set : view.old_sets)
      for (const auto& pod : pods_.pods_of(key_of(set))) {
        const std::string phase = string_at(*pod, "status/phase");
        if (controller_uid(*pod) == string_at(set, "metadata/uid") && phase != "Succeeded" && phase != "Failed")
          return true;
      }
    return false;
  }

  bool roll(View& view) {
    if (!view.fresh && !create_set(view)) return false;
    if (!view.fresh) return true;  // the namespace is going away
    const std::int64_t size = wanted_replicas(*view.fresh), wanted = wanted_replicas(view.deployment);
    const std::int64_t target = size > wanted ? wanted : new_set_replicas(view.deployment, view.all(), size);
    if (size != wanted && target != size) return resize(view, *view.fresh, target) && put_status(view, true);
    if (shrink_old(view)) return put_status(view, true);
    return finish(view);
  }

  // Pods that are not available first: they serve nobody. Then as many as availability allows.
  bool shrink_old(View& view) {
    const std::int64_t minimum = wanted_replicas(view.deployment) - max_unavailable(view.deployment);
    const std::int64_t fresh_unavailable =
        wanted_replicas(*view.fresh) - int_at(*view.fresh, "status/availableReplicas").value_or(0);
    const std::int64_t most = spec_replicas(view.all()) - minimum - fresh_unavailable;
    if (spec_replicas(view.old_sets) == 0 || most <= 0) return false;
    std::int64_t gone = 0;
    const auto shrink = [&](Json& set, std::int64_t by) {
      if (by <= 0) return true;
      gone += by;
      return resize(view, set, wanted_replicas(set) - by);
    };
    for (auto& set : view.old_sets) {
      const std::int64_t size = wanted_replicas(set);
      const std::int64_t sick = size - int_at(set, "status/availableReplicas").value_or(0);
      if (!shrink(set, std::min({most - gone, sick, size}))) return true;
    }
    // Never more than `most`, which counts what is wanted: a set just made smaller may not have said so in its status.
    std::int64_t left = std::min(status_sum(view.all(), "availableReplicas") - minimum, most - gone);
    for (auto& set : view.old_sets) {
      const std::int64_t by = std::min(wanted_replicas(set), left);
      if (!shrink(set, by)) return true;
      left -= std::max<std::int64_t>(by, 0);
    }
    return gone > 0;
  }

  bool finish(View& view) {
    if (const Json* status = find(view.deployment, "status");
        status != nullptr && is_complete(view.deployment, *status) && !clean_up(view))
      return false;
    return put_status(view, true);
  }

  // Old sets beyond revisionHistoryLimit go, the lowest revisions first.
  bool clean_up(const View& view) {
    const auto limit = int_at(view.deployment, "spec/revisionHistoryLimit");
    if (!limit) return true;
    std::vector<Json> sets;
    for (const auto& set : view.old_sets)
      if (!is_deleted(set)) sets.push_back(set);
    std::stable_sort(sets.begin(), sets.end(),
                     [](const Json& a, const Json& b) { return revision_of(a) < revision_of(b); });
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(sets.size()) - *limit; ++i) {
      const Json& set = sets[static_cast<std::size_t>(i)];
      if (is_active_set(set) || int_at(set, "status/replicas").value_or(0) != 0 ||
          int_at(set, "metadata/generation").value_or(0) > int_at(set, "status/observedGeneration").value_or(0))
        continue;
      RemoveOptions options;
      options.propagation = "Background";
      const auto removed = api_.remove(kSets, view.ns, string_at(set, "metadata/name"), options);
      if (!removed.ok() && removed.error().code != ErrorCode::kNotFound) return false;
    }
    return true;
  }

  bool put_status(View& view, bool rollout) {
    const auto now = clock_.system_now();
    Json status = deployment_status(view.deployment, view.old_sets, view.fresh, now);
    if (rollout) judge_progress(view.deployment, view.old_sets, view.fresh, status, now);
    const Json* before = find(view.deployment, "status");
    if (before == nullptr || *before != status) {
      view.deployment["status"] = std::move(status);
      return write(view);
    }
    if (rollout) wake_for_deadline(view, now);
    return true;
  }

  // Nothing moves: look again when the deadline passes.
  void wake_for_deadline(const View& view, SystemTime now) {
    const Json* condition = find_condition(view.deployment["status"], "Progressing");
    if (!has_progress_deadline(view.deployment) || condition == nullptr ||
        is_complete(view.deployment, view.deployment["status"]) ||
        string_at(*condition, "reason") == "ProgressDeadlineExceeded")
      return;
    const auto updated = parse_rfc3339(string_at(*condition, "lastUpdateTime")).value_or(now);
    const auto at = updated + std::chrono::seconds{*int_at(view.deployment, "spec/progressDeadlineSeconds") + 1};
    queue_.add(view.key, std::chrono::ceil<std::chrono::milliseconds>(
                             std::max(at - now, SystemTime::duration{std::chrono::milliseconds{200}})));
  }

  PodIndex pods_;
};

}  // namespace

std::unique_ptr<Controller> make_deployment_controller(Api& api) { return std::make_unique<DeploymentController>(api); }

}  // namespace fracta::devcluster
