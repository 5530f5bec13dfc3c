// OpenAPI documents made from the schema: v3 per group version (what kubectl from 1.27 on validates, applies and
// explains with) and v2 for the kubectl before it.
#include <set>

#include "devcluster/front/discovery.hpp"
#include "devcluster/front/openapi_protobuf.hpp"
#include "devcluster/schema/descriptions.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

class Documents {
 public:
  explicit Documents(bool v3) : v3_(v3) {}

  // Adds the type and everything it refers to.
  void add(const StructType& type) {
    if (!seen_.insert(type.open_api).second) return;
    Json properties = Json::object();
    Json required = Json::array();
    for (const Field& field : type.fields) {
      properties[field.name] = property(type, field);
      if (field.required) required.push_back(field.name);
    }
    Json result = {{"type", "object"}, {"description", description_of(type)}, {"properties", std::move(properties)}};
    if (!required.empty()) result["required"] = std::move(required);
    Json kinds_of_type = Json::array();
    for (const Kind& kind : kinds()) {
      if (kind.type == &type)
        kinds_of_type.push_back({{"group", kind.group}, {"version", kind.version}, {"kind", kind.kind}});
    }
    if (!kinds_of_type.empty()) result["x-kubernetes-group-version-kind"] = std::move(kinds_of_type);
    schemas[type.open_api] = std::move(result);
  }

  void add_list(const Kind& kind) {
    Json items = {{"type", "array"}, {"items", value_of(*kind.type)}};
    schemas[kind.type->open_api + "List"] = {
        {"type", "object"},
        {"description", "A list of objects of kind " + kind.kind + "."},
        {"properties",
         {{"apiVersion", {{"type", "string"}}},
          {"kind", {{"type", "string"}}},
          {"items", std::move(items)},
          {"metadata", value_of(*schema().find("meta.ListMeta"))}}},
        {"required", {"items"}},
        {"x-kubernetes-group-version-kind",
         Json::array({{{"group", kind.group}, {"version", kind.version}, {"kind", kind.kind + "List"}}})}};
  }

  Json reference(const StructType& type) {
    add(type);
    return reference(type.open_api);
  }

  Json schemas = Json::object();

 private:
  [[nodiscard]] Json reference(const std::string& name) const {
    return {{"$ref", (v3_ ? "#/components/schemas/" : "#/definitions/") + name}};
  }
  // In v3 other words may not stand beside a reference.
  [[nodiscard]] Json beside(Json reference) const {
    return v3_ ? Json{{"allOf", Json::array({std::move(reference)})}} : reference;
  }
  Json value_of(const StructType& type) { return beside(reference(type)); }
  // Scalars with a name of their own, which explain shows.
  Json scalar(const std::string& name, Json definition) {
    const std::string full = "io.k8s.apimachinery.pkg." + name;
    schemas.emplace(full, std::move(definition));
    return beside(reference(full));
  }

  Json value(const TypeRef& type) {
    using Type = TypeRef::Kind;
    switch (type.kind) {
      case Type::kString:
        return {{"type", "string"}};
      case Type::kQuantity:
        // Numbers are understood too; a v2 string says so by itself to the clients that check.
        if (v3_)
          return scalar("api.resource.Quantity",
                        {{"oneOf", Json::array({{{"type", "string"}}, {{"type", "number"}}})}});
        return scalar("api.resource.Quantity", {{"type", "string"}});
      case Type::kInt32:
        return {{"type", "integer"}, {"format", "int32"}};
      case Type::kInt64:
        return {{"type", "integer"}, {"format", "int64"}};
      case Type::kFloat:
        return {{"type", "number"}, {"format", "double"}};
      case Type::kBool:
        return {{"type", "boolean"}};
      case Type::kBytes:
        return {{"type", "string"}, {"format", "byte"}};
      case Type::kTime:
        return scalar("apis.meta.v1.Time", {{"type", "string"}, {"format", "date-time"}});
      case Type::kMicroTime:
        return scalar("apis.meta.v1.MicroTime", {{"type", "string"}, {"format", "date-time"}});
      case Type::kIntOrString: {
        Json either = {{"type", "string"}, {"format", "int-or-string"}};
        if (v3_)
          either = {{"oneOf", Json::array({{{"type", "integer"}}, {{"type", "string"}}})}, {"format", "int-or-string"}};
        return scalar("util.intstr.IntOrString", std::move(either));
      }
      case Type::kAny:
        return {{"type", "object"}};
      case Type::kStruct:
        return value_of(*type.type);
      case Type::kList:
        return {{"type", "array"}, {"items", value(*type.element)}};
      case Type::kMap:
        return {{"type", "object"}, {"additionalProperties", value(*type.element)}};
    }
    return Json::object();
  }

