// The files of configMap, secret, downwardAPI and projected volumes.
#pragma once

#include "devcluster/node/atomic_writer.hpp"
#include "devcluster/node/downward.hpp"
#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

// A service-account token lives in the volume for 80 % of its life, as a kubelet's token manager has it.
struct CachedToken {
  std::string text;
  SystemTime renew_at{};
};
using TokenCache = std::map<std::string, CachedToken>;

struct PayloadRequest {
  Api* api = nullptr;
  const Json* pod = nullptr;
  const NodeFacts* node = nullptr;
  std::string_view pod_ip;
  SystemTime now{};
  TokenCache* tokens = nullptr;
};

// Whether `volume` (corev1.Volume) is of one of those kinds.
bool has_payload(const Json& volume);
Result<Payload> make_payload(const PayloadRequest& request, const Json& volume);

}  // namespace fracta::devcluster
