// Api for controllers and the node: the same registry the HTTPS front end uses.
#pragma once

#include <map>
#include <mutex>

#include "devcluster/server/registry.hpp"
#include "devcluster/server/token_signer.hpp"

namespace fracta::devcluster {

class InProcessApi final : public Api {
 public:
  // `manager`: the writer's name in metadata.managedFields.
  InProcessApi(Registry& registry, const TokenSigner& signer, std::string manager = "kube-controller-manager")
      : registry_(registry), signer_(signer), manager_(std::move(manager)) {}

  Result<Object> get(ResourceName resource, std::string_view ns, std::string_view name) const override;
  std::vector<Object> list(ResourceName resource, std::string_view ns, std::string_view label_selector) const override;
  Result<Object> create(ResourceName resource, std::string_view ns, Json object) override;
  Result<Object> update(ResourceName resource, std::string_view ns, std::string_view name, Json object,
                        std::string_view subresource) override;
  Result<Object> mutate(ResourceName resource, std::string_view ns, std::string_view name,
                        const std::function<bool(Json&)>& change, std::string_view subresource) override;
  Result<void> remove(ResourceName resource, std::string_view ns, std::string_view name,
                      const RemoveOptions& options) override;
  Result<void> bind_pod(std::string_view ns, std::string_view pod, std::string_view node) override;
  Result<Object> create_token(std::string_view ns, std::string_view service_account, Json request) override;
  void watch(ResourceName resource, const std::function<void(const StoreEvent&)>& on_event,
             const std::stop_token& stop) override;
  void record_event(const Json& involved_object, std::string_view type, std::string_view reason,
                    std::string_view message, std::string_view component) override;

 private:
  Registry& registry_;
  const TokenSigner& signer_;
  const std::string manager_;
  std::mutex events_mutex_;
  std::map<std::string, std::string> events_;  // aggregation key -> name of the Event
};

// Decodes and defaults an object that came as a value.
Outcome<Json> adopt(const Kind& kind, const Json& object);

}  // namespace fracta::devcluster
