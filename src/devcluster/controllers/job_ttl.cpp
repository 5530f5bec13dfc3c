// spec.ttlSecondsAfterFinished (pkg/controller/ttlafterfinished): a finished Job is deleted that long after its end.
#include <nlohmann/json.hpp>

#include "devcluster/controllers/controller.hpp"
#include "devcluster/controllers/job_state.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {
namespace {

class JobTtlController final : public Controller {
 public:
  explicit JobTtlController(Api& api) : Controller(api) {}
  ~JobTtlController() override { stop(); }

 private:
  std::vector<Watch> watches() override {
    return {{"jobs.batch", [this](const StoreEvent& event) {
               if (event.type != EventType::kDeleted && int_at(*event.object, "spec/ttlSecondsAfterFinished") &&
                   finished_at(*event.object))
                 queue_.add(key_of(*event.object));
             }}};
  }

  bool sync(const std::string& key) override {
    const auto [ns, name] = split_key(key);
    const auto found = api_.get("jobs.batch", ns, name);
    if (!found || is_deleted(**found)) return true;
    const auto ttl = int_at(**found, "spec/ttlSecondsAfterFinished");
    const auto finished = finished_at(**found);
    if (!ttl || !finished) return true;
    const auto left = *finished + std::chrono::seconds{*ttl} - clock_.system_now();
    if (left.count() > 0) {
      queue_.add(key, std::chrono::ceil<std::chrono::milliseconds>(left));
      return true;
    }
    RemoveOptions options;
    options.propagation = "Foreground";
    options.precondition_uid = string_at(**found, "metadata/uid");
    const auto removed = api_.remove("jobs.batch", ns, name, options);
    return removed.ok() || removed.error().code == ErrorCode::kNotFound || removed.error().code == ErrorCode::kConflict;
  }
};

}  // namespace

std::unique_ptr<Controller> make_job_ttl_controller(Api& api) { return std::make_unique<JobTtlController>(api); }

}  // namespace fracta::devcluster
