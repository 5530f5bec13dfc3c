// Job (pkg/controller/job of Kubernetes 1.26): pods with the tracking finalizer, counted through
// status.uncountedTerminatedPods (succeeded indexes through status.completedIndexes), replaced with back-off.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "devcluster/controllers/controller.hpp"
#include "devcluster/controllers/job_index.hpp"
#include "devcluster/controllers/job_state.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {
namespace {

using std::chrono::seconds;

constexpr std::string_view kComponent = "job-controller";
constexpr seconds kBackoff{10}, kMaxBackoff{360};
constexpr std::int64_t kMaxCreates = 100;  // of one step, so that one Job does not hold up the others

class JobController final : public Controller {
 public:
  explicit JobController(Api& api) : Controller(api) {}
  ~JobController() override { stop(); }

 private:
  // One look at a Job and its pods.
  struct View {
    std::string ns, name, uid;
    Json job;
    std::vector<Object> pods;
    std::vector<Object> active;
    Indexes indexes;                                    // succeeded ones, of an Indexed Job
    std::int64_t succeeded = 0, failed = 0, ready = 0;  // counters include pods not yet in status
  };

  std::vector<Watch> watches() override {
    return {{"jobs.batch", [this](const StoreEvent& event) { queue_.add(key_of(*event.object)); }},
            {"pods", [this](const StoreEvent& event) { on_pod(event); }}};
  }

  void on_pod(const StoreEvent& event) {
    const std::string job = controller_name(*event.object, "Job");
    if (job.empty()) return;
    const std::string ns = string_at(*event.object, "metadata/namespace"), key = ns + "/" + job;
    {
      const std::lock_guard lock(mutex_);
      if (event.type == EventType::kDeleted)
        pods_[key].erase(string_at(*event.object, "metadata/name"));
      else
        pods_[key].insert(string_at(*event.object, "metadata/name"));
    }
    queue_.add(key);
  }

  std::vector<Object> pods_of(const std::string& key, const std::string& ns) {
    std::set<std::string> names;
    {
      const std::lock_guard lock(mutex_);
      const auto found = pods_.find(key);
      if (found == pods_.end()) return {};
      names = found->second;
    }
    std::vector<Object> result;
    for (const auto& name : names)
      if (auto pod = api_.get("pods", ns, name)) result.push_back(*pod);
    return result;
  }

  bool sync(const std::string& key) override {
    View view;
    std::tie(view.ns, view.name) = split_key(key);
    const auto pods = pods_of(key, view.ns);
    const auto found = api_.get("jobs.batch", view.ns, view.name);
    view.uid = found ? string_at(**found, "metadata/uid") : "";
    bool ok = true;
    for (const auto& pod : pods) {
      if (owned_by(*pod, view.uid))
        view.pods.push_back(pod);
      else
        ok = release(*pod) && ok;  // its Job is gone
    }
    if (!found) {
      const std::lock_guard lock(mutex_);
      if (const auto it = pods_.find(key); it != pods_.end() && it->second.empty()) pods_.erase(it);
      failures_.erase(key);
      return ok;
    }
    view.job = **found;
    if (finished_at(view.job) || is_deleted(view.job)) {
      for (const auto& pod : view.pods) ok = release(*pod) && ok;
      return ok;
    }
    count(view);
    return reconcile(key, view) && ok;
  }

  static bool owned_by(const Json& pod, const std::string& uid) {
    const Json* owners = find_path(pod, "metadata/ownerReferences");
    return owners != nullptr && std::any_of(owners->begin(), owners->end(), [&](const Json& o) {
             return bool_at(o, "controller") && string_at(o, "uid") == uid;
           });
  }

  bool release(const Json& pod) {
    if (!has_finalizer(pod, kJobTracking)) return true;
    const auto done = api_.mutate("pods", string_at(pod, "metadata/namespace"), string_at(pod, "metadata/name"),
                                  [](Json& object) { return remove_finalizer(object, kJobTracking); });
    return done.ok() || done.error().code == ErrorCode::kNotFound;
  }

  static bool listed(const Json& status, const char* list, const std::string& uid) {
    const Json* uids = find_path(status, std::string("uncountedTerminatedPods/") + list);
    return uids != nullptr && uids->is_array() && std::find(uids->begin(), uids->end(), Json(uid)) != uids->end();
  }

