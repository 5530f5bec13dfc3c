// Deleting a namespace deletes what is in it, then the namespace (pkg/controller/namespace/deletion).
#include <nlohmann/json.hpp>

#include "devcluster/controllers/controller.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {
namespace {

constexpr std::array<std::string_view, 14> kContent = {"deployments.apps",
                                                       "replicasets.apps",
                                                       "jobs.batch",
                                                       "pods",
                                                       "configmaps",
                                                       "secrets",
                                                       "services",
                                                       "serviceaccounts",
                                                       "persistentvolumeclaims",
                                                       "leases.coordination.k8s.io",
                                                       "roles.rbac.authorization.k8s.io",
                                                       "rolebindings.rbac.authorization.k8s.io",
                                                       "networkpolicies.networking.k8s.io",
                                                       "events"};

class NamespaceController final : public Controller {
 public:
  explicit NamespaceController(Api& api) : Controller(api) {}
  ~NamespaceController() override { stop(); }

 private:
  std::vector<Watch> watches() override {
    return {{"namespaces", [this](const StoreEvent& event) {
               if (event.type != EventType::kDeleted && is_deleted(*event.object))
                 queue_.add(string_at(*event.object, "metadata/name"));
             }}};
  }

  bool sync(const std::string& name) override {
    const auto space = api_.get("namespaces", "", name);
    if (!space || !is_deleted(**space)) return true;
    std::size_t left = 0;
    for (const auto resource : kContent)
      for (const auto& object : api_.list(resource, name)) {
        ++left;
        if (is_deleted(*object)) continue;
        RemoveOptions options;
        options.propagation = "Background";
        (void)api_.remove(resource, name, string_at(*object, "metadata/name"), options).ok();
      }
    if (left > 0) {  // pods take their grace period; nothing tells when the last has gone, so look again
      queue_.add(name, std::chrono::milliseconds{200});
      return true;
    }
    const auto done = api_.mutate(
        "namespaces", "", name,
        [](Json& object) {
          Json* finalizers = const_cast<Json*>(find_path(object, "spec/finalizers"));
          if (finalizers == nullptr || finalizers->empty()) return false;
          finalizers->clear();
          return true;
        },
        "finalize");
    return done.ok() || done.error().code == ErrorCode::kNotFound;
  }
};

}  // namespace

std::unique_ptr<Controller> make_namespace_controller(Api& api) { return std::make_unique<NamespaceController>(api); }

}  // namespace fracta::devcluster
