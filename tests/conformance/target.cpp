#include "conformance/target.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <cstdlib>

#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"
#include "fracta/devcluster/devcluster.hpp"

namespace fracta::conformance {

namespace {

constexpr const char* kImage = "busybox:1";

class DevclusterServers final : public Servers {
 public:
  explicit DevclusterServers(std::unique_ptr<devcluster::DevCluster> cluster) : cluster_(std::move(cluster)) {}
  std::string kubeconfig() const override { return cluster_->kubeconfig(); }
  bool has_node() const override { return true; }

 private:
  std::unique_ptr<devcluster::DevCluster> cluster_;
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<net::Response> ask(Target& target, const std::string& path) {
  net::Request request;
  request.target = path;
  auto token = target.token();
  if (!token) return token.error();
  if (!token->empty()) request.headers.set("Authorization", "Bearer " + *token);
  return target.transport->request(request, {});
}

Result<Json> get(Target& target, const std::string& path) {
  auto response = ask(target, path);
  if (!response) return response.error();
  if (response->status != 200) return make_error(ErrorCode::kNotFound, path + ": " + std::to_string(response->status));
  return parse_json(response->body);
}

// A controller manager fills the default namespace with a service account; a kubelet keeps its node ready; streamed
// lists need an etcd that tells its progress.
void find_features(Target& target) {
  const auto deadline = target.clock.steady_now() + std::chrono::seconds(target.servers ? 30 : 5);
  while (target.clock.steady_now() < deadline) {
    if (get(target, "/api/v1/namespaces/default/serviceaccounts/default").ok()) {
      target.features.insert("controllers");
      break;
    }
    wait_for({}, std::chrono::milliseconds(100));
  }
  const auto streamed = ask(target,
                            "/api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=1&sendInitialEvents=true&"
                            "allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan");
  if (streamed.ok() && streamed->body.find("initial-events-end") != std::string::npos)
    target.features.insert("watchlist");
  const auto has_ready_node = [&target] {
    const auto nodes = get(target, "/api/v1/nodes");
    if (!nodes) return false;
    for (const Json& node : nodes->value("items", Json::array())) {
      for (const Json& condition : node.value("status", Json::object()).value("conditions", Json::array())) {
        if (string_at(condition, "type") == "Ready" && string_at(condition, "status") == "True") return true;
      }
    }
    return false;
  };
  const bool expected = target.servers && target.servers->has_node();
  const auto node_deadline = target.clock.steady_now() + std::chrono::seconds(expected ? 90 : 0);
  do {
    if (has_ready_node()) {
      target.features.insert({"kubelet", "scheduler"});
      return;
    }
    wait_for({}, std::chrono::milliseconds(100));
  } while (target.clock.steady_now() < node_deadline);
  if (expected) fmt::print(stderr, "no node was ready within 90 s: cases that need one are skipped\n");
}

}  // namespace

Result<std::string> Target::token() { return config.token ? config.token->token({}) : Result<std::string>(""); }

Result<std::unique_ptr<Servers>> start_devcluster() {
  devcluster::Options options;
  options.images = {{kImage, "/"}};
  options.any_image_is_host = false;  // other images are not there, as on any node
  auto created = devcluster::DevCluster::create(std::move(options));
  if (!created) return created.error();
  FRACTA_TRY((*created)->start());
  return std::unique_ptr<Servers>(std::make_unique<DevclusterServers>(std::move(*created)));
}

Result<std::unique_ptr<Target>> open_target() {
  auto target = std::make_unique<Target>();
  std::string kubeconfig = environment("FRACTA_TEST_KUBECONFIG");
  if (kubeconfig.empty()) {
    const std::string assets = environment("KUBEBUILDER_ASSETS");
    target->devcluster = assets.empty();
    auto servers = assets.empty() ? start_devcluster() : start_assets(assets);
    if (!servers) return servers.error();
    target->servers = std::move(*servers);
    kubeconfig = target->servers->kubeconfig();
  }
  auto config = kube::load_client_config({.kubeconfig = kubeconfig, .context = ""}, target->clock);
  if (!config) return config.error();
  target->config = std::move(*config);
  net::TransportOptions options;
  options.tls = target->config.tls;
  auto transport = net::make_http_transport(target->config.server, options);
  if (!transport) return transport.error();
  target->transport = std::move(*transport);
  options.tls.certificate_pem.clear();
  options.tls.key_pem.clear();
  auto without = net::make_http_transport(target->config.server, options);
  if (!without) return without.error();
  target->without_identity = std::move(*without);
  target->image = environment("FRACTA_TEST_IMAGE").empty() ? kImage : environment("FRACTA_TEST_IMAGE");

  auto version = get(*target, "/version");
  if (!version) return version.error().with_context("asking for the version");
  std::string minor = string_at(*version, "minor");
  while (!minor.empty() && (minor.back() < '0' || minor.back() > '9')) minor.pop_back();  // "27+"
  target->minor = static_cast<int>(parse_int(minor).value_or(0));
  find_features(*target);
  return target;
}

}  // namespace fracta::conformance