  // Puts ended pods into status.uncountedTerminatedPods (in the view's job) and sums up.
  void count(View& view) {
    Json& status = view.job["status"];
    if (!status.is_object()) status = Json::object();
    Json& uncounted = status["uncountedTerminatedPods"];
    if (!uncounted.is_object()) uncounted = Json::object();
    const bool indexed = is_indexed(view.job);
    const std::int64_t completions = int_at(view.job, "spec/completions").value_or(0);
    if (indexed) view.indexes = parse_indexes(string_at(status, "completedIndexes"), completions);
    for (const auto& pod : view.pods) {
      const std::string phase = string_at(*pod, "status/phase"), uid = string_at(*pod, "metadata/uid");
      if (is_pod_active(*pod)) {
        view.active.push_back(pod);
        view.ready += is_pod_ready(*pod) ? 1 : 0;
        continue;
      }
      if (!has_finalizer(*pod, kJobTracking)) continue;
      if (indexed && phase == "Succeeded") {  // a set cannot count twice
        if (const auto index = completion_index(*pod); index && *index < completions) view.indexes.insert(*index);
        continue;
      }
      const char* list = phase == "Succeeded" ? "succeeded" : "failed";
      if (phase != "Succeeded" && !match_failure_policy(view.job, *pod).counts) continue;
      if (!listed(status, "succeeded", uid) && !listed(status, "failed", uid)) uncounted[list].push_back(uid);
    }
    const auto size = [&](const char* list) {
      return static_cast<std::int64_t>(uncounted.contains(list) ? uncounted[list].size() : 0);
    };
    if (indexed && !view.indexes.empty()) {
      status["completedIndexes"] = format_indexes(view.indexes);
      status["succeeded"] = view.indexes.size();
    }
    view.succeeded = int_at(status, "succeeded").value_or(0) + size("succeeded");
    view.failed = int_at(status, "failed").value_or(0) + size("failed");
  }

  bool reconcile(const std::string& key, View& view) {
    const auto now = clock_.system_now();
    Json& status = view.job["status"];
    const bool suspended = bool_at(view.job, "spec/suspend");
    if (!suspended && string_at(status, "startTime").empty()) status["startTime"] = format_rfc3339(now);
    bool ok = true;
    auto end =
        judge_job(view.job, view.pods, view.succeeded, view.failed, static_cast<std::int64_t>(view.active.size()), now);
    if (end && end->type == "Failed") {
      ok = fail_active(view);
    } else if (!end) {
      ok = manage(key, view);
      update_suspension(view, suspended, now);
      wake_for_deadline(key, view, now);
    }
    status["active"] = static_cast<std::int64_t>(view.active.size());
    status["ready"] = view.ready;
    return write(view, ok ? end : std::nullopt, now) && ok;
  }

  // The Job is over: what still runs is deleted and counts as failed.
  bool fail_active(View& view) {
    Json& uncounted = view.job["status"]["uncountedTerminatedPods"];
    for (const auto& pod : view.active) {
      if (!remove_pod(view, *pod)) return false;
      uncounted["failed"].push_back(string_at(*pod, "metadata/uid"));
      ++view.failed;
    }
    view.active.clear();
    view.ready = 0;
    return true;
  }

  bool remove_pod(const View& view, const Json& pod) {
    const std::string name = string_at(pod, "metadata/name");
    RemoveOptions options;
    options.propagation = "Background";
    const auto removed = api_.remove("pods", view.ns, name, options);
    if (!removed && removed.error().code != ErrorCode::kNotFound) {
      api_.record_event(view.job, "Warning", "FailedDelete", "Error deleting: " + removed.error().message, kComponent);
      return false;
    }
    api_.record_event(view.job, "Normal", "SuccessfulDelete", "Deleted pod: " + name, kComponent);
    return true;
  }

  bool manage(const std::string& key, View& view) {
    const auto active = static_cast<std::int64_t>(view.active.size());
    const std::int64_t wanted = wanted_pods(view.job, view.succeeded, active);
    // Too many (suspended, or parallelism lowered): these are no failures, so the finalizer goes first.
    if (is_indexed(view.job))
      for (const auto& pod : surplus_pods(view.active, int_at(view.job, "spec/completions").value_or(0)))
        if (!give_up(view, pod)) return false;
    while (static_cast<std::int64_t>(view.active.size()) > wanted)
      if (!give_up(view, view.active.back())) return false;
    if (static_cast<std::int64_t>(view.active.size()) >= wanted) return true;
    if (const auto delay = replacement_delay(key, view.failed); delay.count() > 0) {
      queue_.add(key, delay);
      return true;
    }
    return create_pods(key, view, wanted - static_cast<std::int64_t>(view.active.size()));
  }

  bool give_up(View& view, const Object& given) {
    const Object pod = given;  // `given` may be an element of the list that shrinks
    if (!release(*pod) || !remove_pod(view, *pod)) return false;
    view.ready -= is_pod_ready(*pod) ? 1 : 0;
    view.active.erase(std::find(view.active.begin(), view.active.end(), pod));
    return true;
  }

