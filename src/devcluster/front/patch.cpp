// patch in its four forms.
#include <fmt/format.h>

#include "devcluster/front/context.hpp"
#include "devcluster/front/patched_object.hpp"
#include "devcluster/schema/decode.hpp"
#include "devcluster/schema/json_error.hpp"
#include "devcluster/server/apply.hpp"
#include "devcluster/server/managed_fields.hpp"
#include "devcluster/server/patch.hpp"
#include "devcluster/server/strategy.hpp"
#include "devcluster/store/packed_owners.hpp"
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

Outcome<Json> patched(const Call& call, const std::string& type, const Json& stored, const Json& patch) {
  // Packed owners matter only to patches that look at them.
  Json unpacked;
  const bool looks =
      has_packed_owners(stored) && (type == kJson || call.http->body.find("managedFields") != std::string::npos);
  if (looks) {
    unpacked = stored;
    unpack_owners(unpacked);
  }
  const Json& current = looks ? unpacked : stored;
  if (type == kJson) return json_patch(current, patch);
  if (type == kMerge) return merge_patch(current, patch);
  return strategic_merge_patch(current, patch, *call.kind->type);
}

net::ServerResponse finish(Call& call, int status, const Outcome<RecordPtr>& written) {
  if (!written.ok()) return answer_failure(call, written.failure());
  return answer_record(call, status, *call.kind, *written);
}

Outcome<Json> decode_again(Call& call, const Json& object) {
  auto checked = check_object(call, *call.kind, dump_json(object));
  if (!checked.ok()) return checked;
  apply_defaults(*call.kind, *checked);
  return checked;
}

std::string go_kind(const Json& value) {
  if (value.is_array()) return "array";
  if (value.is_object()) return "object";
  return value.is_string() ? "string" : value.is_boolean() ? "bool" : "number";
}

// What is applied: YAML, of which JSON is a part. A repeated key counts as often as field validation says.
Outcome<Json> read_config(Call& call) {
  YamlLimits lenient;
  lenient.refuse_duplicate_keys = false;
  auto parsed = parse_yaml(call.http->body, lenient);
  if (!parsed) {
    return bad_request(
        fmt::format("error decoding YAML: error converting YAML to JSON: yaml: {}", parsed.error().message));
  }
  if (parsed->is_null()) return Json(Json::object());
  if (!parsed->is_object()) {
    return bad_request(
        fmt::format("error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into "
                    "Go value of type map[string]interface {{}}",
                    go_kind(*parsed)));
  }
  return std::move(*parsed);
}

// "7:3: key "q" is already set on line 6" in the words of a real server.
Outcome<Done> check_duplicates(Call& call) {
  const std::string validation = call.parameter("fieldValidation");
  if (validation != "Strict" && validation != "Warn") return Done{};
  const auto strict = parse_yaml(call.http->body);
  if (strict) return Done{};
  const std::string& message = strict.error().message;
  const auto key = message.find("key \"");
  const auto end = message.find("\" is already set");
  if (key == std::string::npos || end == std::string::npos) return Done{};
  const std::string line = message.substr(0, message.find(':'));
  const std::string why =
      fmt::format("line {}: key {}\" already set in map", line, message.substr(key + 4, end - key - 4));
  if (validation == "Warn") {
    call.warnings.push_back(why);
    return Done{};
  }
  return bad_request(
      fmt::format("error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  {}", why));
}

// The merged object as the kind's decoder sees it, with its new owners.
Outcome<Json> finish_apply(Call& call, Outcome<Applied> applied) {
  if (!applied.ok()) return applied.failure();
  if (const auto decoded = decode_object(dump_json(applied->object), *call.kind->type); !decoded) {
    const std::string name = described(applied->object);
    return Failure{500, "",
                   fmt::format("failed to convert new object ({}) to proper version: unable to convert unstructured "
                               "object to {}: {}",
                               name, name.substr(name.find("; ") + 2), decoded.error().message),
                   Json()};
  }
  auto object = decode_again(call, applied->object);
  if (!object.ok()) return object;
  if (Json list = encode_managers(applied->managers); !list.is_null())
    (*object)["metadata"]["managedFields"] = std::move(list);
  if (auto checked = check_duplicates(call); !checked.ok()) return checked.failure();
  return object;
}

