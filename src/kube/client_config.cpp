// Where the identity comes from. Order: controller-runtime pkg/client/config; in-cluster: client-go rest/config.go.
#include "fracta/kube/client_config.hpp"

#include <cstdlib>
#include <utility>

#include "fracta/base/file.hpp"
#include "fracta/base/text.hpp"
#include "kube/kubeconfig.hpp"
#include "kube/token_source.hpp"

namespace fracta::kube {
namespace {

constexpr std::size_t kMaxKubeconfig = 4u << 20;
constexpr std::size_t kMaxCertificates = 1u << 20;

std::string env(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<std::string> read_certificates(const std::string& path) { return read_file(path, kMaxCertificates); }

Result<ClientConfig> load_files(const std::vector<std::string>& files, const std::string& context, bool skip_missing,
                                const Clock& clock) {
  Kubeconfig merged;
  for (const auto& path : files) {
    auto text = read_file(path, kMaxKubeconfig);
    if (!text && text.error().code == ErrorCode::kNotFound && skip_missing) continue;
    if (!text) {
      auto error = text.error();
      error.message = "kubeconfig " + path + ": " + error.message;
      return error;
    }
    FRACTA_TRY(merge_kubeconfig(merged, *text, path));
  }
  if (merged.files.empty()) {
    return make_error(ErrorCode::kNotFound, "kubeconfig " + join(files, ":") + ": no such file");
  }
  return resolve_kubeconfig(merged, context, read_certificates, clock);
}

std::vector<std::string> kubeconfig_list(const std::string& value) {
  auto files = split(value, ':');
  std::erase(files, "");
  return files;
}

}  // namespace

Result<ClientConfig> parse_kubeconfig(const std::vector<std::string>& files, const std::string& context,
                                      const Clock& clock) {
  return load_files(files, context, true, clock);
}

Result<ClientConfig> load_client_config(const LoadOptions& options, const Clock& clock) {
  if (!options.kubeconfig.empty()) return load_files({options.kubeconfig}, options.context, false, clock);
  if (auto files = kubeconfig_list(env("KUBECONFIG")); !files.empty())
    return load_files(files, options.context, true, clock);
  // A context is a kubeconfig's word: who names one does not mean the cluster around him.
  const bool in_cluster = !env("KUBERNETES_SERVICE_HOST").empty() && !env("KUBERNETES_SERVICE_PORT").empty();
  if (in_cluster && options.context.empty()) return in_cluster_config(clock);
  const std::string home = env("HOME");
  const std::string path = home + "/.kube/config";
  if (home.empty() || read_file(path, kMaxKubeconfig).value_or("").empty()) {
    return make_error(
        ErrorCode::kNotFound,
        "no Kubernetes cluster configured: give --kubeconfig, set KUBECONFIG, run inside a cluster, or create " +
            (home.empty() ? "~/.kube/config" : path));
  }
  return load_files({path}, options.context, false, clock);
}

Result<ClientConfig> in_cluster_config(const Clock& clock, const std::string& directory) {
  const std::string host = env("KUBERNETES_SERVICE_HOST");
  const auto port = parse_int(env("KUBERNETES_SERVICE_PORT"));
  if (host.empty()) return make_error(ErrorCode::kNotFound, "not inside a cluster: KUBERNETES_SERVICE_HOST is not set");
  if (!port || *port < 1 || *port > 65535) {
    return make_error(ErrorCode::kInvalid, "in-cluster: KUBERNETES_SERVICE_PORT is no port number");
  }
  const bool v6 = host.find(':') != std::string::npos && host.front() != '[';
  auto url = net::parse_url("https://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(*port));
  if (!url) return url.error().with_context("in-cluster: KUBERNETES_SERVICE_HOST");

  ClientConfig out;
  out.server = std::move(*url);
  out.description = "in-cluster";
  auto ca = read_certificates(directory + "/ca.crt");
  if (!ca) return ca.error().with_context("in-cluster: the cluster's CA (is automountServiceAccountToken off?)");
  out.tls.ca_pem = std::move(*ca);
  out.token = file_token(directory + "/token", "", clock);
  // Read once now, so that a pod without a token says so at start-up and not at its first request.
  if (auto token = out.token->token({}); !token) return token.error().with_context("in-cluster");
  if (auto ns = read_file(directory + "/namespace", 1024)) {
    if (auto name = trim(*ns); is_dns1123_label(name)) out.default_namespace = name;
  }
  return out;
}

}  // namespace fracta::kube
