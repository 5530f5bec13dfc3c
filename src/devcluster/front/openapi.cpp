// OpenAPI documents made from the schema: v3 per group version (what kubectl validates, applies and explains with) and
// v2 as JSON.
#include <set>

#include "devcluster/front/discovery.hpp"
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
      properties[field.name] = property(field);
      if (field.required) required.push_back(field.name);
    }
    Json result = {{"type", "object"}, {"description", ""}, {"properties", std::move(properties)}};
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
    Json items = {{"type", "array"}, {"items", reference(*kind.type)}};
    schemas[kind.type->open_api + "List"] = {
        {"type", "object"},
        {"description", ""},
        {"properties",
         {{"apiVersion", {{"type", "string"}}},
          {"kind", {{"type", "string"}}},
          {"items", std::move(items)},
          {"metadata", {{"type", "object"}}}}},
        {"required", {"items"}},
        {"x-kubernetes-group-version-kind",
         Json::array({{{"group", kind.group}, {"version", kind.version}, {"kind", kind.kind + "List"}}})}};
  }

  Json schemas = Json::object();

 private:
  Json reference(const StructType& type) {
    add(type);
    return {{"$ref", (v3_ ? "#/components/schemas/" : "#/definitions/") + type.open_api}};
  }

  Json value(const TypeRef& type) {
    using Type = TypeRef::Kind;
    switch (type.kind) {
      case Type::kString:
      case Type::kQuantity:
        return {{"type", "string"}};
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
      case Type::kMicroTime:
        return {{"type", "string"}, {"format", "date-time"}};
      case Type::kIntOrString:
        if (v3_)
          return {{"oneOf", Json::array({{{"type", "integer"}}, {{"type", "string"}}})}, {"format", "int-or-string"}};
        return {{"type", "string"}, {"format", "int-or-string"}};
      case Type::kAny:
        return {{"type", "object"}};
      case Type::kStruct:
        return v3_ ? Json{{"allOf", Json::array({reference(*type.type)})}} : reference(*type.type);
      case Type::kList:
        return {{"type", "array"}, {"items", value(*type.element)}};
      case Type::kMap:
        return {{"type", "object"}, {"additionalProperties", value(*type.element)}};
    }
    return Json::object();
  }

  Json property(const Field& field) {
    Json result = value(field.type);
    if (!result.contains("$ref")) result["description"] = "";
    if (field.merge) result["x-kubernetes-patch-strategy"] = field.retain_keys ? "merge,retainKeys" : "merge";
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

Json query_parameter(const char* name, bool v3) {
  Json parameter = {{"name", name}, {"in", "query"}};
  if (v3)
    parameter["schema"] = {{"type", "string"}, {"uniqueItems", true}};
  else
    parameter["type"] = "string";
  return parameter;
}

Json operation(const Kind& kind, const char* action, bool v3) {
  Json parameters = Json::array();
  const std::string word = action;
  if (word == "post" || word == "put" || word == "patch") {
    for (const char* name : {"dryRun", "fieldManager", "fieldValidation"})
      parameters.push_back(query_parameter(name, v3));
  }
  if (word == "patch") parameters.push_back(query_parameter("force", v3));
  return {{"responses", {{"200", {{"description", "OK"}}}, {"401", {{"description", "Unauthorized"}}}}},
          {"parameters", std::move(parameters)},
          {"x-kubernetes-action", action},
          {"x-kubernetes-group-version-kind", {{"group", kind.group}, {"version", kind.version}, {"kind", kind.kind}}}};
}

void add_paths(Json& paths, const Kind& kind, bool v3) {
  std::string base = kind.group.empty() ? "/api/v1/" : "/apis/" + kind.group + "/v1/";
  if (kind.namespaced) base += "namespaces/{namespace}/";
  base += kind.plural;
  paths[base] = {{"post", operation(kind, "post", v3)}};
  if (!kind.stored) return;
  paths[base]["get"] = operation(kind, "list", v3);
  paths[base + "/{name}"] = {{"get", operation(kind, "get", v3)},
                             {"put", operation(kind, "put", v3)},
                             {"patch", operation(kind, "patch", v3)},
                             {"delete", operation(kind, "delete", v3)}};
}

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
  Json paths = Json::object();
  for (const Kind& kind : kinds()) {
    if (only != nullptr && document_name(kind.group) != *only) continue;
    documents.add(*kind.type);
    if (kind.stored) documents.add_list(kind);
    add_paths(paths, kind, v3);
  }
  if (paths.empty()) return {};
  const Json info = {{"title", "Kubernetes"}, {"version", kVersion}};
  if (v3)
    return {{"openapi", "3.0.0"},
            {"info", info},
            {"paths", std::move(paths)},
            {"components", {{"schemas", std::move(documents.schemas)}}}};
  return {
      {"swagger", "2.0"}, {"info", info}, {"paths", std::move(paths)}, {"definitions", std::move(documents.schemas)}};
}

}  // namespace

net::ServerResponse serve_openapi(const Call& call) {
  net::ServerResponse none;
  none.status = 0;
  const std::string& path = call.http->path;
  const std::string accept = call.http->headers.get("Accept").value_or("");
  const bool only_protobuf = accept.find("protobuf") != std::string::npos && accept.find("json") == std::string::npos &&
                             accept.find("*/*") == std::string::npos;
  if (path.starts_with("/openapi/") && only_protobuf) {
    return answer_failure(
        call, {406, "NotAcceptable", "only the following media types are accepted: application/json", Json()});
  }
  if (path == "/openapi/v2") return answer_json(call, 200, document(nullptr, false));
  if (path == "/openapi/v3") return answer_json(call, 200, index_v3());
  constexpr std::string_view kPrefix = "/openapi/v3/";
  if (!path.starts_with(kPrefix)) return none;
  const std::string name = path.substr(kPrefix.size());
  const Json body = document(&name, true);
  return body.is_null() ? none : answer_json(call, 200, body);
}

}  // namespace fracta::devcluster