Outcome<Json> read_patch(const Call& call, const std::string& type) {
  // Strategic patches are read elsewhere in a real server, where nobody adds these words.
  const std::string prefix = type == kStrategic ? "" : "error decoding patch: ";
  auto patch = parse_json(call.http->body);
  if (!patch) {
    const std::string why = json_syntax_error(call.http->body);
    return bad_request(prefix + (why.empty() ? patch.error().message : why));
  }
  const char* wanted = type == kJson ? "[]handlers.jsonPatchOp" : "map[string]interface {}";
  if (patch->is_null()) {
    if (type == kMerge) return bad_request("Invalid JSON Patch");
    return type == kJson ? Json(Json::array()) : Json(Json::object());
  }
  if (type == kJson ? !patch->is_array() : !patch->is_object())
    return bad_request(
        fmt::format("{}json: cannot unmarshal {} into Go value of type {}", prefix, go_kind(*patch), wanted));
  if (type == kJson) {
    for (const Json& operation : *patch) {
      if (!operation.is_object())
        return bad_request(fmt::format("{}json: cannot unmarshal {} into Go value of type handlers.jsonPatchOp", prefix,
                                       go_kind(operation)));
    }
  }
  return std::move(*patch);
}

net::ServerResponse serve_apply(Call& call, const Services& services, const WriteOptions& options) {
  auto config = read_config(call);
  if (!config.ok()) return answer_failure(call, config.failure());
  Registry& registry = *services.registry;
  const std::string ns = call.kind->namespaced ? call.ns : "";
  ApplyRequest request;
  request.config = &*config;
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
  if (registry.store().get(call.kind->storage(), object_key(ns, call.name))) {
    return finish(call, 200, registry.update(*call.kind, ns, call.name, call.subresource, transform, write, true));
  }
  if (!call.subresource.empty()) return answer_failure(call, not_found(*call.kind, call.name));
  auto object = finish_apply(call, apply_config(*call.kind, request));
  if (!object.ok()) return answer_failure(call, object.failure());
  if (const std::string uid = string_at(*object, "metadata/uid"); !uid.empty()) {
    return answer_failure(
        call,
        conflict(
            *call.kind, call.name,
            fmt::format("uid mismatch: the provided object specified uid {}, and no existing object was found", uid)));
  }
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
  if (type != kJson && type != kMerge && type != kStrategic)
    return answer_failure(call, {415, "UnsupportedMediaType", "415: Unsupported Media Type", Json::object()});
  const auto patch = read_patch(call, type);
  if (!patch.ok()) return answer_failure(call, patch.failure());
  const auto transform = [&](const Json& current) -> Outcome<Json> {
    call.warnings.clear();
    auto result = patched(call, type, current, *patch);
    if (!result.ok()) return result;
    if (!result->is_object()) return bad_request("the patch leaves no object");
    // A strategic patch works on an object that knows its kind already; but what is no text is no kind.
    if (type == kStrategic) {
      for (const char* field : {"apiVersion", "kind"})
        if ((*result)[field].is_string() || (*result)[field].is_null()) (*result)[field] = current.value(field, "");
    }
    auto checked = check_patched(call, *result, *patch, type == kStrategic);
    if (!checked.ok()) return checked;
    if (auto placed = check_place(call, *checked); !placed.ok()) return placed.failure();
    apply_defaults(*call.kind, *checked);
    return checked;
  };
  return finish(call, 200,
                services.registry->update(*call.kind, call.kind->namespaced ? call.ns : "", call.name, call.subresource,
                                          transform, *options, true));
}

}  // namespace fracta::devcluster
