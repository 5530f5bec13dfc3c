#include <filesystem>

#include "config/decode.hpp"

namespace fracta::config {
namespace {

// What is wrong with it as a file that the runner writes; empty when nothing is.
std::string file_problem(const std::string& text) {
  const std::filesystem::path path(text);
  if (!path.is_absolute()) return "must be an absolute path";
  if (path.lexically_normal() != path || path.filename().empty())
    return "must be a plain path of a file, without \"..\"";
  if (text.size() > 255) return "is longer than 255 bytes";
  for (const char* system : {"/proc/", "/sys/", "/dev/", "/etc/fracta/", "/var/run/fracta-auth/", "/var/run/secrets/"})
    if (text.starts_with(system)) return std::string("may not be below ") + system;
  return "";
}

}  // namespace

void decode_stored_credentials(const View& root, Config& config) {
  const View block = root["stored_credentials"];
  auto& stored = config.stored_credentials;
  stored.keyring_directory = block["keyring_directory"].text();
  if (!stored.keyring_directory.empty() && !std::filesystem::path(stored.keyring_directory).is_absolute())
    block["keyring_directory"].error("must be an absolute path, e.g. /etc/fracta-keyring");
  stored.allow_insecure_skip_tls_verify = block["allow_insecure_skip_tls_verify"].boolean();
  stored.allow_proxy_url = block["allow_proxy_url"].boolean();
  if (const std::string path = block["kubeconfig_path"].text(); !path.empty()) stored.kubeconfig_path = path;
  if (const std::string problem = file_problem(stored.kubeconfig_path); !problem.empty())
    block["kubeconfig_path"].error(problem);
}

}  // namespace fracta::config
