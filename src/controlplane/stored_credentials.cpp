#include "controlplane/stored_credentials.hpp"

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::controlplane {

namespace {

constexpr int kManifestVersion = 1;
constexpr const char* kPrivateDirectory = "/tmp";

Error invalid(std::string message) { return make_error(ErrorCode::kInvalid, std::move(message)); }

// Tokens may travel in clear where nobody else listens.
bool is_loopback(std::string_view url) {
  for (const std::string_view host : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
    if (!url.starts_with(host)) continue;
    const auto rest = url.substr(host.size());
    if (rest.empty() || rest.front() == ':' || rest.front() == '/') return true;
  }
  return false;
}

Result<std::string> usable_url(const ControlPlaneEndpoint& endpoint) {
  std::string url = endpoint.url ? endpoint.url() : "";
  if (url.empty())
    return invalid(
        "agents with stored credentials fetch them from the controlplane, whose address they are not told: set "
        "control_plane_api.url");
  if (!url.starts_with("https://") && !is_loopback(url))
    return invalid("stored credentials would travel in clear to " + shorten(url, 200) +
                   ": set control_plane_api.tls (self_signed: true is enough) and an https:// control_plane_api.url");
  return url;
}

std::string manifest_of(const std::vector<BoundCredential>& bound, const ControlPlaneEndpoint& endpoint,
                        const std::string& url, const credentials::DeliveryPaths& paths) {
  Json list = Json::array();
  for (const auto& credential : bound)
    list.push_back({{"id", credential.id}, {"name", credential.name}, {"provider", credential.provider}});
  const Json manifest = {
      {"version", kManifestVersion},
      {"controlplane", {{"url", url}, {"ca", endpoint.ca_pem ? endpoint.ca_pem() : ""}}},
      {"token_file", std::string(agent::kIdentityMountPath) + "/" + agent::kIdentityTokenFile},
      {"paths", {{"kubeconfig", paths.kubeconfig}, {"directory", paths.directory}, {"workspace", paths.workspace}}},
      {"credentials", std::move(list)}};
  return dump_json(manifest, 2) + "\n";
}

void add_mcp_servers(const std::vector<BoundCredential>& bound, const credentials::DeliveryPaths& paths,
                     agent::BuildInput& input) {
  for (const auto& credential : bound) {
    const auto* provider = credentials::find_provider(credential.provider);
    if (provider == nullptr || provider->mcp_server == nullptr) continue;
    auto server = provider->mcp_server(paths);
    if (!server) continue;
    input.mcp_servers.push_back({std::move(server->name), std::move(server->command), std::move(server->args),
                                 std::move(server->env), std::move(server->defaults)});
  }
}

std::vector<std::string> of_runtime(const agent::BuildInput& input) {
  const auto found = input.config.agent_runtimes.find(input.spec.runtime);
  return found != input.config.agent_runtimes.end() ? found->second.credentials : std::vector<std::string>{};
}

}  // namespace

credentials::DeliveryPaths delivery_paths(const config::Config& config) {
  credentials::DeliveryPaths paths;
  if (!config.stored_credentials.kubeconfig_path.empty()) paths.kubeconfig = config.stored_credentials.kubeconfig_path;
  paths.directory = kPrivateDirectory;
  if (!config.kubernetes.pvc.empty()) {
    paths.workspace = kPrivateDirectory;
  } else if (!config.kubernetes.pvc_mount_path.empty()) {
    paths.workspace = config.kubernetes.pvc_mount_path;
  }
  while (paths.workspace.size() > 1 && paths.workspace.back() == '/') paths.workspace.pop_back();
  return paths;
}

Result<void> add_stored_credentials(credentials::CredentialStore* store, const ControlPlaneEndpoint& endpoint,
                                    const SpawnRequest& request, agent::BuildInput& input,
                                    std::vector<std::string>& warnings) {
  const auto configured = of_runtime(input);
  const bool asked = !request.credentials.empty() || !configured.empty();
  if (store == nullptr) {
    if (asked) return invalid("credentials: this controlplane has no store of credentials");
    return {};
  }
  auto bound = resolve_bound_credentials(*store, request.credentials, input.spec.name, input.spec.runtime, configured,
                                         input.config.kubernetes.ns);
  if (!bound && !asked && bound.error().code == ErrorCode::kForbidden) {
    // A controlplane that may not list Secrets has never stored any; its agents are what they always were.
    warnings.push_back("bindings of stored credentials are not looked at: " + bound.error().message);
    return {};
  }
  if (!bound) return bound.error();
  if (bound->empty()) return {};
  const auto url = usable_url(endpoint);
  if (!url) return url.error();
  const auto paths = delivery_paths(input.config);
  Json ids = Json::object();
  for (const auto& credential : *bound) ids[credential.provider] = credential.id;
  input.stored_credentials = {manifest_of(*bound, endpoint, *url, paths), endpoint.audience,
                              format_bound_credentials(*bound), dump_json(ids)};
  add_mcp_servers(*bound, paths, input);
  return {};
}

}  // namespace fracta::controlplane