  bool create_pods(const std::string& key, View& view, std::int64_t missing) {
    const std::int64_t count = std::min(missing, kMaxCreates);
    std::vector<Json> wanted(static_cast<std::size_t>(count), pod_of_job(view.job));
    if (is_indexed(view.job)) {
      const auto indexes =
          pending_indexes(view.indexes, view.active, int_at(view.job, "spec/completions").value_or(0), count);
      wanted.resize(indexes.size());
      for (std::size_t i = 0; i < indexes.size(); ++i) give_index(wanted[i], view.name, indexes[i]);
    }
    for (auto& pod : wanted) {
      auto made = api_.create("pods", view.ns, std::move(pod));
      if (!made) {
        api_.record_event(view.job, "Warning", "FailedCreate", "Error creating: " + made.error().message, kComponent);
        return false;
      }
      const std::string name = string_at(**made, "metadata/name");
      api_.record_event(view.job, "Normal", "SuccessfulCreate", "Created pod: " + name, kComponent);
      view.active.push_back(*made);
      view.pods.push_back(*made);
      const std::lock_guard lock(mutex_);
      pods_[key].insert(name);
    }
    if (missing > count) queue_.add(key);
    return true;
  }

  // The first replacement comes at once, later ones after 10 s, 20 s, ... 6 min.
  std::chrono::milliseconds replacement_delay(const std::string& key, std::int64_t failed) {
    auto& seen = failures_[key];
    const auto now = clock_.steady_now();
    if (failed > seen.count) {
      seconds delay{0};
      for (std::int64_t i = 1; i < failed && delay < kMaxBackoff; ++i)
        delay = delay.count() == 0 ? kBackoff : std::min(delay * 2, kMaxBackoff);
      seen = {failed, now + delay};
    }
    return std::max(std::chrono::milliseconds{0}, std::chrono::ceil<std::chrono::milliseconds>(seen.not_before - now));
  }

  void update_suspension(View& view, bool suspended, SystemTime now) {
    Json& status = view.job["status"];
    if (!set_job_condition(status, "Suspended", suspended, suspended ? "JobSuspended" : "JobResumed",
                           suspended ? "Job suspended" : "Job resumed", now, !suspended))
      return;
    api_.record_event(view.job, "Normal", suspended ? "Suspended" : "Resumed",
                      suspended ? "Job suspended" : "Job resumed", kComponent);
    if (suspended)
      status.erase("startTime");
    else
      status["startTime"] = format_rfc3339(now);
  }

  void wake_for_deadline(const std::string& key, const View& view, SystemTime now) {
    const auto deadline = int_at(view.job, "spec/activeDeadlineSeconds");
    const auto started = parse_rfc3339(string_at(view.job, "status/startTime"));
    if (deadline && started)
      queue_.add(key, std::chrono::ceil<std::chrono::milliseconds>(
                          std::max(*started + seconds{*deadline} - now, SystemTime::duration{1'000'000})));
  }

  // First the uncounted pods, then their finalizers, then the counters: a crash in between counts nothing twice.
  bool write(View& view, const std::optional<JobEnd>& end, SystemTime now) {
    if (!put_status(view)) return false;
    for (const auto& pod : view.pods)
      if ((!is_pod_active(*pod) || end) && !release(*pod)) return false;
    Json& status = view.job["status"];
    for (const char* list : {"succeeded", "failed"}) {
      Json& uncounted = status["uncountedTerminatedPods"];
      if (!uncounted.contains(list)) continue;
      status[list] = int_at(status, list).value_or(0) + static_cast<std::int64_t>(uncounted[list].size());
      uncounted.erase(list);
    }
    if (end) {
      (void)set_job_condition(status, end->type, true, end->reason, end->message, now);
      if (end->type == "Complete") status["completionTime"] = format_rfc3339(now);
    }
    if (!put_status(view)) return false;
    if (end && end->type == "Complete")
      api_.record_event(view.job, "Normal", "Completed", "Job completed", kComponent);
    else if (end)
      api_.record_event(view.job, "Warning", end->reason, end->message, kComponent);
    return true;
  }

  bool put_status(const View& view) {
    Json wanted = *find(view.job, "status");
    if (wanted["active"] == 0) wanted.erase("active");
    const auto written = api_.mutate(
        "jobs.batch", view.ns, view.name,
        [&](Json& object) {
          if (string_at(object, "metadata/uid") != view.uid) return false;
          if (const Json* old = find(object, "status"); old != nullptr && *old == wanted) return false;
          object["status"] = wanted;
          return true;
        },
        "status");
    return written.ok() || written.error().code == ErrorCode::kNotFound;
  }

  struct Failures {
    std::int64_t count = 0;
    SteadyTime not_before{};
  };
  std::map<std::string, Failures> failures_;  // of the working thread
  std::mutex mutex_;
  std::map<std::string, std::set<std::string>> pods_;  // Job key -> names of its pods
};

}  // namespace

std::unique_ptr<Controller> make_job_controller(Api& api) { return std::make_unique<JobController>(api); }

}  // namespace fracta::devcluster
