// etcd, kube-apiserver and, when they are there, kube-controller-manager, kube-scheduler and kubelet from one
// directory, with keys of their own in a temporary directory: what the field's envtest does with KUBEBUILDER_ASSETS.
// Everything listens on loopback. The kubelet needs root and a container runtime that no other kubelet uses.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "conformance/target.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/subprocess.hpp"
#include "fracta/base/text.hpp"
#include "fracta/net/certificates.hpp"

namespace fracta::conformance {

namespace {

// A port that was free a moment ago: these servers cannot be given a listening socket.
int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  int port = 0;
  if (::bind(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0) port = ntohs(address.sin_port);
  ::close(fd);
  return port;
}

// The address that others reach this machine at: a kubelet refuses loopback as its node's. Empty without a route.
std::string host_address() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(0xC6336401);  // 198.51.100.1, of documentation: nothing is sent
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  char text[INET_ADDRSTRLEN] = "";
  if (::connect(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0)
    ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
  ::close(fd);
  return text;
}

class Assets final : public Servers {
 public:
  Assets(std::string binaries, TemporaryDirectory directory)
      : binaries_(std::move(binaries)), directory_(std::move(directory)) {}
  ~Assets() override {
    while (!programs_.empty()) programs_.pop_back();  // the last one started ends first
    if (kubelet_) release_mounts();
  }
  bool has_node() const override { return kubelet_; }
  std::string kubeconfig() const override { return directory_ / "kubeconfig"; }

  Result<void> start() {
    FRACTA_TRY(write_identity());
    etcd_ = fmt::format("http://127.0.0.1:{}", free_port());
    const std::string peer = fmt::format("http://127.0.0.1:{}", free_port());
    FRACTA_TRY(run(
        "etcd", {"--data-dir=" + directory_ / "etcd", "--listen-client-urls=" + etcd_,
                 "--advertise-client-urls=" + etcd_, "--listen-peer-urls=" + peer,
                 "--initial-advertise-peer-urls=" + peer, "--initial-cluster=default=" + peer, "--unsafe-no-fsync"}));
    FRACTA_TRY(run("kube-apiserver", apiserver_flags()));
    FRACTA_TRY(wait_until_ready());
    if (has("kube-controller-manager")) FRACTA_TRY(run("kube-controller-manager", controller_flags()));
    if (has("kube-scheduler"))
      FRACTA_TRY(run("kube-scheduler", {"--kubeconfig=" + kubeconfig(), "--leader-elect=false",
                                        "--bind-address=127.0.0.1", fmt::format("--secure-port={}", free_port())}));
    return start_kubelet();
  }

 private:
  [[nodiscard]] bool has(const std::string& program) const {
    return std::filesystem::exists(std::filesystem::path(binaries_) / program);
  }

  Result<void> start_kubelet() {
    if (!has("kubelet")) return {};
    const char* given = std::getenv("CONTAINER_RUNTIME_ENDPOINT");
    const std::string endpoint = given != nullptr && *given != '\0' ? given : "unix:///run/containerd/containerd.sock";
    if (const std::string why = why_no_kubelet(endpoint); !why.empty()) {
      fmt::print(stderr, "the kubelet is not started ({}): cases that need one are skipped\n", why);
      return {};
    }
    FRACTA_TRY(write_file_atomic(directory_ / "kubelet.yaml", dump_json(kubelet_configuration())));
    FRACTA_TRY(run("kubelet", {"--config=" + directory_ / "kubelet.yaml", "--kubeconfig=" + kubeconfig(),
                               "--root-dir=" + directory_ / "kubelet", "--hostname-override=conformance",
                               "--node-ip=" + host_, "--container-runtime-endpoint=" + endpoint}));
    kubelet_ = true;
    return {};
  }

