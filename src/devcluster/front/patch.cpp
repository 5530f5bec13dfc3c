// patch in its four forms.
#include <fmt/format.h>

#include "devcluster/front/context.hpp"
#include "devcluster/server/apply.hpp"
#include "devcluster/server/managed_fields.hpp"
#include "devcluster/server/patch.hpp"
#include "devcluster/server/strategy.hpp"
#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta::devcluster {

namespace {

constexpr const char* kJson = "application/json-patch+json";
constexpr const char* kMerge = "application/merge-patch+json";
constexpr const char* kStrategic = "application/strategic-merge-patch+json";
constexpr const char* kApply = "application/apply-patch+yaml";

Outcome<Json> patched(const Call& call, const std::string& type, const Json& current, const Json& patch) {
  if (type == kJson) return json_patch(current, patch);
  if (type == kMerge) return merge_patch(current, patch);
  return strategic_merge_patch(current, patch, *call.kind->type);
}

net::ServerResponse finish(Call& call, int status, const Outcome<RecordPtr>& written) {
  if (!written.ok()) return answer_failure(call, written.failure());
  return answer_record(call, status, *call.kind, *written);
}

// What a patch made of an object may not be one any more. The message shows the patch, but never data of Secrets.
Outcome<Json> check_patched(Call& call, const Json& object) {
  const std::string text = dump_json(object);
  if (const auto decoded = decode_fields(call, *call.kind, text); !decoded) {
    FieldErrors errors;
    const bool secret = call.kind->group.empty() && call.kind->kind == "Secret";
    if (secret)
      errors.invalid_omitted("patch", decoded.error().message);
    else
      errors.invalid("patch", Json(call.http->body), decoded.error().message);
    return errors.to_failure(Kind(), "");
  }
  call.warnings.clear();  // the second look finds them again
  return check_object(call, *call.kind, text);
}

Outcome<Json> decode_again(Call& call, const Json& object) {
  auto checked = check_object(call, *call.kind, dump_json(object));
  if (!checked.ok()) return checked;
  apply_defaults(*call.kind, *checked);
  return checked;
}

// The merged object as the kind's decoder sees it, with its new owners.
Outcome<Json> finish_apply(Call& call, Outcome<Applied> applied) {
  if (!applied.ok()) return applied.failure();
  auto object = decode_again(call, applied->object);
  if (!object.ok()) return object;
  if (Json list = encode_managers(applied->managers); !list.is_null())
    (*object)["metadata"]["managedFields"] = std::move(list);
  return object;
}

net::ServerResponse serve_apply(Call& call, const Services& services, const WriteOptions& options) {
  const auto parsed = parse_yaml(call.http->body);
  if (!parsed) return answer_failure(call, bad_request(fmt::format("error decoding YAML: {}", parsed.error().message)));
  if (!parsed->is_object())
    return answer_failure(call, bad_request("error decoding YAML: error unmarshaling JSON: json: cannot unmarshal into "
                                            "Go value of type map[string]interface {}"));
  Registry& registry = *services.registry;
  const std::string ns = call.kind->namespaced ? call.ns : "";
  ApplyRequest request;
  request.config = &*parsed;
  request.manager = options.field_manager;
  request.force = call.flag("force");
  request.subresource = call.subresource;
  request.now = now_text(registry.clock());
  const auto transform = [&](const Json& current) -> Outcome<Json> {
    request.live = &current;
    auto object = finish_apply(call, apply_config(*call.kind, request));
    if (!object.ok()) return object;
    if (auto placed = check_place(call, *object); !placed.ok()) return placed.failure();
    return object;
  };
  WriteOptions write = options;
  write.tracked = true;
  if (registry.store().get(call.kind->resource(), object_key(ns, call.name))) {
    return finish(call, 200, registry.update(*call.kind, ns, call.name, call.subresource, transform, write, true));
  }
  if (!call.subresource.empty()) return answer_failure(call, not_found(*call.kind, call.name));
  auto object = finish_apply(call, apply_config(*call.kind, request));
  if (!object.ok()) return answer_failure(call, object.failure());
  if (auto placed = check_place(call, *object); !placed.ok()) return answer_failure(call, placed.failure());
  return finish(call, 201, registry.create(*call.kind, ns, std::move(*object), write));
}

}  // namespace

net::ServerResponse serve_patch(Call& call, const Services& services) {
  const std::string header = call.http->headers.get("Content-Type").value_or("");
  const std::string type = to_lower(trim(split(header, ';')[0]));
  auto options = write_options(call);
  if (!options.ok()) return answer_failure(call, options.failure());
  if (type == kApply) return serve_apply(call, services, *options);
  if (type != kJson && type != kMerge && type != kStrategic) {
    return answer_failure(
        call, unsupported_media_type(fmt::format(
                  "the body of the request was in an unknown format - accepted media types include: {}, {}, {}, {}",
                  kJson, kMerge, kStrategic, kApply)));
  }
  const auto patch = parse_json(call.http->body);
  if (!patch) return answer_failure(call, bad_request(fmt::format("error decoding patch: {}", patch.error().message)));
  const auto transform = [&](const Json& current) -> Outcome<Json> {
    call.warnings.clear();
    auto result = patched(call, type, current, *patch);
    if (!result.ok()) return result;
    if (!result->is_object()) return bad_request("the patch leaves no object");
    auto checked = check_patched(call, *result);
    if (checked.ok()) apply_defaults(*call.kind, *checked);
    return checked;
  };
  return finish(call, 200,
                services.registry->update(*call.kind, call.kind->namespaced ? call.ns : "", call.name, call.subresource,
                                          transform, *options, true));
}

}  // namespace fracta::devcluster
