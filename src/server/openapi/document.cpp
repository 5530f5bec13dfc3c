#include "server/openapi/document.hpp"

#include <nlohmann/json.hpp>

#include "fracta/base/check.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/yaml.hpp"
#include "fracta/credentials/provider.hpp"
#include "server/answers.hpp"
#include "server/credentials/replies.hpp"
#include "server/routes.hpp"

namespace fracta::server {
namespace {

// What every operation can be answered with, besides its own.
void add_common_answers(Json& operation, const std::string& failure) {
  if (operation.contains("public")) return;
  for (const char* status : {"401", "403", "429"})
    if (!operation["responses"].contains(status)) operation["responses"][status] = {{"$ref", failure}};
}

// "200": <schema> becomes "200": {description, content}.
Json full_answer(const std::string& status, const Json& schema, const std::string& media) {
  const auto text = net::status_text(static_cast<int>(std::strtol(status.c_str(), nullptr, 10)));
  Json answer = {{"description", text.empty() ? "Answer" : std::string(text)}};
  if (!schema.empty()) answer["content"][media] = {{"schema", schema}};
  return answer;
}

// From the short form the texts are written in to OpenAPI's.
Json full_operation(const Json& brief, const Json& path_parameters, const std::string& failure) {
  Json operation = brief;
  if (!operation.contains("responses")) operation["responses"] = Json::object();
  add_common_answers(operation, failure);
  Json answers = Json::object();
  for (const auto& [status, schema] : operation["responses"].items())
    answers[status] = full_answer(status, schema, "application/json");
  if (const Json* texts = find(brief, "texts"))
    for (const auto& status : *texts)
      answers[status.get<std::string>()] = full_answer(status, {{"type", "string"}}, "text/plain");
  if (const Json* media = find(brief, "streams"))
    answers["200"] = full_answer("200", {{"type", "string"}}, media->get<std::string>());
  operation["responses"] = std::move(answers);
  if (const Json* body = find(brief, "body"))
    operation["requestBody"] = {{"required", !brief.contains("bodyOptional")},
                                {"content", {{"application/json", {{"schema", *body}}}}}};
  if (brief.contains("public")) operation["security"] = Json::array();
  if (!path_parameters.is_null()) {
    Json all = path_parameters;
    if (const Json* own = find(brief, "parameters")) all.insert(all.end(), own->begin(), own->end());
    operation["parameters"] = std::move(all);
  }
  for (const char* shorthand : {"body", "bodyOptional", "texts", "streams", "public"}) operation.erase(shorthand);
  return operation;
}

Json full_path(const Json& brief, const Json& more_parameters, const std::string& failure) {
  Json parameters = Json::array();
  if (const Json* own = find(brief, "parameters")) parameters = *own;
  parameters.insert(parameters.end(), more_parameters.begin(), more_parameters.end());
  Json out = Json::object();
  for (const auto& [method, operation] : brief.items())
    if (method != "parameters") out[method] = full_operation(operation, parameters, failure);
  return out;
}

// operationIds must be unique: those of aliases get a number.
void number_operations(Json& path, std::size_t alias) {
  if (alias == 0) return;
  for (auto& [method, operation] : path.items())
    operation["operationId"] = string_at(operation, "operationId") + std::to_string(alias + 1);
}

void add_credential_path(Json& paths, const std::string& pattern, const Json& brief) {
  constexpr std::string_view kPlace = "{credentials}";
  const std::string failure = "#/components/schemas/Error";
  if (!pattern.starts_with(kPlace)) {
    paths[pattern] = full_path(brief, Json::array(), failure);
    return;
  }
  for (std::size_t i = 0; i < credential_prefixes().size(); ++i) {
    const std::string& prefix = credential_prefixes()[i];
    Json more = Json::array();
    if (prefix.find("{project}") != std::string::npos)
      more.push_back({{"name", "project"},
                      {"in", "path"},
                      {"required", true},
                      {"schema", {{"type", "string"}}},
                      {"example", "any"},
                      {"description", "Not looked at: a controlplane has one namespace."}});
    Json path = full_path(brief, more, failure);
    number_operations(path, i);
    paths[prefix + pattern.substr(kPlace.size())] = std::move(path);
  }
}

Json parsed(std::string_view text) {
  auto yaml = parse_yaml(text);
  check(yaml.ok(), yaml ? "" : "openapi: " + yaml.error().message);
  return *std::move(yaml);
}

Json provider_schema() {
  Json names = Json::array();
  std::string text;
  for (const auto& provider : credentials::providers()) {
    names.push_back(std::string(provider.name));
    text += "- `" + std::string(provider.name) + "`: " + std::string(provider.description) + "\n";
  }
  return {{"type", "string"}, {"enum", std::move(names)}, {"description", std::move(text)}};
}

Json build(std::string_view version) {
  Json paths = Json::object();
  Json schemas = Json::object();
  const auto add_schemas = [&](const Json& part) {
    for (const auto& [name, schema] : part.at("schemas").items()) schemas[name] = schema;
  };
  for (const auto text : {openapi_agents(), openapi_system()}) {
    const Json part = parsed(text);
    for (const auto& [pattern, brief] : part.at("paths").items())
      paths[pattern] = full_path(brief, Json::array(), "#/components/schemas/Failure");
    add_schemas(part);
  }
  const Json part = parsed(openapi_credentials());
  for (const auto& [pattern, brief] : part.at("paths").items()) add_credential_path(paths, pattern, brief);
  add_schemas(part);
  schemas["Provider"] = provider_schema();
  return {
      {"openapi", "3.0.3"},
      {"info", {{"title", "Fracta controlplane"}, {"version", std::string(version)}}},
      {"security", {{{"bearer", Json::array()}}}},
      {"paths", std::move(paths)},
      {"components",
       {{"schemas", std::move(schemas)}, {"securitySchemes", {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}}}}}}};
}

}  // namespace

std::shared_ptr<const Json> openapi_document(std::string_view version) {
  return std::make_shared<const Json>(build(version));
}

void add_openapi_routes(net::Router& router, Context& context) {
  // Built once, when the daemon starts; it is a few milliseconds.
  const auto text = std::make_shared<const std::string>(dump_json(*openapi_document(context.options.version)) + "\n");
  for (const char* path : {"/api/v1/openapi.json", "/api/ambient/v1/openapi"})
    add_route(router, context, "GET", path, need::kIdentity,
              [text](const net::ServerRequest&) { return net::ServerResponse::json(200, *text); });
}

}  // namespace fracta::server