  Json property(const StructType& type, const Field& field) {
    Json result = value(field.type);
    // Beside a reference of v2 stands nothing but its description.
    const std::string text = description_of(type, field);
    if (!text.empty() || !result.contains("$ref")) result["description"] = text;
    if (field.merge)
      result["x-kubernetes-patch-strategy"] = field.retain_keys ? "merge,retainKeys" : "merge";
    else if (field.retain_keys)
      result["x-kubernetes-patch-strategy"] = "retainKeys";
    if (!field.merge_key.empty()) result["x-kubernetes-patch-merge-key"] = field.merge_key;
    if (field.list == Field::List::kMap) {
      result["x-kubernetes-list-type"] = "map";
      result["x-kubernetes-list-map-keys"] = field.list_keys;
    } else if (field.list == Field::List::kSet) {
      result["x-kubernetes-list-type"] = "set";
    } else if (field.list == Field::List::kAtomic) {
      result[field.type.kind == TypeRef::Kind::kList ? "x-kubernetes-list-type" : "x-kubernetes-map-type"] = "atomic";
    }
    return result;
  }

  bool v3_;
  std::set<std::string> seen_;
};

Json query_parameter(const char* name, const char* type, bool v3) {
  Json parameter = {{"name", name}, {"in", "query"}};
  Json& form = v3 ? parameter["schema"] : parameter;
  form["type"] = type;
  form["uniqueItems"] = true;
  return parameter;
}

Json path_parameter(const char* name, bool v3) {
  Json parameter = query_parameter(name, "string", v3);
  parameter["in"] = "path";
  parameter["required"] = true;
  return parameter;
}

// What the path items of one document share.
struct Paths {
  Documents& documents;
  bool v3;
  Json paths = Json::object();

  void body(Json& operation, const StructType& type, bool required) {
    Json schema = documents.reference(type);
    if (v3) {
      operation["requestBody"] = {{"content", {{"*/*", {{"schema", std::move(schema)}}}}}};
      if (required) operation["requestBody"]["required"] = true;
      return;
    }
    Json parameter = {{"name", "body"}, {"in", "body"}, {"schema", std::move(schema)}};
    if (required) parameter["required"] = true;
    operation["parameters"].push_back(std::move(parameter));
  }

  Json operation(const Kind& kind, const std::string& action) {
    Json result = {
        {"responses", {{"200", {{"description", "OK"}}}, {"401", {{"description", "Unauthorized"}}}}},
        {"parameters", Json::array()},
        {"x-kubernetes-action", action},
        {"x-kubernetes-group-version-kind", {{"group", kind.group}, {"version", kind.version}, {"kind", kind.kind}}}};
    Json& parameters = result["parameters"];
    if (action == "delete") {
      body(result, *schema().find("meta.DeleteOptions"), false);
      for (const char* name : {"dryRun", "propagationPolicy"})
        parameters.push_back(query_parameter(name, "string", v3));
      parameters.push_back(query_parameter("gracePeriodSeconds", "integer", v3));
    } else if (action == "post" || action == "put" || action == "patch") {
      // The body of a patch is whatever its content type says.
      if (action != "patch") body(result, *kind.type, true);
      for (const char* name : {"dryRun", "fieldManager", "fieldValidation"})
        parameters.push_back(query_parameter(name, "string", v3));
      if (action == "patch") parameters.push_back(query_parameter("force", "boolean", v3));
    }
    if (!v3) {
      result["produces"] = {"application/json", "application/yaml"};
      result["consumes"] = {"*/*"};
      if (action == "patch")
        result["consumes"] = {"application/json-patch+json", "application/merge-patch+json",
                              "application/strategic-merge-patch+json", "application/apply-patch+yaml"};
    }
    return result;
  }

