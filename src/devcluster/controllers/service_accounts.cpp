// Every namespace gets the ServiceAccount `default` and the ConfigMap kube-root-ca.crt
// (pkg/controller/serviceaccount, certificates/rootcacertpublisher).
#include <nlohmann/json.hpp>

#include "devcluster/controllers/controller.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {
namespace {

class ServiceAccountController final : public Controller {
 public:
  ServiceAccountController(Api& api, std::string root_ca_pem) : Controller(api), root_ca_pem_(std::move(root_ca_pem)) {}
  ~ServiceAccountController() override { stop(); }

 private:
  std::vector<Watch> watches() override {
    const auto of_namespace = [this](const StoreEvent& event) {
      queue_.add(string_at(*event.object, "metadata/name"));
    };
    const auto when_lost = [this](std::string name) {
      return [this, name = std::move(name)](const StoreEvent& event) {
        if (string_at(*event.object, "metadata/name") == name && event.type != EventType::kAdded)
          queue_.add(string_at(*event.object, "metadata/namespace"));
      };
    };
    return {{"namespaces", of_namespace},
            {"serviceaccounts", when_lost("default")},
            {"configmaps", when_lost("kube-root-ca.crt")}};
  }

  bool sync(const std::string& name) override {
    const auto space = api_.get("namespaces", "", name);
    if (!space || is_deleted(**space) || string_at(**space, "status/phase") == "Terminating") return true;
    bool done = true;
    if (!api_.get("serviceaccounts", name, "default"))
      done = made(api_.create("serviceaccounts", name,
                              {{"apiVersion", "v1"},
                               {"kind", "ServiceAccount"},
                               {"metadata", {{"name", "default"}, {"namespace", name}}}}));
    const auto map = api_.get("configmaps", name, "kube-root-ca.crt");
    const Json data{{"ca.crt", root_ca_pem_}};
    if (!map) {
      Json object{{"apiVersion", "v1"},
                  {"kind", "ConfigMap"},
                  {"metadata", {{"name", "kube-root-ca.crt"}, {"namespace", name}}},
                  {"data", data}};
      object["metadata"]["annotations"]["kubernetes.io/description"] =
          "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as "
          "the internal service IP or "
          "kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";
      done = made(api_.create("configmaps", name, std::move(object))) && done;
    } else if (const Json* present = find(**map, "data"); present == nullptr || *present != data) {
      done = made(api_.mutate("configmaps", name, "kube-root-ca.crt",
                              [&](Json& object) {
                                object["data"] = data;
                                return true;
                              })) &&
             done;
    }
    return done;
  }

  static bool made(const Result<Object>& result) {
    return result.ok() || result.error().code == ErrorCode::kAlreadyExists ||
           result.error().code == ErrorCode::kNotFound;
  }

  const std::string root_ca_pem_;
};

}  // namespace

std::unique_ptr<Controller> make_service_account_controller(Api& api, std::string root_ca_pem) {
  return std::make_unique<ServiceAccountController>(api, std::move(root_ca_pem));
}

}  // namespace fracta::devcluster
