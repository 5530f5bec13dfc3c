#include "controlplane/spawner.hpp"

#include <future>

#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/text.hpp"

namespace fracta::controlplane {

namespace {

constexpr int kAttempts = 3;  // to create a dependent whose name is taken by a leftover or whose outcome is unknown

const kube::Resource& owner_resource(const agent::AgentObjects& objects) {
  return objects.is_stream() ? kube::kPods : kube::kJobs;
}

// The server may have done it: no answer, or one that does not say (anchors D.2). A 4xx is a clear no.
bool outcome_unknown(const Error& error) {
  if (error.http_status >= 400 && error.http_status < 500) return false;
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kDeadlineExceeded ||
         error.code == ErrorCode::kInternal || error.code == ErrorCode::kCanceled;
}

std::string annotation(const Json& object, const char* name) {
  const auto* all = find_path(object, "metadata/annotations");
  const auto* value = all ? find(*all, name) : nullptr;
  return value && value->is_string() ? value->get<std::string>() : "";
}

std::string label(const Json& object, const char* name) {
  const auto* all = find_path(object, "metadata/labels");
  const auto* value = all ? find(*all, name) : nullptr;
  return value && value->is_string() ? value->get<std::string>() : "";
}

Error already_exists(const std::string& name) {
  auto error = make_error(ErrorCode::kAlreadyExists, "agent \"" + name + "\" already exists");
  error.reason = "AlreadyExists";
  return error;
}

kube::WriteOptions write_options(const kube::CallContext& call) {
  kube::WriteOptions options;
  options.field_validation = kube::FieldValidation::kStrict;
  options.metadata_only = true;
  options.call = call;
  return options;
}

}  // namespace

Spawner::Spawner(kube::Client& client, std::string ns, std::chrono::milliseconds call_timeout)
    : client_(client), ns_(std::move(ns)), call_timeout_(call_timeout) {}

Result<Spawner::Created> Spawner::create(const Prepared& prepared, const std::stop_token& stop) const {
  Owner owner{owner_resource(prepared.objects), *prepared.objects.owner, owner_name(prepared.objects)};
  auto created = create_owner(prepared, owner, stop);
  if (!created) return created.error();
  if (auto dependents = create_dependents(prepared, owner, created->uid, stop); !dependents) {
    // What an earlier attempt made may be running already; should it be incomplete, the reconcile loop ends it.
    if (!created->existed) roll_back(owner, created->uid);
    return dependents.error();
  }
  return created;
}

Result<Spawner::Created> Spawner::create_owner(const Prepared& prepared, const Owner& owner,
                                               const std::stop_token& stop) const {
  auto answer = client_.create(owner.resource, ns_, owner.object, write_options(call(stop)));
  if (answer) {
    auto uid = string_at(*answer, "metadata/uid");
    if (!uid.empty()) return Created{uid, false};
    auto missing = make_error(ErrorCode::kInternal, "the API server's answer has no metadata.uid");
    return adopt_own(prepared, owner, missing, stop);
  }
  if (answer.error().code == ErrorCode::kAlreadyExists || outcome_unknown(answer.error()))
    return adopt_own(prepared, owner, answer.error(), stop);
  return answer.error().with_context("runtime/k8s: creating " + to_lower(owner.resource.kind) + " " + owner.name);
}

// Never adopts blindly: the object must carry our labels, this very spec and this very attempt.
Result<Spawner::Created> Spawner::adopt_own(const Prepared& prepared, const Owner& owner, const Error& cause,
                                            const std::stop_token& stop) const {
  auto context = "runtime/k8s: creating " + to_lower(owner.resource.kind) + " " + owner.name;
  // A spawn that was told to stop still has to learn what became of its POST, in little time.
  kube::CallContext look{std::min(call_timeout_, std::chrono::milliseconds{3'000}),
                         cause.code == ErrorCode::kCanceled ? std::stop_token{} : stop};
  auto found = client_.get(owner.resource, ns_, owner.name, look);
  if (!found) {
    auto error = cause.with_context(context);
    if (found.error().code != ErrorCode::kNotFound)
      error.message += " (it may exist all the same; repeat with the same request_id)";
    return error;
  }
  bool ours = label(*found, agent::labels::kApp) == agent::labels::kAppValue &&
              label(*found, agent::labels::kAgentId) == prepared.objects.id;
  bool same_attempt = annotation(*found, annotations::kRequestId) == prepared.request_id;
  bool same_spec = annotation(*found, agent::annotations::kSpecHash) == prepared.spec_hash;
  bool deleting = find_path(*found, "metadata/deletionTimestamp") != nullptr;
  if (ours && same_attempt && same_spec && !deleting)
    return Created{string_at(*found, "metadata/uid"), cause.code == ErrorCode::kAlreadyExists};
  if (cause.code != ErrorCode::kAlreadyExists && !same_attempt) {
    // Somebody else's object stands there, so our POST cannot have created one.
    return already_exists(prepared.spec.name);
  }
  auto error = already_exists(prepared.spec.name);
  if (deleting) {
    error.message += " and is being deleted; try again when it is gone";
    error.reason = "BeingDeleted";
    error.retry_after = std::chrono::milliseconds{2'000};
  } else if (ours && same_attempt) {
    error.message += ": request_id was used before with another spec";
  }
  return error;
}

Result<void> Spawner::create_dependents(const Prepared& prepared, const Owner& owner, const std::string& uid,
                                        const std::stop_token& stop) const {
  auto owned = [&](const Json& object) {
    Json copy = object;
    agent::set_owner(copy, owner.object, uid);
    return copy;
  };
  const Json config_map = owned(*prepared.objects.config_map);
  if (!prepared.objects.secret) return create_dependent(kube::kConfigMaps, config_map, uid, stop);
  const Json secret = owned(*prepared.objects.secret);
  auto other = std::async(std::launch::async, [&] { return create_dependent(kube::kSecrets, secret, uid, stop); });
  auto first = create_dependent(kube::kConfigMaps, config_map, uid, stop);
  auto second = other.get();
  return first ? second : first;
}

Result<void> Spawner::create_dependent(const kube::Resource& resource, const Json& object, const std::string& uid,
                                       const std::stop_token& stop) const {
  auto name = string_at(object, "metadata/name");
  auto what = std::string(resource.kind == kube::kSecrets.kind ? "auth secret " : "config map ") + name;
  Error last;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto answer = client_.create(resource, ns_, object, write_options(call(stop)));
    if (answer) return {};
    last = answer.error();
    if (last.code != ErrorCode::kAlreadyExists && !outcome_unknown(last)) break;
    if (stop.stop_requested()) break;
    auto settled = settle_existing(resource, object, uid, stop);
    if (!settled) {
      last = settled.error();
      break;
    }
    if (*settled) return {};
  }
  return std::move(last).with_context("runtime/k8s: creating " + what);
}

Result<bool> Spawner::settle_existing(const kube::Resource& resource, const Json& object, const std::string& uid,
                                      const std::stop_token& stop) const {
  auto name = string_at(object, "metadata/name");
  auto found = client_.get(resource, ns_, name, call(stop));
  if (!found) {
    if (found.error().code == ErrorCode::kNotFound) return false;  // it was not created, or has just gone
    return found.error();
  }
  if (const auto* owners = find_path(*found, "metadata/ownerReferences"); owners && owners->is_array())
    for (const auto& reference : *owners)
      if (string_at(reference, "uid") == uid) return true;
  auto id = label(object, agent::labels::kAgentId);
  if (label(*found, agent::labels::kApp) != agent::labels::kAppValue || label(*found, agent::labels::kAgentId) != id)
    return make_error(ErrorCode::kAlreadyExists,
                      std::string(resource.kind) + " \"" + name + "\" exists and is not Fracta's");
  auto alive = has_living_owner(*found, id, uid, stop);
  if (!alive) return alive.error();
  if (*alive)
    return make_error(ErrorCode::kAlreadyExists,
                      std::string(resource.kind) + " \"" + name + "\" belongs to another agent that still exists");
  kube::DeleteOptions options;
  options.precondition_uid = string_at(*found, "metadata/uid");
  options.call = call(stop);
  log::info("controlplane", "replacing a leftover of an earlier agent", {{"kind", resource.kind}, {"name", name}});
  auto removed = client_.remove(resource, ns_, name, options);
  if (!removed && removed.error().code != ErrorCode::kNotFound && removed.error().code != ErrorCode::kConflict)
    return removed.error();
  return false;
}

// Upstream's objects may lack the reference, so both names an owner can have are asked for, not only the references.
Result<bool> Spawner::has_living_owner(const Json& object, const std::string& agent_id, const std::string& our_uid,
                                       const std::stop_token& stop) const {
  struct Candidate {
    const kube::Resource& resource;
    std::string name;
  };
  const auto* references = find_path(object, "metadata/ownerReferences");
  bool referenced = references && references->is_array() && !references->empty();
  for (const auto& candidate :
       {Candidate{kube::kJobs, agent::job_name(agent_id)}, Candidate{kube::kPods, agent::stream_pod_name(agent_id)}}) {
    auto found = client_.get(candidate.resource, ns_, candidate.name, call(stop));
    if (!found) {
      if (found.error().code == ErrorCode::kNotFound) continue;
      return found.error();
    }
    auto uid = string_at(*found, "metadata/uid");
    if (uid == our_uid) continue;
    if (!referenced) return true;
    for (const auto& reference : *references)
      if (string_at(reference, "uid") == uid) return true;
  }
  return false;
}

void Spawner::roll_back(const Owner& owner, const std::string& uid) const {
  kube::DeleteOptions options;
  options.precondition_uid = uid;
  options.call.timeout = call_timeout_;  // without the caller's stop token: also at shutdown
  auto removed = client_.remove(owner.resource, ns_, owner.name, options);
  if (!removed && removed.error().code != ErrorCode::kNotFound)
    log::warn("controlplane", "could not remove an incomplete agent; the reconcile loop will",
              {{"object", owner.name}, {"error", removed.error().message}});
}

Result<Json> Spawner::server_dry_run(const Prepared& prepared, const std::stop_token& stop) const {
  kube::WriteOptions options;
  options.dry_run = true;
  options.field_validation = kube::FieldValidation::kStrict;
  options.call = call(stop);
  Json stored = Json::array();
  auto check = [&](const kube::Resource& resource, const Json& object, bool keep) -> Result<void> {
    auto answer = client_.create(resource, ns_, object, options);
    if (!answer) return answer.error().with_context("dry run of " + std::string(resource.kind));
    if (keep) stored.push_back(*std::move(answer));
    return {};
  };
  const auto& objects = prepared.objects;
  FRACTA_TRY(check(owner_resource(objects), *objects.owner, true));
  if (!objects.is_stream()) FRACTA_TRY(check(kube::kPods, agent::pod_from_job(*objects.owner), false));
  FRACTA_TRY(check(kube::kConfigMaps, *objects.config_map, true));
  if (objects.secret) FRACTA_TRY(check(kube::kSecrets, *objects.secret, true));
  return stored;
}

}  // namespace fracta::controlplane
