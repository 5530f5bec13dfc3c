// create, update and the creating subresources.
#include <fmt/format.h>

#include "devcluster/front/context.hpp"
#include "devcluster/server/managed_fields.hpp"
#include "devcluster/server/service_account_tokens.hpp"
#include "devcluster/server/strategy.hpp"
#include "devcluster/store/packed_owners.hpp"
#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {

namespace {

std::string own_namespace(const Call& call) { return call.kind->namespaced ? call.ns : ""; }

}  // namespace

Outcome<Done> check_place(const Call& call, Json& object) {
  Json& metadata = object["metadata"];
  if (!metadata.is_object()) metadata = Json::object();
  const std::string ns = string_at(metadata, "namespace");
  if (call.kind->namespaced) {
    if (!ns.empty() && ns != call.ns)
      return bad_request("the namespace of the provided object does not match the namespace sent on the request");
    metadata["namespace"] = call.ns;
  } else if (!ns.empty() && call.kind->stored) {
    return bad_request("namespace may not be set on a cluster-scoped object");
  }
  if (call.verb != "update" && call.verb != "patch") return Done{};
  const std::string name = string_at(metadata, "name");
  if (name.empty()) {
    return bad_request(
        fmt::format("the name of the object ({} based on URL) was undeterminable: name must be provided", call.name));
  }
  if (name != call.name) {
    return bad_request(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})", name, call.name));
  }
  return Done{};
}

