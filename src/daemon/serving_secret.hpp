// What stands in the Secret of the API's certificate, and when it has to be made anew. No I/O.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"
#include "fracta/net/certificates.hpp"

namespace fracta::daemon {

inline constexpr const char* kAuthoritiesKey = "ca.crt";  // in the Secret, and in the ConfigMap for clients

struct ServingLifetimes {
  std::chrono::hours certificate, authority;
};

// The decoded content. `authorities` are all the CAs clients are to trust, the one that signs first.
struct ServingMaterial {
  net::KeyPair authority;
  std::string authorities_pem;
  net::KeyPair certificate;
  std::vector<std::string> names;
};

// kInvalid: not ours, incomplete or broken; then it is made anew.
Result<ServingMaterial> read_serving_secret(const Json& secret);
// With the resourceVersion of `previous`, if any, so that of several replicas only one succeeds.
Json write_serving_secret(const ServingMaterial& material, const std::string& ns, const Json* previous);

// `previous` may be null. A CA that is good for long enough stays; a new one leaves the old one trusted.
Result<ServingMaterial> make_serving_material(const ServingMaterial* previous, const std::vector<std::string>& names,
                                              const ServingLifetimes& lifetimes, SystemTime now);
// Why it has to be made anew; empty: it does not.
std::string renewal_reason(const ServingMaterial& material, const std::vector<std::string>& names,
                           const ServingLifetimes& lifetimes, SystemTime now);

}  // namespace fracta::daemon
