// deployments/scale and replicasets/scale.
#include <fmt/format.h>

#include "devcluster/front/context.hpp"
#include "devcluster/server/apply.hpp"
#include "devcluster/server/managed_fields.hpp"
#include "devcluster/server/patch.hpp"
#include "devcluster/server/strategy.hpp"
#include "devcluster/table/columns.hpp"
#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta::devcluster {

namespace {

Json scale_of(const Json& object) {
  Json metadata = Json::object();
  for (const char* field : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    if (const Json* value = find_path(object, std::string("metadata/") + field)) metadata[field] = *value;
  }
  Json status = {{"replicas", int_at(object, "status/replicas").value_or(0)}};
  if (const Json* selector = find_path(object, "spec/selector")) status["selector"] = selector_text(selector);
  Json spec = Json::object();
  if (const auto replicas = int_at(object, "spec/replicas"); replicas && *replicas != 0) spec["replicas"] = *replicas;
  return {{"kind", "Scale"},
          {"apiVersion", "autoscaling/v1"},
          {"metadata", std::move(metadata)},
          {"spec", std::move(spec)},
          {"status", std::move(status)}};
}

bool is_apply(const Call& call) {
  return call.verb == "patch" &&
         call.http->headers.get("Content-Type").value_or("").starts_with("application/apply-patch+yaml");
}

// Owners of spec.replicas are kept with the scaled object, in its version; conflicts speak of the scale's.
Failure in_scale_words(Failure failure, const Kind& kind) {
  const auto reword = [&](std::string text) {
    const std::string own = "using " + kind.api_version();
    for (auto at = text.find(own); at != std::string::npos; at = text.find(own, at + 1))
      text.replace(at, own.size(), "using autoscaling/v1");
    return text;
  };
  failure.message = reword(failure.message);
  if (failure.details.is_object() && failure.details.contains("causes")) {
    for (Json& cause : failure.details["causes"]) cause["message"] = reword(string_at(cause, "message"));
  }
  return failure;
}

net::ServerResponse apply_scale(Call& call, const Services& services, WriteOptions options) {
  const auto given = parse_yaml(call.http->body);
  if (!given) return answer_failure(call, bad_request("error decoding YAML: " + given.error().message));
  Kind scale;
  scale.group = "autoscaling";
  scale.version = "v1";
  scale.kind = "Scale";
  scale.type = schema().find("scale.Scale");
  // Checked as a Scale, applied as a part of the scaled object.
  ApplyRequest request;
  request.config = &*given;
  request.manager = options.field_manager;
  request.now = now_text(services.registry->clock());
  if (auto checked = apply_config(scale, request); !checked.ok()) return answer_failure(call, checked.failure());
  Json config = {
      {"apiVersion", call.kind->api_version()}, {"kind", call.kind->kind}, {"metadata", {{"name", call.name}}}};
  if (const Json* replicas = find_path(*given, "spec/replicas")) config["spec"] = {{"replicas", *replicas}};
  request.config = &config;
  request.force = call.flag("force");
  request.subresource = "scale";
  const auto transform = [&](const Json& current) -> Outcome<Json> {
    request.live = &current;
    auto applied = apply_config(*call.kind, request);
    if (!applied.ok()) return in_scale_words(applied.failure(), *call.kind);
    if (Json list = encode_managers(applied->managers); !list.is_null())
      applied->object["metadata"]["managedFields"] = std::move(list);
    return std::move(applied->object);
  };
  options.tracked = true;
  auto written = services.registry->update(*call.kind, call.ns, call.name, "", transform, options, true);
  if (!written.ok()) return answer_failure(call, written.failure());
  return answer_json(call, 200, scale_of((*written)->object));
}

}  // namespace

net::ServerResponse serve_scale(Call& call, const Services& services) {
  if (!services.registry->store().get(call.kind->resource(), object_key(call.ns, call.name))) {
    Kind subresource = *call.kind;
    subresource.plural += "/scale";
    return answer_failure(call, not_found(subresource, call.name));
  }
  if (call.verb == "get") {
    auto record = services.registry->get(*call.kind, call.ns, call.name);
    if (!record.ok()) return answer_failure(call, record.failure());
    return answer_json(call, 200, scale_of((*record)->object));
  }
  Kind scale;
  scale.group = "autoscaling";
  scale.version = "v1";
  scale.kind = "Scale";
  scale.type = schema().find("scale.Scale");
  auto options = write_options(call);
  if (!options.ok()) return answer_failure(call, options.failure());
  if (is_apply(call)) return apply_scale(call, services, *options);
  const bool patch = call.verb == "patch";
  Outcome<Json> body = Json();
  if (patch) {
    auto parsed = parse_json(call.http->body);
    if (!parsed) return answer_failure(call, bad_request(parsed.error().message));
    body = std::move(*parsed);
  } else {
    body = read_object(call, scale);
  }
  if (!body.ok()) return answer_failure(call, body.failure());
  const auto transform = [&](const Json& current) -> Outcome<Json> {
    Json wanted = *body;
    if (patch) {
      if (body->is_array()) {
        auto changed = json_patch(scale_of(current), *body);
        if (!changed.ok()) return changed;
        wanted = std::move(*changed);
      } else {
        wanted = merge_patch(scale_of(current), *body);
      }
    }
    if (auto placed = check_place(call, wanted); !placed.ok()) return placed.failure();
    const std::int64_t replicas = int_at(wanted, "spec/replicas").value_or(0);
    if (replicas < 0) {
      FieldErrors errors;
      errors.invalid("spec.replicas", replicas, "must be greater than or equal to 0");
      return errors.to_failure(scale, call.name);
    }
    Json object = current;
    object["spec"]["replicas"] = replicas;
    if (const std::string version = string_at(wanted, "metadata/resourceVersion"); !version.empty())
      object["metadata"]["resourceVersion"] = version;
    return object;
  };
  options->written_by = "scale";
  auto written = services.registry->update(*call.kind, call.ns, call.name, "", transform, *options, patch);
  if (!written.ok()) return answer_failure(call, written.failure());
  return answer_json(call, 200, scale_of((*written)->object));
}

}  // namespace fracta::devcluster