namespace {

net::ServerResponse serve_create(Call& call, const Services& services) {
  auto options = write_options(call);
  if (!options.ok()) return answer_failure(call, options.failure());
  auto object = read_object(call, *call.kind);
  if (!object.ok()) return answer_failure(call, object.failure());
  if (auto placed = check_place(call, *object); !placed.ok()) return answer_failure(call, placed.failure());
  apply_defaults(*call.kind, *object);
  auto created = services.registry->create(*call.kind, own_namespace(call), std::move(*object), *options);
  if (!created.ok()) return answer_failure(call, created.failure());
  return answer_record(call, 201, *call.kind, *created);
}

net::ServerResponse serve_update(Call& call, const Services& services) {
  auto options = write_options(call);
  if (!options.ok()) return answer_failure(call, options.failure());
  auto object = read_object(call, *call.kind);
  if (!object.ok()) return answer_failure(call, object.failure());
  if (auto placed = check_place(call, *object); !placed.ok()) return answer_failure(call, placed.failure());
  apply_defaults(*call.kind, *object);
  if (call.subresource.empty() && allows_create_on_update(*call.kind) &&
      !services.registry->store().get(call.kind->storage(), object_key(own_namespace(call), call.name))) {
    (*object)["metadata"].erase("resourceVersion");
    auto created = services.registry->create(*call.kind, own_namespace(call), std::move(*object), *options);
    return created.ok() ? answer_record(call, 201, *call.kind, *created) : answer_failure(call, created.failure());
  }
  const auto replace = [&](const Json&) -> Outcome<Json> { return *object; };
  auto updated =
      services.registry->update(*call.kind, own_namespace(call), call.name, call.subresource, replace, *options, false);
  if (!updated.ok()) return answer_failure(call, updated.failure());
  return answer_record(call, 200, *call.kind, *updated);
}

Json success(int code) {
  return {
      {"kind", "Status"}, {"apiVersion", "v1"}, {"metadata", Json::object()}, {"status", "Success"}, {"code", code}};
}

net::ServerResponse serve_binding(Call& call, const Services& services, const std::string& pod) {
  auto binding = read_object(call, kind_of("bindings"));
  if (!binding.ok()) return answer_failure(call, binding.failure());
  auto options = write_options(call);
  if (!options.ok()) return answer_failure(call, options.failure());
  const std::string name = pod.empty() ? string_at(*binding, "metadata/name") : pod;
  if (const std::string own = string_at(*binding, "metadata/name"); !pod.empty() && !own.empty() && own != pod)
    return answer_failure(call, bad_request("name in URL does not match name in Binding object"));
  FieldErrors errors;
  const std::string target_kind = string_at(*binding, "target/kind");
  if (!target_kind.empty() && target_kind != "Node")
    errors.not_supported("target.kind", target_kind, {"Node", "<empty>"});
  if (string_at(*binding, "target/name").empty()) errors.required("target.name");
  if (!errors.empty()) {
    // A real server forgets to make a 422 of it.
    const ErrorCause& cause = errors.causes().front();
    return answer_failure(call, {500, "", cause.field + ": " + cause.message, Json()});
  }
  auto bound = services.registry->bind(call.ns, name, *binding, options->dry_run);
  if (!bound.ok()) return answer_failure(call, bound.failure());
  return answer_json(call, 201, success(201));
}

// Pods that are evicted say so to the controllers that look at why they failed.
Outcome<Done> mark_disrupted(const Call& call, const Services& services, const DeleteOptions& removal) {
  const auto current = services.registry->get(kind_of("pods"), call.ns, call.name);
  if (!current.ok()) return current.failure();
  const Json& pod = (*current)->object;
  const std::string phase = string_at(pod, "status/phase");
  const bool other = !removal.precondition_uid.empty() && removal.precondition_uid != string_at(pod, "metadata/uid");
  if (removal.dry_run || other || phase == "Succeeded" || phase == "Failed") return Done{};
  const auto add = [&](const Json& now) -> Outcome<Json> {
    Json object = now;
    Json& conditions = object["status"]["conditions"];
    if (!conditions.is_array()) conditions = Json::array();
    for (const Json& condition : conditions) {
      if (string_at(condition, "type") == "DisruptionTarget") return object;
    }
    conditions.push_back({{"type", "DisruptionTarget"},
                          {"status", "True"},
                          {"lastProbeTime", nullptr},
                          {"lastTransitionTime", format_rfc3339(services.registry->clock().system_now())},
                          {"reason", "EvictionByEvictionAPI"},
                          {"message", "Eviction API: evicting"}});
    return object;
  };
  WriteOptions options;
  options.tracked = true;
  auto written = services.registry->update(kind_of("pods"), call.ns, call.name, "status", add, options, true);
  if (!written.ok()) return written.failure();
  return Done{};
}

net::ServerResponse serve_eviction(Call& call, const Services& services) {
  Kind eviction;
  eviction.group = "policy";
  // kubectl of before 1.22 drains with the older version, which is the same.
  eviction.version = call.http->body.find("policy/v1beta1") == std::string::npos ? "v1" : "v1beta1";
  eviction.kind = "Eviction";
  eviction.type = schema().find("policy.Eviction");
  auto object = read_object(call, eviction);
  if (!object.ok()) return answer_failure(call, object.failure());
  const std::string name = string_at(*object, "metadata/name");
  if (!name.empty() && name != call.name)
    return answer_failure(call, bad_request("name in URL does not match name in Eviction object"));
  auto options = write_options(call);
  if (!options.ok()) return answer_failure(call, options.failure());
  DeleteOptions removal;
  removal.dry_run = options->dry_run;
  removal.grace_period_seconds = int_at(*object, "deleteOptions/gracePeriodSeconds");
  removal.precondition_uid = string_at(*object, "deleteOptions/preconditions/uid");
  if (auto marked = mark_disrupted(call, services, removal); !marked.ok())
    return answer_failure(call, marked.failure());
  auto removed = services.registry->remove(kind_of("pods"), call.ns, call.name, removal);
  if (!removed.ok()) return answer_failure(call, removed.failure());
  return answer_json(call, 201, success(201));
}

net::ServerResponse serve_token(Call& call, const Services& services) {
  Kind kind;
  kind.group = "authentication.k8s.io";
  kind.version = "v1";
  kind.kind = "TokenRequest";
  kind.type = schema().find("authn.TokenRequest");
  kind.plural = "tokenrequests";
  auto options = write_options(call);
  if (!options.ok()) return answer_failure(call, options.failure());
  auto request = read_object(call, kind);
  if (!request.ok()) return answer_failure(call, request.failure());
  default_token_request(*request);
  track_fields(kind, *request, nullptr, *options, "token", services.registry->clock());
  auto issued = issue_token(*services.registry, *services.signer, call.ns, call.name, std::move(*request));
  if (!issued.ok()) return answer_failure(call, issued.failure());
  unpack_owners(*issued);
  return answer_json(call, 201, *issued);
}

}  // namespace

net::ServerResponse serve_write(Call& call, const Services& services) {
  if (call.verb == "create") {
    if (call.resource == "pods" && call.subresource == "binding") return serve_binding(call, services, call.name);
    if (call.resource == "bindings") return serve_binding(call, services, "");
    if (call.subresource == "eviction") return serve_eviction(call, services);
    if (call.subresource == "token") return serve_token(call, services);
    return serve_create(call, services);
  }
  return serve_update(call, services);
}

}  // namespace fracta::devcluster
