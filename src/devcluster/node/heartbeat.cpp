#include "devcluster/node/heartbeat.hpp"

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {
namespace {

constexpr std::string_view kLeases = "leases.coordination.k8s.io", kNamespace = "kube-node-lease";
constexpr std::chrono::seconds kInterval{10};
constexpr std::int64_t kDuration = 40;  // seconds

}  // namespace

NodeHeartbeat::NodeHeartbeat(Api& api, std::string node)
    : api_(api), node_(std::move(node)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void NodeHeartbeat::run(const std::stop_token& stop) {
  do renew();
  while (wait_for(stop, kInterval));
}

void NodeHeartbeat::renew() {
  const std::string now = format_rfc3339_micro(clock_.system_now());
  const auto renewed = api_.mutate(kLeases, kNamespace, node_, [&](Json& lease) {
    lease["spec"]["renewTime"] = now;
    return true;
  });
  if (renewed.ok() || renewed.error().code != ErrorCode::kNotFound) return;
  const auto node = api_.get("nodes", "", node_);
  if (!node) return;  // its owner first
  Json lease{{"apiVersion", "coordination.k8s.io/v1"},
             {"kind", "Lease"},
             {"metadata", {{"name", node_}}},
             {"spec", {{"holderIdentity", node_}, {"leaseDurationSeconds", kDuration}, {"renewTime", now}}}};
  lease["metadata"]["ownerReferences"] = Json::array(
      {{{"apiVersion", "v1"}, {"kind", "Node"}, {"name", node_}, {"uid", string_at(**node, "metadata/uid")}}});
  (void)api_.create(kLeases, kNamespace, std::move(lease)).ok();
}

}  // namespace fracta::devcluster
