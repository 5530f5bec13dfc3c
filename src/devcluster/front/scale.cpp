// deployments/scale and replicasets/scale.
#include <fmt/format.h>

#include "devcluster/front/context.hpp"
#include "devcluster/server/patch.hpp"
#include "devcluster/server/strategy.hpp"
#include "devcluster/table/columns.hpp"
#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"

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

}  // namespace

net::ServerResponse serve_scale(Call& call, const Services& services) {
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
