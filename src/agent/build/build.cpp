#include "fracta/agent/build.hpp"

#include <nlohmann/json.hpp>

#include "agent/build/plan.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::agent {
namespace {

// Over what the agent is, not over when it was asked for: two requests for the same agent have the same hash. The files
// count (the contract is one of them), the bytes of the Secret do not (tokens differ each time), nor does the manifest
// of stored credentials: where the controlplane is reached and by which certificate is no matter of the agent's, and
// which credentials it has stands in an annotation.
std::string spec_hash(Json owner, const Json& config_map) {
  Json& notes = owner["metadata"]["annotations"];
  notes.erase(annotations::kSpawnedAt);
  notes.erase(annotations::kDeadline);
  notes.erase(annotations::kConfigHash);
  Json files = config_map["data"];
  files.erase(kCredentialManifestKey);
  return sha256_hex(dump_json(owner) + "\n" + dump_json(files));
}

const Json& pod_spec_of(const Json& owner) {
  const Json* in_template = find_path(owner, "spec/template/spec");
  return in_template != nullptr ? *in_template : owner["spec"];
}

}  // namespace

bool AgentObjects::is_stream() const { return string_at(*owner, "kind") == "Pod"; }

Result<AgentObjects> build(const BuildInput& input) {
  const auto plan = make_plan(input);
  if (!plan) return plan.error();
  auto config_map = make_config_map(*plan);
  if (!config_map) return config_map.error();
  auto secret = make_secret(*plan);
  if (!secret) return secret.error();
  Json owner = plan->stream ? make_stream_pod(*plan) : make_job(*plan);
  FRACTA_TRY(check_pod_spec(pod_spec_of(owner), input.config));
  owner["metadata"]["annotations"][annotations::kSpecHash] = spec_hash(owner, *config_map);

  AgentObjects objects;
  objects.id = plan->id;
  objects.owner = std::make_shared<Json>(std::move(owner));
  objects.config_map = std::make_shared<Json>(std::move(*config_map));
  if (!secret->is_null()) objects.secret = std::make_shared<Json>(std::move(*secret));
  return objects;
}

void set_owner(Json& object, const Json& owner, const std::string& uid) {
  // blockOwnerDeletion would need the right to update the owner's finalizers on clusters that check it.
  const Json reference = {{"apiVersion", string_at(owner, "apiVersion")},
                          {"kind", string_at(owner, "kind")},
                          {"name", string_at(owner, "metadata/name")},
                          {"uid", uid},
                          {"controller", true},
                          {"blockOwnerDeletion", false}};
  object["metadata"]["ownerReferences"] = Json::array({reference});
}

}  // namespace fracta::agent
