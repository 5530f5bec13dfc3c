// ResourceQuota (pkg/controller/resourcequota): status.hard follows spec.hard, status.used is counted again whenever
// something came, went or ended. Admission adds to it in between.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "devcluster/admission/quota.hpp"
#include "devcluster/controllers/controller.hpp"
#include "devcluster/schema/kinds.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {
namespace {

// Changes come in crowds; a count looks at every object.
constexpr std::chrono::milliseconds kSettle{100};

class ResourceQuotaController final : public Controller {
 public:
  explicit ResourceQuotaController(Api& api) : Controller(api) {}
  ~ResourceQuotaController() override { stop(); }

 private:
  static bool is_counted(const Kind& kind) { return kind.namespaced && kind.stored && kind.plural != "events"; }

  std::vector<Watch> watches() override {
    std::vector<Watch> result;
    for (const Kind& kind : kinds())
      if (is_counted(kind))
        result.push_back({kind.resource(), [this, &kind](const StoreEvent& event) { observe(kind, event); }});
    return result;
  }

  void observe(const Kind& kind, const StoreEvent& event) {
    const std::string ns = string_at(*event.object, "metadata/namespace");
    if (kind.plural == "resourcequotas") {
      const std::string key = key_of(*event.object);
      {
        const std::lock_guard lock(mutex_);
        if (event.type == EventType::kDeleted)
          quotas_[ns].erase(key);
        else
          quotas_[ns].insert(key);
        if (quotas_[ns].empty()) quotas_.erase(ns);
      }
      if (event.type == EventType::kModified && event.previous && find(*event.object, "spec") != nullptr &&
          event.previous->value("spec", Json()) == (*event.object)["spec"])
        return;  // its own writing
      queue_.add(key);
    }
    const std::set<std::string> quotas = quotas_of(ns);
    if (quotas.empty() || (event.type == EventType::kModified && !changes_usage(kind, event))) return;
    for (const auto& key : quotas) queue_.add(key, kSettle);
  }

  std::set<std::string> quotas_of(const std::string& ns) {
    const std::lock_guard lock(mutex_);
    const auto found = quotas_.find(ns);
    return found == quotas_.end() ? std::set<std::string>() : found->second;
  }

  bool changes_usage(const Kind& kind, const StoreEvent& event) const {
    if (!event.previous ||
        (kind.plural != "pods" && kind.plural != "services" && kind.plural != "persistentvolumeclaims"))
      return false;
    const auto now = clock_.system_now();
    return resources_text(quota_usage(kind, *event.object, now)) !=
           resources_text(quota_usage(kind, *event.previous, now));
  }

  bool sync(const std::string& key) override {
    const auto [ns, name] = split_key(key);
    const auto found = api_.get("resourcequotas", ns, name);
    if (!found) return true;
    const Json& quota = **found;
    const ResourceList hard = resources_at(quota, "spec/hard");
    ResourceList used;
    for (const auto& [resource, quantity] : hard) used.emplace(resource, Quantity::whole(0));
    const auto now = clock_.system_now();
    for (const Kind& kind : kinds()) {
      if (!is_counted(kind) || quota_resources(hard, kind).empty()) continue;
      for (const auto& object : api_.list(kind.resource(), ns)) {
        if (!quota_covers(quota, hard, kind, *object)) continue;
        for (const auto& [resource, quantity] : quota_usage(kind, *object, now))
          if (const auto entry = used.find(resource); entry != used.end()) entry->second += quantity;
      }
    }
    Json status{{"hard", to_json(hard)}, {"used", to_json(used)}};
    if (const Json* old = find(quota, "status"); old != nullptr && *old == status) return true;
    // Not mutate(): when admission charged meanwhile, the count is old.
    Json changed = quota;
    changed["status"] = std::move(status);
    const auto written = api_.update("resourcequotas", ns, name, std::move(changed), "status");
    if (!written.ok() && written.error().code == ErrorCode::kConflict) queue_.add(key, kSettle);
    return written.ok() || written.error().code == ErrorCode::kNotFound || written.error().code == ErrorCode::kConflict;
  }

  std::mutex mutex_;
  std::map<std::string, std::set<std::string>> quotas_;  // namespace -> keys
};

}  // namespace

std::unique_ptr<Controller> make_resource_quota_controller(Api& api) {
  return std::make_unique<ResourceQuotaController>(api);
}

}  // namespace fracta::devcluster
