// Deleting a namespace deletes what is in it, then the namespace (pkg/controller/namespace/deletion).
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "devcluster/controllers/controller.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

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

  // What holds it, in the words of status_condition_utils.go.
  void tell_what_is_left(const std::string& name) {
    std::vector<std::string> resources, finalizers;
    std::map<std::string, std::size_t> held;
    for (const auto resource : kContent) {
      const auto objects = api_.list(resource, name);
      for (const auto& object : objects)
        if (const Json* list = find_path(*object, "metadata/finalizers"); list != nullptr && list->is_array())
          for (const Json& finalizer : *list) ++held[finalizer.get<std::string>()];
      if (objects.empty()) continue;
      const auto dot = resource.find('.');
      resources.push_back(fmt::format("{}.{} has {} resource instances", resource.substr(0, dot),
                                      dot == std::string_view::npos ? "" : resource.substr(dot + 1), objects.size()));
    }
    for (const auto& [finalizer, count] : held)
      finalizers.push_back(fmt::format("{} in {} resource instances", finalizer, count));
    std::sort(resources.begin(), resources.end());
    if (resources.empty()) return;
    const auto change = [&](Json& object) {
      bool changed = false;
      const auto set = [&](const char* type, bool yes, const char* reason, const std::string& message) {
        changed |= set_condition(object, type, yes, reason, message);
      };
      set("NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered", "All resources successfully discovered");
      set("NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions",
          "All legacy kube types successfully parsed");
      set("NamespaceDeletionContentFailure", false, "ContentDeleted",
          "All content successfully deleted, may be waiting on finalization");
      set("NamespaceContentRemaining", true, "SomeResourcesRemain",
          "Some resources are remaining: " + join(resources, ", "));
      if (finalizers.empty())
        set("NamespaceFinalizersRemaining", false, "ContentHasNoFinalizers",
            "All content-preserving finalizers finished");
      else
        set("NamespaceFinalizersRemaining", true, "SomeFinalizersRemain",
            "Some content in the namespace has finalizers remaining: " + join(finalizers, ", "));
      return changed;
    };
    static_cast<void>(api_.mutate("namespaces", "", name, change, "status"));
  }

  static bool set_condition(Json& object, const char* type, bool yes, const char* reason, const std::string& message) {
    Json& list = object["status"]["conditions"];
    if (!list.is_array()) list = Json::array();
    const auto found =
        std::find_if(list.begin(), list.end(), [&](const Json& item) { return string_at(item, "type") == type; });
    const std::string status = yes ? "True" : "False";
    if (found != list.end() && string_at(*found, "status") == status && string_at(*found, "message") == message)
      return false;
    Json condition = {{"type", type},
                      {"status", status},
                      {"reason", reason},
                      {"message", message},
                      {"lastTransitionTime", format_rfc3339(std::chrono::system_clock::now())}};
    if (found != list.end())
      *found = std::move(condition);
    else
      list.push_back(std::move(condition));
    return true;
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
    if (left > 0) tell_what_is_left(name);
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