  // A kubelet removes what it does not know from its runtime: never one that another kubelet uses.
  [[nodiscard]] std::string why_no_kubelet(const std::string& endpoint) const {
    const std::string path = endpoint.starts_with("unix://") ? endpoint.substr(7) : endpoint;
    std::error_code ec;
    if (!std::filesystem::is_socket(path, ec))
      return "no socket at " + path + "; CONTAINER_RUNTIME_ENDPOINT names another";
    if (::geteuid() != 0) return "it needs root";
    if (host_.empty()) return "this machine has no address but loopback";
    for (std::filesystem::directory_iterator it("/proc", ec), end; !ec && it != end; it.increment(ec)) {
      const auto name = read_file((it->path() / "comm").string());
      if (name.ok() && trim(*name) == "kubelet") return "another kubelet runs on this machine";
    }
    return "";
  }

  [[nodiscard]] Json kubelet_configuration() const {
    return {{"apiVersion", "kubelet.config.k8s.io/v1beta1"},
            {"kind", "KubeletConfiguration"},
            {"address", host_},
            {"port", free_port()},
            {"readOnlyPort", 0},
            {"healthzPort", 0},
            {"tlsCertFile", directory_ / "tls.crt"},
            {"tlsPrivateKeyFile", directory_ / "tls.key"},
            {"authentication",
             {{"anonymous", {{"enabled", false}}},
              {"webhook", {{"enabled", false}}},
              {"x509", {{"clientCAFile", directory_ / "ca.crt"}}}}},
            {"authorization", {{"mode", "AlwaysAllow"}}},
            {"cgroupDriver", environment("CONTAINER_RUNTIME_CGROUPS", "cgroupfs")},
            {"failSwapOn", false},
            {"registerNode", true},
            // A full disk of the machine is nothing the cases are about.
            {"evictionHard", {{"nodefs.available", "0%"}, {"imagefs.available", "0%"}, {"memory.available", "50Mi"}}},
            {"imageGCHighThresholdPercent", 100},
            {"resolvConf", "/etc/resolv.conf"},
            {"syncFrequency", "10s"}};
  }
  static std::string environment(const char* name, const char* otherwise) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? value : otherwise;
  }

  // What pods of the kubelet still have mounted (Secrets), so that its directory can be removed.
  void release_mounts() const {
    const auto mounts = read_file("/proc/self/mounts");
    if (!mounts) return;
    std::vector<std::string> ours;
    for (const auto& line : split(*mounts, '\n')) {
      const auto fields = split(line, ' ');
      if (fields.size() > 1 && std::string_view(fields[1]).starts_with(directory_.path())) ours.emplace_back(fields[1]);
    }
    for (auto it = ours.rbegin(); it != ours.rend(); ++it) (void)::umount2(it->c_str(), MNT_DETACH);
  }

  Result<void> write_identity() {
    auto authority = net::make_certificate_authority("conformance-ca");
    if (!authority) return authority.error();
    net::CertificateRequest request;
    request.common_name = "kube-apiserver";
    request.dns_names = {"localhost", "kubernetes.default.svc"};
    request.ip_addresses = {"127.0.0.1"};
    if (!host_.empty()) request.ip_addresses.push_back(host_);
    auto certificate = net::issue_certificate(*authority, request);
    if (!certificate) return certificate.error();
    net::CertificateRequest to_kubelet;
    to_kubelet.common_name = "kube-apiserver-kubelet-client";
    to_kubelet.organizations = {"system:masters"};
    to_kubelet.client = true;
    auto client = net::issue_certificate(*authority, to_kubelet);
    if (!client) return client.error();
    token_ = random_hex(16);
    port_ = free_port();
    const Json config = {{"apiVersion", "v1"},
                         {"kind", "Config"},
                         {"clusters",
                          {{{"name", "c"},
                            {"cluster",
                             {{"server", fmt::format("https://127.0.0.1:{}", port_)},
                              {"certificate-authority-data", base64_encode(authority->certificate_pem)}}}}}},
                         {"users", {{{"name", "u"}, {"user", {{"token", token_}}}}}},
                         {"contexts", {{{"name", "x"}, {"context", {{"cluster", "c"}, {"user", "u"}}}}}},
                         {"current-context", "x"}};
    for (const auto& [name, text] : {std::pair<std::string, std::string>{"ca.crt", authority->certificate_pem},
                                     {"ca.key", authority->key_pem},
                                     {"tls.crt", certificate->certificate_pem},
                                     {"tls.key", certificate->key_pem},
                                     {"client.crt", client->certificate_pem},
                                     {"client.key", client->key_pem},
                                     {"tokens.csv", token_ + ",admin,admin,\"system:masters\"\n"},
                                     {"kubeconfig", dump_json(config)}}) {
      FRACTA_TRY(write_file_atomic(directory_ / name, text));
    }
    return {};
  }

