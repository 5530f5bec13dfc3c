// Wires store, API server, controllers and node together, in the order they need each other.
#include "fracta/devcluster/devcluster.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "devcluster/auth/authorizer.hpp"
#include "devcluster/faults/fault_book.hpp"
#include "devcluster/front/front.hpp"
#include "devcluster/parts.hpp"
#include "devcluster/server/in_process_api.hpp"
#include "fracta/base/clock.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/yaml.hpp"
#include "fracta/net/certificates.hpp"
#include "fracta/net/http_server.hpp"

namespace fracta::devcluster {

namespace {

constexpr std::chrono::seconds kStopDeadline{5};

// The secrets of a cluster; kept in its data directory so that a restart does not lock its users out.
struct Identity {
  net::KeyPair authority;
  std::string admin_token;
  std::string signing_key;
};

Result<std::string> read_or_make(const std::string& path, const std::function<Result<std::string>()>& make) {
  if (auto text = read_file(path); text.ok()) return text;
  auto made = make();
  if (!made) return made;
  FRACTA_TRY(write_file_atomic(path, *made));
  return made;
}

Result<Identity> load_identity(const std::string& directory) {
  Identity identity;
  auto certificate = read_file(directory + "/ca.crt");
  auto key = read_file(directory + "/ca.key");
  if (certificate.ok() && key.ok()) {
    identity.authority = {*certificate, *key};
  } else {
    auto made = net::make_certificate_authority("fracta-devcluster-ca");
    if (!made) return made.error();
    identity.authority = *made;
    FRACTA_TRY(write_file_atomic(directory + "/ca.crt", made->certificate_pem));
    FRACTA_TRY(write_file_atomic(directory + "/ca.key", made->key_pem));
  }
  auto token = read_or_make(directory + "/admin.token", [] { return Result<std::string>(random_hex(32)); });
  if (!token) return token.error();
  identity.admin_token = std::string(trim(*token));
  auto signing = read_or_make(directory + "/sa.key", []() -> Result<std::string> {
    auto signer = TokenSigner::create("");
    if (!signer) return signer.error();
    return (*signer)->key_pem();
  });
  if (!signing) return signing.error();
  identity.signing_key = *signing;
  return identity;
}

Json kubeconfig_of(const std::string& url, const Identity& identity) {
  return {
      {"apiVersion", "v1"},
      {"kind", "Config"},
      {"clusters",
       Json::array(
           {{{"name", "fracta-dev"},
             {"cluster",
              {{"server", url}, {"certificate-authority-data", base64_encode(identity.authority.certificate_pem)}}}}})},
      {"users", Json::array({{{"name", "fracta-dev-admin"}, {"user", {{"token", identity.admin_token}}}}})},
      {"contexts",
       Json::array(
           {{{"name", "fracta-dev"},
             {"context", {{"cluster", "fracta-dev"}, {"user", "fracta-dev-admin"}, {"namespace", "default"}}}}})},
      {"current-context", "fracta-dev"},
      {"preferences", Json::object()}};
}

class Cluster final : public DevCluster {
 public:
  Cluster(Options options, std::optional<TemporaryDirectory> temporary)
      : options_(std::move(options)), temporary_(std::move(temporary)) {}
  ~Cluster() override { Cluster::stop(); }

  Result<void> prepare() {
    FRACTA_TRY(make_directories(options_.data_directory, 0700));
    auto identity = load_identity(options_.data_directory);
    if (!identity) return identity.error();
    identity_ = std::move(*identity);
    auto signer = TokenSigner::create(identity_.signing_key);
    if (!signer) return signer.error();
    signer_ = std::move(*signer);
    api_ = std::make_unique<InProcessApi>(registry_, *signer_);
    node_api_ = std::make_unique<InProcessApi>(registry_, *signer_, "kubelet");
    User admin;
    admin.name = "kubernetes-admin";
    admin.groups = {"system:masters", "system:authenticated"};
    Services services{&registry_, signer_.get(), [this] { return node_ready_.load() ? node_.get() : nullptr; },
                      &faults_};
    front_ = std::make_unique<Front>(std::move(services), std::map<std::string, User>{{identity_.admin_token, admin}});
    if (!temporary_) {
      FRACTA_TRY(store_.keep_in(options_.data_directory + "/journal"));
      forget_processes();
    }
    seed();
    return listen();
  }

