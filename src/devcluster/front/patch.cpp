// patch in its four forms.
#include <fmt/format.h>

#include "devcluster/front/context.hpp"
#include "devcluster/server/apply.hpp"
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

net::ServerResponse serve_apply(Call& call, const Services& services, const WriteOptions& options) {
  if (call.parameter("fieldManager").empty()) {
    return answer_failure(
        call,
        bad_request(
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"));
  }
  const auto parsed = parse_yaml(call.http->body);
  if (!parsed) return answer_failure(call, bad_request(fmt::format("error decoding YAML: {}", parsed.error().message)));
  Registry& registry = *services.registry;
  const std::string ns = call.kind->namespaced ? call.ns : "";
  const bool force = call.flag("force");
  Json applied = *parsed;
  if (!applied.is_object() || string_at(applied, "apiVersion") != call.kind->api_version() ||
      string_at(applied, "kind") != call.kind->kind) {
    return answer_failure(call, bad_request(fmt::format("the patch must name apiVersion {} and kind {}",
                                                        call.kind->api_version(), call.kind->kind)));
  }
  applied["metadata"]["name"] = call.name;
  if (call.kind->namespaced) applied["metadata"]["namespace"] = call.ns;
  const auto transform = [&](const Json& current) -> Outcome<Json> {
    auto result =
        apply_patch(*call.kind, &current, applied, options.field_manager, force, call.subresource, registry.clock());
    if (!result.ok()) return result;
    return decode_again(call, *result);
  };
  WriteOptions write = options;
  write.field_manager.clear();  // apply keeps the books itself
  if (registry.store().get(call.kind->resource(), object_key(ns, call.name))) {
    return finish(call, 200, registry.update(*call.kind, ns, call.name, call.subresource, transform, write, true));
  }
  auto fresh =
      apply_patch(*call.kind, nullptr, applied, options.field_manager, force, call.subresource, registry.clock());
  if (!fresh.ok()) return answer_failure(call, fresh.failure());
  auto object = decode_again(call, *fresh);
  if (!object.ok()) return answer_failure(call, object.failure());
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
