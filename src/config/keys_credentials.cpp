#include "config/keys.hpp"

namespace fracta::config {

std::vector<KeySpec> stored_credential_keys() {
  using enum KeyType;
  const std::string block = "stored_credentials";
  return {
      {block, kObject, "", "Credentials registered through the API (docs/credentials.md)."},
      {block + ".keyring_directory", kString, "",
       "Directory with the files `keyring` and `version`, normally a mounted Secret: tokens are sealed with "
       "AES-256-GCM. Absent: they are plain data of their Secrets."},
      {block + ".allow_insecure_skip_tls_verify", kBoolean, "false",
       "Accept kubeconfigs that do not check the API server's certificate."},
      {block + ".allow_proxy_url", kBoolean, "false", "Accept kubeconfigs that go through a proxy."},
      {block + ".kubeconfig_path", kString, "/tmp/.ambient_kubeconfig",
       "Where agents find the kubeconfig bound to them; `KUBECONFIG` names it."},
  };
}

}  // namespace fracta::config