  Result<void> start() override {
    if (started_) return {};
    publish_itself();
    server_->start();
    FRACTA_TRY(write_kubeconfig());
    controllers_ = make_controllers(*api_, {identity_.authority.certificate_pem});
    controllers_->start();
    if (options_.run_node) {
      NodeOptions node;
      node.directory = options_.data_directory + "/node";
      FRACTA_TRY(make_directories(node.directory, 0700));
      node.images = options_.images;
      node.any_image_is_host = options_.any_image_is_host;
      node.host_entrypoint = options_.host_entrypoint;
      node.volume_sync = options_.volume_sync;
      node.api_host = options_.host;
      node.api_port = server_->port();
      node.fake = options_.fake_node;
      node_ = node.fake ? make_fake_node(*node_api_, std::move(node)) : make_node(*node_api_, std::move(node));
      node_->start();
      node_ready_ = true;
    }
    started_ = true;
    return options_.faults_file.empty() ? Result<void>{} : load_faults();
  }

  void stop() override {
    faults_.stop();
    // The node first: its pods may still talk to the API while they end.
    if (node_) node_->stop();
    if (controllers_) controllers_->stop();
    if (server_) server_->stop(kStopDeadline);
    started_ = false;
  }

  std::string url() const override { return fmt::format("https://{}", server_->address()); }
  std::string kubeconfig() const override { return options_.kubeconfig_path; }

 private:
  // The processes of pods ended with the cluster that ran them: a kubelet that comes back and finds containers gone
  // says so, and starts again those that may be.
  void forget_processes() {
    for (const auto& pod : api_->list("pods", "", "")) {
      const std::string phase = string_at(*pod, "status/phase");
      const bool never = string_at(*pod, "spec/restartPolicy") == "Never";
      if (string_at(*pod, "spec/nodeName").empty() || phase == "Succeeded" || phase == "Failed") continue;
      const auto lost = [&](Json& object) {
        Json& status = object["status"];
        if (!status.contains("containerStatuses")) return false;
        if (!never) {
          for (const char* list : {"containerStatuses", "initContainerStatuses"}) status.erase(list);
          status["phase"] = "Pending";
          return true;
        }
        status["phase"] = "Failed";
        for (const char* list : {"containerStatuses", "initContainerStatuses"}) {
          if (!status.contains(list)) continue;
          for (Json& container : status[list]) {
            if (container["state"].contains("terminated")) continue;
            container["ready"] = false;
            container["state"] = {{"terminated",
                                   {{"exitCode", 137},
                                    {"reason", "ContainerStatusUnknown"},
                                    {"message", "The container could not be located when the pod was terminated"}}}};
          }
        }
        return true;
      };
      static_cast<void>(api_->mutate("pods", string_at(*pod, "metadata/namespace"), string_at(*pod, "metadata/name"),
                                     lost, "status"));
    }
  }

  Result<void> load_faults() {
    auto text = read_file(options_.faults_file);
    if (!text) return text.error();
    auto source = parse_yaml(*text);
    if (!source) return source.error().with_context(options_.faults_file);
    auto added = faults_.add(*source);
    return added ? Result<void>{} : Result<void>(added.error().with_context(options_.faults_file));
  }

  FaultHooks hooks() {
    FaultHooks hooks;
    hooks.refuse_connections = [this](std::chrono::milliseconds how_long) { server_->refuse_connections(how_long); };
    hooks.set_clock_skew = [this](std::chrono::milliseconds skew) { clock_.set_skew(skew); };
    hooks.set_certificate = [this](const std::string& which) { return serve_certificate(which); };
    hooks.set_node_lost = [this](bool lost) {
      if (node_ready_) node_->set_lost(lost);
    };
    hooks.set_disk_full = [this](bool full) {
      if (node_ready_) node_->set_disk_full(full);
    };
    return hooks;
  }

  // "" and "renewed": one that clients believe; the others are wrong in the way they say.
  Result<void> serve_certificate(const std::string& which) {
    net::KeyPair authority = identity_.authority;
    if (which == "other-authority") {
      auto made = net::make_certificate_authority("somebody-else");
      if (!made) return made.error();
      authority = std::move(*made);
    }
    net::CertificateRequest request = certificate_request();
    if (which == "other-name") {
      request.dns_names = {"somewhere.else.example"};
      request.ip_addresses.clear();
    }
    if (which == "expired") request.lifetime = std::chrono::hours(-1);
    auto certificate = net::issue_certificate(authority, request);
    if (!certificate) return certificate.error();
    const std::lock_guard lock(certificate_mutex_);
    certificate_ = std::move(*certificate);
    return {};
  }

