#include "runner/credentials/manifest.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "runner/credentials/secret_file.hpp"

namespace fracta::runner {
namespace {

constexpr std::size_t kMaxManifest = 1u << 20;
constexpr std::size_t kMaxCredentials = 64;

Error invalid(std::string message) { return make_error(ErrorCode::kInvalid, std::move(message)); }

// An address, not a name that begins like one.
bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

Result<net::Url> parse_controlplane(const Json& json) {
  auto url = net::parse_url(string_at(json, "controlplane/url"));
  if (!url) return invalid("controlplane.url: " + url.error().message);
  if (!url->query.empty()) return invalid("controlplane.url: may not hold a query");
  if (url->scheme != "https" && !is_loopback(url->host))
    return invalid("controlplane.url: must be https:// (credentials would travel in clear)");
  return url;
}

// They become part of a request's path.
bool is_id(const std::string& text) {
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), word);
}

Result<ManifestCredential> parse_credential(const Json& json) {
  ManifestCredential out{string_at(json, "id"), shorten(string_at(json, "name"), 253), nullptr};
  const std::string provider = string_at(json, "provider");
  out.provider = credentials::find_provider(provider);
  if (!is_id(out.id)) return invalid("credentials: \"" + shorten(out.id, 80) + "\" is no id");
  if (out.provider == nullptr)
    return invalid("credentials: provider \"" + shorten(provider, 80) + "\" is not known to this version of fracta");
  return out;
}

Result<credentials::DeliveryPaths> parse_paths(const Json& json) {
  credentials::DeliveryPaths paths;
  paths.kubeconfig = string_at(json, "paths/kubeconfig", paths.kubeconfig);
  paths.directory = string_at(json, "paths/directory", paths.directory);
  paths.workspace = string_at(json, "paths/workspace", paths.workspace);
  for (const auto* path : {&paths.kubeconfig, &paths.directory, &paths.workspace})
    if (const auto place = split_secret_path(*path); !place) return place.error().with_context("paths");
  return paths;
}

}  // namespace

Result<Manifest> parse_manifest(const std::string& text) {
  const auto json = parse_json(text, {.max_depth = 8, .refuse_duplicate_keys = true});
  if (!json) return json.error();
  if (int_at(*json, "version") != 1) return invalid("version: not 1; controlplane and agent image do not fit together");
  Manifest manifest;
  auto url = parse_controlplane(*json);
  if (!url) return url.error();
  manifest.controlplane = *std::move(url);
  manifest.ca_pem = string_at(*json, "controlplane/ca");
  manifest.token_file = string_at(*json, "token_file");
  if (!manifest.token_file.starts_with('/')) return invalid("token_file: must be an absolute path");
  auto paths = parse_paths(*json);
  if (!paths) return paths.error();
  manifest.paths = *std::move(paths);
  const Json* list = find(*json, "credentials");
  if (list == nullptr || !list->is_array() || list->empty() || list->size() > kMaxCredentials)
    return invalid("credentials: must be a list of 1 to 64");
  for (const Json& entry : *list) {
    auto credential = parse_credential(entry);
    if (!credential) return credential.error();
    manifest.credentials.push_back(*std::move(credential));
  }
  // The providers are one array: their order is the one in which a later variable wins.
  std::stable_sort(manifest.credentials.begin(), manifest.credentials.end(),
                   [](const auto& a, const auto& b) { return a.provider < b.provider; });
  return manifest;
}

Result<std::optional<Manifest>> load_manifest(const std::string& path) {
  const auto text = read_file(path, kMaxManifest);
  if (!text && text.error().code == ErrorCode::kNotFound) return std::optional<Manifest>{};
  if (!text) return text.error();
  auto manifest = parse_manifest(*text);
  if (!manifest) return manifest.error().with_context(path);
  return std::optional<Manifest>{*std::move(manifest)};
}

}  // namespace fracta::runner
