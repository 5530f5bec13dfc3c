#include "server/credentials/usage.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "fracta/base/text.hpp"

namespace fracta::server {

std::string CredentialUsage::to_string() const {
  constexpr std::size_t kShown = 10;
  const auto listed = [](std::vector<std::string> names) {
    if (names.size() > kShown) {
      const auto more = names.size() - kShown;
      names.resize(kShown);
      names.push_back("and " + std::to_string(more) + " more");
    }
    return join(names, ", ");
  };
  std::vector<std::string> bound, used, pieces;
  for (const auto& target : targets) bound.push_back(target.target + (target.in_configuration ? " (fracta.yaml)" : ""));
  for (const auto& agent : agents) used.push_back(agent.name);
  if (!bound.empty()) pieces.push_back("bound to " + listed(bound));
  if (!used.empty()) pieces.push_back("in use by agent " + listed(used));
  return join(pieces, "; ");
}

Result<CredentialUsage> usage_of(const controlplane::ControlPlane& plane, credentials::CredentialStore& store,
                                 const credentials::StoredCredential& credential) {
  CredentialUsage out;
  const auto bindings = store.bindings();
  if (!bindings) return bindings.error();
  for (const auto& binding : *bindings)
    if (binding.credential_id == credential.id) out.targets.push_back({binding.target, false});
  for (const auto& [name, runtime] : plane.config().agent_runtimes)
    if (std::find(runtime.credentials.begin(), runtime.credentials.end(), credential.name) != runtime.credentials.end())
      out.targets.push_back({"runtime/" + name, true});
  auto agents = plane.agents_with_credential(credential.id);
  if (!agents) return agents.error();
  out.agents = *std::move(agents);
  return out;
}

Json usage_to_json(const CredentialUsage& usage, const credentials::StoredCredential& credential) {
  Json out = {{"kind", "CredentialUsage"},       {"credential_id", credential.id}, {"name", credential.name},
              {"provider", credential.provider}, {"bindings", Json::array()},      {"agents", Json::array()}};
  for (const auto& target : usage.targets)
    out["bindings"].push_back(
        {{"target", target.target}, {"source", target.in_configuration ? "configuration" : "binding"}});
  for (const auto& agent : usage.agents)
    out["agents"].push_back({{"name", agent.name}, {"runtime", agent.runtime}, {"status", agent.phase}});
  return out;
}

}  // namespace fracta::server
