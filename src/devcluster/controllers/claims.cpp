// PersistentVolumeClaims are bound at once: the node keeps a directory for each.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "devcluster/controllers/controller.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {
namespace {

class ClaimBinder final : public Controller {
 public:
  explicit ClaimBinder(Api& api) : Controller(api) {}
  ~ClaimBinder() override { stop(); }

 private:
  std::vector<Watch> watches() override {
    return {{"persistentvolumeclaims",
             [this](const StoreEvent& event) {
               if (event.type != EventType::kDeleted) queue_.add(key_of(*event.object));
             }},
            {"pods", [this](const StoreEvent& event) {  // the last user gone: a deleted claim may go
               const Json* volumes = find_path(*event.object, "spec/volumes");
               if (event.type != EventType::kDeleted || volumes == nullptr || !volumes->is_array()) return;
               for (const auto& volume : *volumes)
                 if (const auto claim = string_at(volume, "persistentVolumeClaim/claimName"); !claim.empty())
                   queue_.add(string_at(*event.object, "metadata/namespace") + "/" + claim);
             }}};
  }

  bool sync(const std::string& key) override {
    const auto [ns, name] = split_key(key);
    const auto found = api_.get("persistentvolumeclaims", ns, name);
    if (!found) return true;
    const Json& claim = **found;
    if (is_deleted(claim)) return release(ns, name, claim);
    if (string_at(claim, "status/phase") == "Bound") return true;
    const std::string volume = "pvc-" + string_at(claim, "metadata/uid");
    const auto named = api_.mutate("persistentvolumeclaims", ns, name, [&](Json& object) {
      if (!string_at(object, "spec/volumeName").empty()) return false;
      object["spec"]["volumeName"] = volume;
      return true;
    });
    const auto bound = api_.mutate(
        "persistentvolumeclaims", ns, name,
        [&](Json& object) {
          object["status"]["phase"] = "Bound";
          if (const Json* modes = find_path(object, "spec/accessModes")) object["status"]["accessModes"] = *modes;
          if (const Json* storage = find_path(object, "spec/resources/requests"))
            object["status"]["capacity"] = *storage;
          return true;
        },
        "status");
    (void)named.ok();  // a claim without a volume's name is as good: nobody looks the volume up
    return bound.ok() || bound.error().code == ErrorCode::kNotFound;
  }

  // kubernetes.io/pvc-protection: a claim goes when no pod uses it any more.
  bool release(const std::string& ns, const std::string& name, const Json& claim) {
    if (!has_finalizer(claim, "kubernetes.io/pvc-protection")) return true;
    for (const auto& pod : api_.list("pods", ns)) {
      const Json* volumes = find_path(*pod, "spec/volumes");
      const std::string phase = string_at(*pod, "status/phase");
      if (volumes == nullptr || !volumes->is_array() || phase == "Succeeded" || phase == "Failed") continue;
      for (const auto& volume : *volumes)
        if (string_at(volume, "persistentVolumeClaim/claimName") == name) return true;
    }
    const auto done = api_.mutate("persistentvolumeclaims", ns, name, [](Json& object) {
      return remove_finalizer(object, "kubernetes.io/pvc-protection");
    });
    return done.ok() || done.error().code == ErrorCode::kNotFound;
  }
};

}  // namespace

std::unique_ptr<Controller> make_claim_binder(Api& api) { return std::make_unique<ClaimBinder>(api); }

}  // namespace fracta::devcluster
