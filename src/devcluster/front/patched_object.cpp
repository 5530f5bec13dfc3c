#include "devcluster/front/patched_object.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "devcluster/schema/decode.hpp"
#include "devcluster/schema/unstructured_error.hpp"
#include "devcluster/store/packed_owners.hpp"
#include "devcluster/validation/field_errors.hpp"
#include "devcluster/validation/go_text.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

Failure refused(const Call& call, const std::string& shown, const std::string& why) {
  FieldErrors errors;
  if (call.kind->group.empty() && call.kind->kind == "Secret")
    errors.invalid_omitted("patch", why);
  else
    errors.invalid("patch", Json(shown), why);
  return errors.to_failure(Kind(), "");
}

const char* json_kind(const Json& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  return value.is_boolean() ? "bool" : "number";
}

// A patch may turn an object into one of another kind, which then is decoded as that kind. "" when it did not.
std::string kind_error(const Kind& kind, const Json& object) {
  for (const char* field : {"kind", "apiVersion"}) {
    const Json* value = find(object, field);
    if (value != nullptr && !value->is_string() && !value->is_null())
      return fmt::format(
          "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go struct field .{} of type "
          "string",
          json_kind(*value), field);
  }
  std::string version = string_at(object, "apiVersion"), name = string_at(object, "kind");
  if (version.empty()) version = kind.api_version();
  if (name.empty()) name = kind.kind;
  if (version == kind.api_version() && name == kind.kind) return "";
  if (std::count(version.begin(), version.end(), '/') > 1) return "unexpected GroupVersion string: " + version;
  const auto other = std::find_if(kinds().begin(), kinds().end(), [&](const Kind& candidate) {
    return candidate.api_version() == version && candidate.kind == name;
  });
  if (other == kinds().end())
    return fmt::format(
        "no kind \"{}\" is registered for version \"{}\" in scheme "
        "\"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\"",
        name, version);
  if (const auto decoded = decode_object(dump_json(object), *other->type); !decoded) return decoded.error().message;
  return fmt::format("converting ({}.{}) to ({}.{}): unknown conversion", other->version, name,
                     kind.group.empty() ? "core" : split(kind.group, '.')[0], kind.kind);
}

std::string strategic_error(const Json& object, const Kind& kind, const std::string& decoder) {
  std::string why = unstructured_error(object, *kind.type);
  if (!why.empty()) return why;
  return (decoder.starts_with("illegal base64") ? "error decoding from json: " : "") + decoder;
}

}  // namespace

Outcome<Json> check_patched(Call& call, const Json& object, const Json& patch, bool strategic) {
  const std::string text = dump_json(object);
  const auto show = [&] {
    if (strategic) return go_plain(patch);
    Json whole = object;
    unpack_owners(whole);
    return dump_json(whole);
  };
  if (!strategic)
    if (const std::string why = kind_error(*call.kind, object); !why.empty()) return refused(call, show(), why);
  if (const auto decoded = decode_fields(call, *call.kind, text); !decoded) {
    const std::string& why = decoded.error().message;
    return refused(call, show(), strategic ? strategic_error(object, *call.kind, why) : why);
  }
  call.warnings.clear();  // the second look finds them again
  auto checked = check_object(call, *call.kind, text);
  return checked.ok() ? checked : refused(call, show(), checked.failure().message);
}

}  // namespace fracta::devcluster
