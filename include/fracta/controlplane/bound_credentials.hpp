// Which stored credentials an agent has. Decided at spawn, recorded in the owner's annotation
// fracta.io/credentials, and never changed afterwards: what a running agent may fetch is what stands there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/result.hpp"
#include "fracta/credentials/store.hpp"

namespace fracta::controlplane {

struct BoundCredential {
  std::string id, name, provider;
  bool operator==(const BoundCredential&) const = default;
};

// Wanted by: spawn --credential, then agent/<name> bindings, then the runtime's `credentials` and runtime/<r>
// bindings, then project/<namespace> bindings. An earlier level replaces a later one's credential of the same provider;
// two of one provider on one level are a conflict. kInvalid names every missing and conflicting credential.
Result<std::vector<BoundCredential>> resolve_bound_credentials(credentials::CredentialStore& store,
                                                               const std::vector<std::string>& requested,
                                                               const std::string& agent, const std::string& runtime,
                                                               const std::vector<std::string>& of_runtime,
                                                               const std::string& project);

// Annotation text and back; parse ignores what it does not understand (the annotation may be anybody's).
std::string format_bound_credentials(const std::vector<BoundCredential>& bound);
std::vector<BoundCredential> parse_bound_credentials(std::string_view text);

}  // namespace fracta::controlplane