  std::vector<std::string> apiserver_flags() const {
    return {"--etcd-servers=" + etcd_,
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            fmt::format("--secure-port={}", port_),
            "--tls-cert-file=" + directory_ / "tls.crt",
            "--tls-private-key-file=" + directory_ / "tls.key",
            "--client-ca-file=" + directory_ / "ca.crt",
            "--token-auth-file=" + directory_ / "tokens.csv",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=" + directory_ / "ca.crt",
            "--service-account-signing-key-file=" + directory_ / "ca.key",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--kubelet-certificate-authority=" + directory_ / "ca.crt",
            "--kubelet-client-certificate=" + directory_ / "client.crt",
            "--kubelet-client-key=" + directory_ / "client.key",
            "--kubelet-preferred-address-types=InternalIP",
            "--allow-privileged=true"};
  }

  std::vector<std::string> controller_flags() const {
    return {"--kubeconfig=" + kubeconfig(),
            "--authentication-kubeconfig=" + kubeconfig(),
            "--authorization-kubeconfig=" + kubeconfig(),
            "--bind-address=127.0.0.1",
            fmt::format("--secure-port={}", free_port()),
            "--leader-elect=false",
            "--service-account-private-key-file=" + directory_ / "ca.key",
            "--root-ca-file=" + directory_ / "ca.crt"};
  }

  Result<void> run(const std::string& program, const std::vector<std::string>& flags) {
    if (!has(program)) return make_error(ErrorCode::kNotFound, binaries_ + " has no " + program);
    CommandOptions options;
    options.argv = {(std::filesystem::path(binaries_) / program).string()};
    options.argv.insert(options.argv.end(), flags.begin(), flags.end());
    options.working_directory = directory_.path();
    options.timeout = std::chrono::hours(24);
    options.max_stdout = 64u << 20;
    programs_.emplace_back([this, options, program](const std::stop_token& stop) mutable {
      options.stop = stop;
      auto result = run_command(options);
      if (result.ok()) fmt::print(stderr, "{} ended with {}: {}\n", program, result->exit_code, result->standard_error);
      ended_ = true;
    });
    return {};
  }

  Result<void> wait_until_ready() {
    RealClock clock;
    auto config = kube::load_client_config({.kubeconfig = kubeconfig(), .context = ""}, clock);
    if (!config) return config.error();
    net::TransportOptions options;
    options.tls = config->tls;
    auto transport = net::make_http_transport(config->server, options);
    if (!transport) return transport.error();
    net::Request request;
    request.target = "/readyz";
    request.headers.set("Authorization", "Bearer " + token_);
    const auto deadline = clock.steady_now() + std::chrono::seconds(180);
    while (clock.steady_now() < deadline) {
      if (ended_) return make_error(ErrorCode::kUnavailable, "one of the servers ended at once");
      auto response = (*transport)->request(request, {.timeout = std::chrono::seconds(5)});
      if (response.ok() && response->status == 200) return {};
      wait_for({}, std::chrono::milliseconds(200));
    }
    return make_error(ErrorCode::kDeadlineExceeded, "kube-apiserver was not ready within 180 s");
  }

  std::string binaries_;
  TemporaryDirectory directory_;
  std::string etcd_, token_;
  int port_ = 0;
  const std::string host_ = host_address();
  bool kubelet_ = false;
  std::atomic<bool> ended_{false};
  std::vector<std::jthread> programs_;
};

}  // namespace

Result<std::unique_ptr<Servers>> start_assets(const std::string& directory) {
  auto temporary = TemporaryDirectory::create("fracta-conformance-");
  if (!temporary) return temporary.error();
  auto assets = std::make_unique<Assets>(directory, std::move(*temporary));
  FRACTA_TRY(assets->start());
  return std::unique_ptr<Servers>(std::move(assets));
}

}  // namespace fracta::conformance
