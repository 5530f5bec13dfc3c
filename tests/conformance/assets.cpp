// etcd, kube-apiserver and, when it is there, kube-controller-manager from one directory, on loopback with keys of
// their own in a temporary directory: what the field's envtest does with KUBEBUILDER_ASSETS.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
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

class Assets final : public Servers {
 public:
  Assets(std::string binaries, TemporaryDirectory directory)
      : binaries_(std::move(binaries)), directory_(std::move(directory)) {}
  ~Assets() override {
    while (!programs_.empty()) programs_.pop_back();  // the last one started ends first
  }
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
      FRACTA_TRY(run("kube-scheduler", {"--kubeconfig=" + kubeconfig(), "--leader-elect=false"}));
    return {};
  }

 private:
  [[nodiscard]] bool has(const std::string& program) const {
    return std::filesystem::exists(std::filesystem::path(binaries_) / program);
  }

  Result<void> write_identity() {
    auto authority = net::make_certificate_authority("conformance-ca");
    if (!authority) return authority.error();
    net::CertificateRequest request;
    request.common_name = "kube-apiserver";
    request.dns_names = {"localhost", "kubernetes.default.svc"};
    request.ip_addresses = {"127.0.0.1"};
    auto certificate = net::issue_certificate(*authority, request);
    if (!certificate) return certificate.error();
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
