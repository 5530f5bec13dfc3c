// Request bodies and the query parameters of writes.
#include <fmt/format.h>

#include <algorithm>

#include "devcluster/front/context.hpp"
#include "devcluster/schema/decode.hpp"
#include "devcluster/schema/protobuf.hpp"
#include "devcluster/server/stored_form.hpp"
#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta::devcluster {

namespace {

constexpr std::size_t kMostWarnings = 50;
constexpr std::size_t kLongestManager = 128;

std::string media_type(const Call& call) {
  const std::string header = call.http->headers.get("Content-Type").value_or("");
  return to_lower(trim(split(header, ';')[0]));
}

// The body as JSON text.
Outcome<std::string> body_text(const Call& call, const StructType* schema_type) {
  const std::string type = media_type(call);
  if (type == "application/vnd.kubernetes.protobuf" && schema_type != nullptr) {
    const auto decoded = decode_protobuf(call.http->body, *schema_type);
    if (!decoded) return bad_request(decoded.error().message);
    return dump_json(*decoded);
  }
  if (type == "application/yaml") {
    const auto parsed = parse_yaml(call.http->body);
    if (!parsed) return bad_request(parsed.error().message);
    return dump_json(*parsed);
  }
  if (!type.empty() && type != "application/json" && type != "*/*") {
    return unsupported_media_type(
        "the body of the request was in an unknown format - accepted media types include: application/json, "
        "application/yaml, application/vnd.kubernetes.protobuf");
  }
  return call.http->body;
}

bool printable(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// Server-side apply has rules of its own.
void check_patch_options(const Call& call, FieldErrors& errors) {
  if (media_type(call) == "application/apply-patch+yaml") {
    if (call.parameter("fieldManager").empty()) errors.required("fieldManager", "is required for apply patch");
  } else if (call.http->query_parameter("force")) {
    errors.forbidden("force", "may not be specified for non-apply patch");
  }
}

const Kind* find_kind_named(std::string_view api_version, std::string_view name) {
  for (const Kind& kind : kinds()) {
    if (kind.api_version() == api_version && kind.kind == name) return &kind;
  }
  return nullptr;
}

std::string brief(std::string_view text) {
  constexpr std::size_t kMost = 30;
  if (text.empty()) return "<empty>";
  std::string result;
  for (const char c : text.substr(0, kMost))
    result += text[0] == '{' ? std::string(1, c) : fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text.size() > kMost ? result + " ..." : result;
}

// What a text is that is no object, in Go's words; "" for objects, null and what is no JSON at all.
std::string first_word(std::string_view text) {
  const auto parsed = parse_json(text);
  if (!parsed || parsed->is_object() || parsed->is_null()) return "";
  return parsed->is_array() ? "array" : parsed->is_string() ? "string" : parsed->is_boolean() ? "bool" : "number";
}

}  // namespace

// Only delete options come without a kind of their own.
Outcome<Json> read_untyped(const Call& call) {
  auto text = body_text(call, schema().find("meta.DeleteOptions"));
  if (!text.ok()) return text.failure();
  auto parsed = parse_json(*text);
  if (!parsed) return bad_request(parsed.error().message);
  return std::move(*parsed);
}

Result<Json> decode_fields(Call& call, const Kind& kind, std::string_view text) {
  const std::string validation = call.parameter("fieldValidation");
  auto decoded = decode_object(text, *kind.type);
  if (!decoded) return decoded.error();
  if (!decoded->strict_errors.empty() && validation == "Strict")
    return make_error(ErrorCode::kInvalid, "strict decoding error: " + join(decoded->strict_errors, ", "));
  if (validation != "Ignore") {
    for (const std::string& warning : decoded->strict_errors) {
      if (call.warnings.size() < kMostWarnings) call.warnings.push_back(warning);
    }
  }
  return std::move(decoded->object);
}

Outcome<Json> check_object(Call& call, const Kind& kind, std::string_view text) {
  auto decoded = decode_fields(call, kind, text);
  const auto cannot = [&](const std::string& why) {
    return bad_request(
        fmt::format("{0} in version \"{1}\" cannot be handled as a {0}: {2}", kind.kind, kind.version, why));
  };
  if (!decoded) {
    const std::string& why = decoded.error().message;
    const std::string word = first_word(text);
    if (!word.empty()) {
      return bad_request(
          fmt::format("the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse "
                      "error: json: cannot unmarshal {} into Go value of type struct {{ APIVersion string "
                      "\"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }} ({})",
                      kind.kind, word, brief(text)));
    }
    if (!why.starts_with("invalid character") && !why.starts_with("unexpected end")) return cannot(why);
    return bad_request(
        fmt::format("the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse "
                    "error: {} ({})",
                    kind.kind, why, brief(text)));
  }
  Json& object = *decoded;
  const std::string api_version = string_at(object, "apiVersion");
  const std::string own_kind = string_at(object, "kind");
  if ((!api_version.empty() && api_version != kind.api_version()) || (!own_kind.empty() && own_kind != kind.kind)) {
    const std::string version = api_version.empty() ? kind.api_version() : api_version;
    const std::string given = own_kind.empty() ? kind.kind : own_kind;
    const Kind* shown = find_kind_named(version, given);
    if (shown != nullptr && shown != &kind && &stored_kind(*shown) == &stored_kind(kind)) {
      return bad_request(fmt::format("the API version in the data ({}) does not match the expected API version ({})",
                                     version, kind.api_version()));
    }
    // A kind that is known, but has its place elsewhere.
    if (const Kind* other = find_kind_named(version, given); other != nullptr && version == kind.api_version()) {
      return bad_request(fmt::format(
          "{0} in version \"{1}\" cannot be handled as a {2}: converting ({3}.{0}) to ({4}.{2}): "
          "unknown conversion",
          given, kind.version, kind.kind, other->version, kind.group.empty() ? "core" : split(kind.group, '.')[0]));
    }
    return bad_request(
        fmt::format("{0} in version \"{1}\" cannot be handled as a {2}: no kind \"{0}\" is registered for version "
                    "\"{3}\" in scheme \"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\"",
                    given, split(version, '/').back(), kind.kind, version));
  }
  object["apiVersion"] = kind.api_version();
  object["kind"] = kind.kind;
  return std::move(object);
}

Outcome<Json> read_object(Call& call, const Kind& kind) {
  auto text = body_text(call, kind.type);
  if (!text.ok()) return text.failure();
  return check_object(call, kind, *text);
}

Outcome<WriteOptions> write_options(Call& call) {
  WriteOptions options;
  FieldErrors errors;
  if (const auto dry_run = call.http->query_parameter("dryRun"); dry_run && !dry_run->empty()) {
    if (*dry_run != "All") errors.not_supported_text("dryRun", go_strings(Json::array({*dry_run})), {"All"});
    options.dry_run = true;
  }
  if (const auto validation = call.http->query_parameter("fieldValidation"); validation && !validation->empty()) {
    if (*validation != "Ignore" && *validation != "Warn" && *validation != "Strict") {
      errors.not_supported("fieldValidation", *validation, {"", "Ignore", "Strict", "Warn"});
    }
  }
  options.field_manager = call.parameter("fieldManager");
  if (options.field_manager.size() > kLongestManager) errors.too_long("fieldManager", kLongestManager);
  for (std::size_t i = 0; i < options.field_manager.size(); ++i) {
    const char c = options.field_manager[i];
    if (!printable(std::string_view(&c, 1))) {
      errors.invalid("fieldManager", options.field_manager,
                     fmt::format("invalid character U+{:04X} (at position {})", static_cast<unsigned char>(c), i));
    }
  }
  if (call.verb == "patch") check_patch_options(call, errors);
  if (!errors.empty()) {
    Kind kind;
    kind.group = "meta.k8s.io";
    kind.kind = call.verb == "create" ? "CreateOptions" : call.verb == "patch" ? "PatchOptions" : "UpdateOptions";
    return errors.to_failure(kind, "");
  }
  if (options.field_manager.empty()) {
    // The first word of the User-Agent, up to '/'.
    const std::string agent = call.http->headers.get("User-Agent").value_or("");
    for (const char c : agent.substr(0, agent.find('/'))) {
      if (printable(std::string_view(&c, 1)) && options.field_manager.size() < kLongestManager)
        options.field_manager += c;
    }
  }
  options.user = call.user.name;
  options.asker = &call.user;
  options.warnings = &call.warnings;
  return options;
}

}  // namespace fracta::devcluster
