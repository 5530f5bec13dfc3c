// whoami and can-i: what a caller may ask about itself
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "server/answers.hpp"
#include "server/requests.hpp"
#include "server/routes.hpp"

namespace fracta::server {

namespace {

struct Known {
  const char *verb, *resource, *subresource;
};
// Everything this API ever asks for.
constexpr Known kKnown[] = {
    {"list", "agents", ""},        {"get", "agents", ""},          {"watch", "agents", ""},
    {"create", "agents", ""},      {"delete", "agents", ""},       {"get", "agents", "log"},
    {"get", "agents", "events"},   {"create", "agents", "events"}, {"list", "credentials", ""},
    {"get", "credentials", ""},    {"create", "credentials", ""},  {"update", "credentials", ""},
    {"delete", "credentials", ""}, {"bind", "credentials", ""},    {"fetch_token", "credentials", ""},
};

net::ServerResponse whoami(const Caller& caller) {
  const auto& identity = caller.identity();
  Json body = {{"user", identity.name}, {"anonymous", identity.name.empty()}, {"groups", identity.groups}};
  if (!identity.uid.empty()) body["uid"] = identity.uid;
  if (!identity.extra.empty()) body["extra"] = identity.extra;
  if (identity.pod)
    body["pod"] = {{"namespace", identity.pod->ns}, {"name", identity.pod->name}, {"uid", identity.pod->uid}};
  return json_answer(200, body);
}

Result<Attributes> decode_question(const Json& body) {
  Attributes asked;
  const std::pair<const char*, std::string*> fields[] = {
      {"verb", &asked.verb}, {"resource", &asked.resource}, {"subresource", &asked.subresource}, {"name", &asked.name}};
  for (const auto& [key, target] : fields) {
    const auto* value = find(body, key);
    if (value == nullptr || value->is_null()) continue;
    if (!value->is_string() || value->get_ref<const std::string&>().size() > 253)
      return make_error(ErrorCode::kInvalid, std::string("invalid request body: field \"") + key +
                                                 "\" must be a string of at most 253 bytes");
    *target = value->get<std::string>();
  }
  if (asked.verb.empty()) return make_error(ErrorCode::kInvalid, "missing required field: verb");
  // Others would let anybody use this controlplane to ask the cluster about anything.
  if (asked.resource != "agents" && asked.resource != "credentials")
    return make_error(ErrorCode::kInvalid, "field \"resource\" must be agents or credentials");
  return asked;
}

net::ServerResponse can_i(const net::ServerRequest& request, const Caller& caller) {
  auto body = read_json_body(request, false);
  if (body.refused) return *body.refused;
  const auto asked = decode_question(*body.body);
  if (!asked) return error_answer(asked.error());
  const auto allowed = caller.may(*asked);
  if (!allowed && allowed.error().code != ErrorCode::kForbidden) return access_refused(allowed.error());
  Json answer = {{"allowed", allowed.ok()}};
  if (!allowed) answer["reason"] = allowed.error().message;
  return json_answer(200, answer);
}

net::ServerResponse everything_i_can(const Caller& caller) {
  Json list = Json::array();
  for (const auto& [verb, resource, subresource] : kKnown) {
    const auto allowed =
        caller.may({.verb = verb, .resource = resource, .subresource = subresource, .name = "", .url = ""});
    if (!allowed && allowed.error().code != ErrorCode::kForbidden) return access_refused(allowed.error());
    list.push_back({{"verb", verb}, {"resource", resource}, {"subresource", subresource}, {"allowed", allowed.ok()}});
  }
  return json_answer(200, {{"permissions", std::move(list)}});
}

}  // namespace

void add_access_routes(net::Router& router, Context& context) {
  add_caller_route(router, context, "GET", "/api/v1/auth/whoami", need::kIdentity,
                   [](const net::ServerRequest&, const Caller& caller) { return whoami(caller); });
  add_caller_route(router, context, "GET", "/api/v1/auth/can-i", need::kIdentity,
                   [](const net::ServerRequest&, const Caller& caller) { return everything_i_can(caller); });
  add_caller_route(router, context, "POST", "/api/v1/auth/can-i", need::kQuestion,
                   [](const net::ServerRequest& request, const Caller& caller) { return can_i(request, caller); });
}

}  // namespace fracta::server
