#include "controlplane/remover.hpp"

#include "fracta/agent/spec.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/text.hpp"

namespace fracta::controlplane {

Remover::Remover(kube::Client& client, const AgentCache& cache, std::string ns, std::chrono::milliseconds call_timeout)
    : client_(client), cache_(cache), ns_(std::move(ns)), call_timeout_(call_timeout) {}

Result<void> Remover::kill(const std::string& id, const std::stop_token& stop) const {
  struct Target {
    const kube::Resource& resource;
    std::string name;
  };
  // The cache may be behind a spawn of a moment ago, so the API server is asked for both kinds of owner.
  bool found = false;
  Result<void> first_error;
  for (const auto& target :
       {Target{kube::kJobs, agent::job_name(id)}, Target{kube::kPods, agent::stream_pod_name(id)}}) {
    auto removed = remove_ours(target.resource, target.name, id, stop);
    if (removed) {
      found = found || *removed == Outcome::kDeleted;
    } else if (first_error) {
      first_error =
          removed.error().with_context("runtime/k8s: deleting " + to_lower(target.resource.kind) + " " + target.name);
    }
  }
  if (!first_error) return first_error;  // the state is kept; nothing else is touched
  for (const auto& target :
       {Target{kube::kConfigMaps, agent::config_map_name(id)}, Target{kube::kSecrets, agent::auth_secret_name(id)}}) {
    auto removed = remove_ours(target.resource, target.name, id, stop);
    if (!removed)
      log::warn("controlplane", "leftover not removed; the garbage collector will",
                {{"kind", target.resource.kind}, {"name", target.name}, {"error", removed.error().message}});
  }
  if (!found) return make_error(ErrorCode::kNotFound, "agent not found");
  return {};
}

Result<void> Remover::remove_owner(const AgentView& view, const std::stop_token& stop) const {
  const auto& resource = view.stream() ? kube::kPods : kube::kJobs;
  auto name = view.stream() ? agent::stream_pod_name(view.id) : agent::job_name(view.id);
  auto removed = remove_exact(resource, name, view.uid(), stop);
  if (!removed) return removed.error();
  return {};
}

Result<Remover::Outcome> Remover::remove_ours(const kube::Resource& resource, const std::string& name,
                                              const std::string& id, const std::stop_token& stop) const {
  auto view = cache_.view(id);
  bool cached = (view.job && resource.kind == kube::kJobs.kind) || (view.stream() && resource.kind == kube::kPods.kind);
  if (cached) {
    auto removed = remove_exact(resource, name, view.uid(), stop);
    if (removed || removed.error().code != ErrorCode::kConflict) return removed;
    // Another one of that name since the cache last heard: look for ourselves.
  }
  auto found = client_.get(resource, ns_, name, {call_timeout_, stop});
  if (!found) {
    if (found.error().code == ErrorCode::kNotFound) return Outcome::kAbsent;
    return found.error();
  }
  const auto* labels = find_path(*found, "metadata/labels");
  if (!labels || string_at(*labels, agent::labels::kApp) != agent::labels::kAppValue ||
      string_at(*labels, agent::labels::kAgentId) != id)
    return Outcome::kAbsent;  // somebody else's object under our name
  return remove_exact(resource, name, string_at(*found, "metadata/uid"), stop);
}

Result<Remover::Outcome> Remover::remove_exact(const kube::Resource& resource, const std::string& name,
                                               const std::string& uid, const std::stop_token& stop) const {
  kube::DeleteOptions options;
  options.propagation = kube::Propagation::kForeground;
  options.precondition_uid = uid;
  options.call = {call_timeout_, stop};
  auto removed = client_.remove(resource, ns_, name, options);
  if (removed) return Outcome::kDeleted;
  if (removed.error().code == ErrorCode::kNotFound) return Outcome::kAbsent;
  return removed.error();
}

}  // namespace fracta::controlplane
