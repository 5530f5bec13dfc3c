#include <memory>
#include <vector>

#include "devcluster/controllers/controller.hpp"
#include "devcluster/parts.hpp"

namespace fracta::devcluster {
namespace {

class AllControllers final : public Controllers {
 public:
  AllControllers(Api& api, ControllerOptions options) {
    all_.push_back(make_service_account_controller(api, std::move(options.root_ca_pem)));
    all_.push_back(make_job_controller(api));
    all_.push_back(make_job_ttl_controller(api));
    all_.push_back(make_garbage_collector(api));
    all_.push_back(make_namespace_controller(api));
    all_.push_back(make_claim_binder(api));
    all_.push_back(make_replica_set_controller(api));
    all_.push_back(make_deployment_controller(api));
    all_.push_back(make_resource_quota_controller(api));
  }
  ~AllControllers() override { AllControllers::stop(); }
  void start() override {
    for (auto& controller : all_) controller->start();
  }
  void stop() override {
    for (auto& controller : all_) controller->stop();
  }

 private:
  std::vector<std::unique_ptr<Controller>> all_;
};

}  // namespace

std::unique_ptr<Controllers> make_controllers(Api& api, ControllerOptions options) {
  return std::make_unique<AllControllers>(api, std::move(options));
}

}  // namespace fracta::devcluster