  void add(const Kind& kind) {
    std::string base = kind.group.empty() ? "/api/v1/" : "/apis/" + kind.group + "/v1/";
    Json shared = Json::array();
    if (kind.namespaced) {
      base += "namespaces/{namespace}/";
      shared.push_back(path_parameter("namespace", v3));
    }
    base += kind.plural;
    paths[base] = {{"parameters", shared}, {"post", operation(kind, "post")}};
    if (!kind.stored) return;
    paths[base]["get"] = operation(kind, "list");
    shared.push_back(path_parameter("name", v3));
    Json& one = paths[base + "/{name}"];
    one = {{"parameters", std::move(shared)}};
    for (const char* method : {"get", "put", "patch", "delete"}) one[method] = operation(kind, method);
  }
};

std::string document_name(const std::string& group) { return group.empty() ? "api/v1" : "apis/" + group + "/v1"; }

Json index_v3() {
  Json paths = Json::object();
  for (const Kind& kind : kinds()) {
    const std::string name = document_name(kind.group);
    paths[name] = {{"serverRelativeURL", "/openapi/v3/" + name + "?hash=" + sha256_hex(name + kVersion).substr(0, 32)}};
  }
  return {{"paths", std::move(paths)}};
}

Json document(const std::string* only, bool v3) {
  Documents documents(v3);
  Paths paths{documents, v3};
  for (const Kind& kind : kinds()) {
    if (only != nullptr && document_name(kind.group) != *only) continue;
    documents.add(*kind.type);
    if (kind.stored) documents.add_list(kind);
    paths.add(kind);
  }
  if (paths.paths.empty()) return {};
  const Json info = {{"title", "Kubernetes"}, {"version", kVersion}};
  if (v3)
    return {{"openapi", "3.0.0"},
            {"info", info},
            {"paths", std::move(paths.paths)},
            {"components", {{"schemas", std::move(documents.schemas)}}}};
  return {{"swagger", "2.0"},
          {"info", info},
          {"paths", std::move(paths.paths)},
          {"definitions", std::move(documents.schemas)}};
}

net::ServerResponse not_acceptable(const Call& call) {
  return answer_failure(
      call, {406, "NotAcceptable", "only the following media types are accepted: application/json", Json()});
}

enum class Media { kJson, kProtobuf, kNone };

// The first form in Accept that is offered. Servers before 1.27 know only the spelling with "@".
Media wanted(const Call& call, const char* version) {
  const std::string accept = call.http->headers.get("Accept").value_or("");
  if (trim(accept).empty()) return Media::kJson;
  const std::string protobuf = std::string("application/com.github.proto-openapi.spec.") + version;
  for (const std::string& entry : split(accept, ',')) {
    const std::string type = to_lower(trim(split(entry, ';').front()));
    if (type == "application/json" || type == "application/*" || type == "*/*") return Media::kJson;
    if (type == protobuf + "@v1.0+protobuf" || type == protobuf + ".v1.0+protobuf") return Media::kProtobuf;
  }
  return Media::kNone;
}

net::ServerResponse serve_v2(const Call& call) {
  const Media media = wanted(call, "v2");
  if (media == Media::kNone) return not_acceptable(call);
  if (media == Media::kJson) return answer_json(call, 200, document(nullptr, false));
  // Clients ask for it before many a command, and it never changes.
  static const std::string encoded = encode_openapi_v2(document(nullptr, false));
  net::ServerResponse response;
  response.status = 200;
  response.headers.set("Content-Type", "application/octet-stream");
  response.headers.set("Cache-Control", "no-cache, private");
  response.body = encoded;
  return response;
}

}  // namespace

net::ServerResponse serve_openapi(const Call& call) {
  net::ServerResponse none;
  none.status = 0;
  const std::string& path = call.http->path;
  if (path == "/openapi/v2") return serve_v2(call);
  constexpr std::string_view kPrefix = "/openapi/v3";
  if (!path.starts_with(kPrefix)) return none;
  if (wanted(call, "v3") != Media::kJson) return not_acceptable(call);
  if (path == kPrefix) return answer_json(call, 200, index_v3());
  if (path[kPrefix.size()] != '/') return none;
  const std::string name = path.substr(kPrefix.size() + 1);
  const Json body = document(&name, true);
  return body.is_null() ? none : answer_json(call, 200, body);
}

}  // namespace fracta::devcluster
