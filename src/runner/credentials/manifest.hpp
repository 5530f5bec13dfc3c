// credentials.json of the agent's ConfigMap: which stored credentials it has and where to fetch them. No secrets.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fracta/base/result.hpp"
#include "fracta/credentials/provider.hpp"
#include "fracta/net/http.hpp"

namespace fracta::runner {

struct ManifestCredential {
  std::string id, name;
  const credentials::Provider* provider = nullptr;  // never null
};

struct Manifest {
  net::Url controlplane;
  std::string ca_pem;  // empty: the system's
  std::string token_file;
  credentials::DeliveryPaths paths;
  std::vector<ManifestCredential> credentials;  // in the order of providers()
};

// Nothing when there is no such file: the agent has no stored credentials. kInvalid names file and field.
Result<std::optional<Manifest>> load_manifest(const std::string& path);
Result<Manifest> parse_manifest(const std::string& text);

}  // namespace fracta::runner