  net::KeyPair certificate() {
    const std::lock_guard lock(certificate_mutex_);
    return certificate_;
  }

  void seed() {
    create_default_policy(registry_);
    for (const char* name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
      static_cast<void>(api_->create("namespaces", "", {{"metadata", {{"name", name}}}}));
    }
    for (const auto& [name, value] :
         {std::pair{"system-cluster-critical", 2'000'000'000}, std::pair{"system-node-critical", 2'000'001'000}}) {
      static_cast<void>(
          api_->create("priorityclasses.scheduling.k8s.io", "", {{"metadata", {{"name", name}}}, {"value", value}}));
    }
  }

  // As a real server makes it. It gets no Endpoints there either while the server has a loopback address.
  void publish_itself() {
    const Json port = {{"name", "https"}, {"port", 443}, {"targetPort", server_->port()}};
    const Json labels = {{"component", "apiserver"}, {"provider", "kubernetes"}};
    const Json spec = {
        {"type", "ClusterIP"}, {"clusterIP", "10.96.0.1"}, {"sessionAffinity", "None"}, {"ports", Json::array({port})}};
    const Json service = {{"metadata", {{"name", "kubernetes"}, {"labels", labels}}}, {"spec", spec}};
    const auto moved = [&](Json& object) {  // another port than before a restart
      object["spec"]["ports"] = spec["ports"];
      return true;
    };
    if (!api_->create("services", "default", service).ok())
      static_cast<void>(api_->mutate("services", "default", "kubernetes", moved, ""));
  }

  net::CertificateRequest certificate_request() const {
    net::CertificateRequest request;
    request.common_name = "fracta-devcluster";
    request.dns_names = {"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"};
    request.ip_addresses = {"127.0.0.1", "::1"};
    if (options_.host.find_first_not_of("0123456789.:abcdef") == std::string::npos) {
      if (options_.host != "127.0.0.1" && options_.host != "::1") request.ip_addresses.push_back(options_.host);
    } else if (options_.host != "localhost") {
      request.dns_names.push_back(options_.host);
    }
    return request;
  }

  Result<void> listen() {
    FRACTA_TRY(serve_certificate(""));
    net::ServerOptions server;
    server.host = options_.host;
    server.port = options_.port;
    server.tls.certificate_source = [this] { return certificate(); };
    server.tls.client_ca_pem = identity_.authority.certificate_pem;
    server.max_streams = 1024;
    server.max_connections = 4096;
    server.worker_threads = 32;  // some may be held up by faults
    server.server_name = "devcluster";
    server.write_timeout = std::chrono::seconds(30);
    auto made = net::HttpServer::create(std::move(server),
                                        [this](const net::ServerRequest& call) { return front_->handle(call); });
    if (!made) return made.error();
    server_ = std::move(*made);
    return {};
  }

  Result<void> write_kubeconfig() {
    return write_file_atomic(options_.kubeconfig_path, dump_yaml(kubeconfig_of(url(), identity_)));
  }

  Options options_;
  std::optional<TemporaryDirectory> temporary_;
  SkewedClock clock_;
  FaultBook faults_{hooks()};
  std::mutex certificate_mutex_;
  net::KeyPair certificate_;  // being served
  Store store_;
  Registry registry_{store_, clock_};
  Identity identity_;
  std::unique_ptr<TokenSigner> signer_;
  std::unique_ptr<InProcessApi> api_;
  std::unique_ptr<InProcessApi> node_api_;
  std::unique_ptr<Controllers> controllers_;
  std::unique_ptr<Node> node_;
  std::atomic<bool> node_ready_ = false;
  std::unique_ptr<Front> front_;
  std::unique_ptr<net::HttpServer> server_;
  bool started_ = false;
};

}  // namespace

Result<std::unique_ptr<DevCluster>> DevCluster::create(Options options) {
  std::optional<TemporaryDirectory> temporary;
  if (options.data_directory.empty()) {
    auto made = TemporaryDirectory::create("fracta-devcluster-");
    if (!made) return made.error();
    temporary = std::move(*made);
    options.data_directory = temporary->path();
  }
  if (options.kubeconfig_path.empty()) options.kubeconfig_path = options.data_directory + "/kubeconfig";
  auto cluster = std::make_unique<Cluster>(std::move(options), std::move(temporary));
  FRACTA_TRY(cluster->prepare());
  return std::unique_ptr<DevCluster>(std::move(cluster));
}

}  // namespace fracta::devcluster
