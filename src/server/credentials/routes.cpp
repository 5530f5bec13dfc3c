// Stored credentials: list, create, get, change, delete, token; and who uses them. Served alike at /api/v1, at
// ambient's prefix and below its projects (whose id means nothing to a controlplane of one namespace).
#include "server/routes.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "server/answers.hpp"
#include "server/credentials/access.hpp"
#include "server/credentials/bodies.hpp"
#include "server/credentials/listing.hpp"
#include "server/credentials/replies.hpp"
#include "server/credentials/usage.hpp"
#include "server/requests.hpp"

namespace fracta::server {
namespace {

using credentials::CredentialStore;
using credentials::StoredCredential;
using net::ServerRequest;
using net::ServerResponse;

using Handler = ServerResponse (*)(Context&, CredentialStore&, const ServerRequest&, const Caller&);

ServerResponse shutting_down() { return credential_error(ApiError::kGeneral, "shutting down", 503); }

// The credential `{id}` names and whoever asks may `verb`; or the answer.
struct Found {
  std::optional<StoredCredential> credential;
  std::optional<ServerResponse> refused;
};
Found find_credential(CredentialStore& store, const ServerRequest& request, const Caller& caller,
                      std::string_view verb) {
  const std::string id = request.path_parameter("id");
  auto credential = store.get(id);
  if (!credential) {
    if (credential.error().code == ErrorCode::kNotFound) return {{}, credential_not_found(id)};
    return {{}, credential_error(credential.error())};
  }
  caller.about(credential->name);
  if (auto refused = refuse_access(caller, verb, *credential)) return {{}, std::move(refused)};
  return {*std::move(credential), {}};
}

// 412 when the caller has seen another version.
std::optional<ServerResponse> refuse_version(const ServerRequest& request, const StoredCredential& credential) {
  const auto wanted = request.headers.get("If-Match");
  if (!wanted || tag_matches(*wanted, credential)) return {};
  return credential_error(ApiError::kConflict, "the credential was changed meanwhile; read it again", 412);
}

ServerResponse list(Context&, CredentialStore& store, const ServerRequest& request, const Caller& caller) {
  auto query = parse_list_query(request);
  if (query.refused) return *query.refused;
  auto all = store.list();
  if (!all) return credential_error(all.error());
  const auto everything = may(caller, "list", "");
  if (!everything && everything.error().code != ErrorCode::kForbidden) return credential_error(everything.error());
  if (everything) return list_reply(*query.query, *std::move(all));
  // Who may not list all of them sees those they may get.
  std::vector<StoredCredential> visible;
  for (auto& credential : *all) {
    const auto one = may(caller, "get", credential.name);
    if (!one && one.error().code != ErrorCode::kForbidden) return credential_error(one.error());
    if (one) visible.push_back(std::move(credential));
  }
  return list_reply(*query.query, std::move(visible));
}

ServerResponse create(Context& context, CredentialStore& store, const ServerRequest& request, const Caller& caller) {
  auto body = decode_new_credential(request);
  if (body.refused) return *body.refused;
  caller.about(body.change->name.value_or(""));
  if (auto allowed = may(caller, "create", ""); !allowed) return credential_error(allowed.error());
  if (context.shutting_down()) return shutting_down();
  auto created = store.create(*body.change);
  if (!created) return credential_error(created.error());
  return credential_reply(201, created->credential, created->warnings);
}

ServerResponse get(Context&, CredentialStore& store, const ServerRequest& request, const Caller& caller) {
  auto found = find_credential(store, request, caller, "get");
  if (found.refused) return *found.refused;
  return credential_reply(200, *found.credential);
}

ServerResponse update(Context& context, CredentialStore& store, const ServerRequest& request, const Caller& caller) {
  auto body = decode_credential_patch(request);
  if (body.refused) return *body.refused;
  auto found = find_credential(store, request, caller, "update");
  if (found.refused) return *found.refused;
  const auto& credential = *found.credential;
  // The name decides who may use it: giving it another one is like creating that one.
  if (body.change->name && *body.change->name != credential.name)
    if (auto allowed = may(caller, "create", ""); !allowed) return credential_error(allowed.error());
  if (auto refused = refuse_version(request, credential)) return *refused;
  if (request.headers.has("If-Match")) body.change->resource_version = credential.resource_version;
  if (context.shutting_down()) return shutting_down();
  auto updated = store.update(credential.id, *body.change);
  if (!updated) return credential_error(updated.error());
  return credential_reply(200, updated->credential, updated->warnings);
}

ServerResponse remove(Context& context, CredentialStore& store, const ServerRequest& request, const Caller& caller) {
  const auto force = bool_parameter(request, "force");
  if (!force) return credential_error(ApiError::kBadRequest, force.error().message);
  const std::string id = request.path_parameter("id");
  auto credential = store.get(id);
  if (!credential) {
    if (credential.error().code != ErrorCode::kNotFound) return credential_error(credential.error());
    // Gone already is as good as deleted, for whoever may delete at all.
    return may(caller, "delete", "") ? ServerResponse{.status = 204} : credential_not_found(id);
  }
  caller.about(credential->name);
  if (auto refused = refuse_access(caller, "delete", *credential)) return *refused;
  if (auto refused = refuse_version(request, *credential)) return *refused;
  if (context.shutting_down()) return shutting_down();
  if (!*force) {
    const auto usage = usage_of(context.control_plane, store, *credential);
    if (!usage) return credential_error(usage.error());
    if (!usage->empty())
      return credential_error(ApiError::kConflict, "credential \"" + credential->name + "\" is " + usage->to_string() +
                                                       "; unbind it first, or delete it with force=true");
  }
  // Bound by somebody since it was looked at: that is a change, too.
  const bool as_seen = !*force || request.headers.has("If-Match");
  if (auto removed = store.remove(id, as_seen ? credential->resource_version : ""); !removed)
    return credential_error(removed.error());
  return {.status = 204};
}

// Read by agents all the time: If-None-Match makes that cheap.
ServerResponse token(Context& context, CredentialStore& store, const ServerRequest& request, const Caller& caller) {
  const std::string id = request.path_parameter("id");
  const auto pod = pod_access(context.control_plane, caller, id);
  if (!pod) return credential_error(pod.error());
  if (*pod == PodAccess::kForeign) return credential_not_found(id);
  if (*pod == PodAccess::kNoAgent) {
    const auto found = find_credential(store, request, caller, "fetch_token");
    if (found.refused) return *found.refused;
  }
  // A thousand agents must not read a Secret a thousand times.
  auto& source = *pod == PodAccess::kOwn ? *context.control_plane.remembered_credentials() : store;
  const auto credential = source.with_token(id);
  if (!credential && credential.error().code == ErrorCode::kNotFound) return credential_not_found(id);
  if (!credential) return credential_error(credential.error());
  caller.about(credential->name);
  const auto known = request.headers.get("If-None-Match");
  ServerResponse answer;
  if (known && tag_matches(*known, *credential)) {
    answer.status = 304;
  } else {
    Json body = {{"credential_id", credential->id}, {"provider", credential->provider}, {"token", credential->token}};
    if (!credential->url.empty()) body["url"] = credential->url;
    if (!credential->email.empty()) body["email"] = credential->email;
    answer = json_answer(200, body);
  }
  answer.headers.set("ETag", entity_tag(*credential));
  answer.headers.set("Cache-Control", "no-store");
  return answer;
}

ServerResponse usage(Context& context, CredentialStore& store, const ServerRequest& request, const Caller& caller) {
  auto found = find_credential(store, request, caller, "get");
  if (found.refused) return *found.refused;
  const auto used = usage_of(context.control_plane, store, *found.credential);
  if (!used) return credential_error(used.error());
  return json_answer(200, usage_to_json(*used, *found.credential));
}

// A typing error would bind nobody and tell nobody.
Result<void> check_target(const config::Config& config, const std::string& target) {
  FRACTA_TRY(credentials::check_binding_target(target));
  const auto slash = target.find('/');
  const std::string kind = target.substr(0, slash), name = target.substr(slash + 1);
  if (kind == "runtime" && config.agent_runtimes.count(name) == 0)
    return make_error(ErrorCode::kInvalid, "runtime \"" + shorten(name, 60) + "\" is not configured");
  if (kind == "project" && name != config.kubernetes.ns)
    return make_error(ErrorCode::kInvalid, "this controlplane's project is \"" + config.kubernetes.ns + "\"");
  return {};
}

struct Target {
  std::string text;
  std::optional<ServerResponse> refused;
};
Target target_of(const ServerRequest& request) {
  const auto body = decode_object(request, {"target"}, request.method == "DELETE");
  if (body.refused) return {"", body.refused};
  std::string text = string_at(*body.body, "target");
  if (text.empty()) text = request.query_parameter("target").value_or("");
  if (text.empty())
    return {"", credential_error(ApiError::kValidation, "target: must be runtime/NAME, agent/NAME or project/NAME")};
  return {std::move(text), {}};
}

ServerResponse bind(Context& context, CredentialStore& store, const ServerRequest& request, const Caller& caller) {
  const auto target = target_of(request);
  if (target.refused) return *target.refused;
  auto found = find_credential(store, request, caller, "bind");
  if (found.refused) return *found.refused;
  if (auto fits = check_target(context.control_plane.config(), target.text); !fits)
    return credential_error(fits.error());
  if (context.shutting_down()) return shutting_down();
  const auto& credential = *found.credential;
  if (auto bound = store.bind(credential.id, target.text); !bound) return credential_error(bound.error());
  return json_answer(201, {{"kind", "CredentialBinding"},
                           {"credential_id", credential.id},
                           {"credential_name", credential.name},
                           {"provider", credential.provider},
                           {"target", target.text}});
}

ServerResponse unbind(Context& context, CredentialStore& store, const ServerRequest& request, const Caller& caller) {
  const auto target = target_of(request);
  if (target.refused) return *target.refused;
  auto found = find_credential(store, request, caller, "bind");
  if (found.refused) return *found.refused;
  if (context.shutting_down()) return shutting_down();
  if (auto unbound = store.unbind(found.credential->id, target.text); !unbound)
    return credential_error(unbound.error());
  return {.status = 204};
}

ServerResponse rotate_keys(Context& context, CredentialStore& store, const ServerRequest& request,
                           const Caller& caller) {
  const auto body = decode_object(request, {"dry_run"}, true);
  if (body.refused) return *body.refused;
  const Json* wanted = find(*body.body, "dry_run");
  if (wanted != nullptr && !wanted->is_boolean())
    return credential_error(ApiError::kMalformed, "Invalid request format: \"dry_run\" must be true or false");
  if (auto allowed = may(caller, "update", ""); !allowed) return credential_error(allowed.error());
  if (context.shutting_down()) return shutting_down();
  const bool dry_run = wanted != nullptr && wanted->get<bool>();
  const auto report = store.rotate_keys(dry_run);
  if (!report) return credential_error(report.error());
  return json_answer(200, {{"kind", "KeyRotation"},
                           {"dry_run", dry_run},
                           {"sealed", report->sealed},
                           {"resealed", report->resealed},
                           {"current", report->current},
                           {"failed", report->failed}});
}

void add(net::Router& router, Context& context, const char* method, const std::string& pattern, std::string_view verb,
         Handler handler) {
  // The handlers ask by the credential's name, which only they know. What is said here is for the audit line.
  const Requirement requirement{
      .who = need::Who::kHandler, .verb = verb, .resource = "credentials", .audited = verb == "fetch_token"};
  CallerHandler with_store = [&context, handler](const ServerRequest& request, const Caller& caller) {
    auto* store = context.control_plane.credential_store();
    if (store == nullptr)
      return credential_error(ApiError::kGeneral, "this controlplane has no store for credentials", 501);
    return handler(context, *store, request, caller);
  };
  // Also refusals at the gate come in this API's shape.
  router.add(method, pattern, [&context, requirement, with_store](const ServerRequest& request) {
    return as_credential_reply(context.gate.pass(request, requirement, with_store));
  });
}

}  // namespace

const std::vector<std::string>& credential_prefixes() {
  static const std::vector<std::string> prefixes{"/api/v1/credentials", "/api/ambient/v1/credentials",
                                                 "/api/v1/projects/{project}/credentials",
                                                 "/api/ambient/v1/projects/{project}/credentials"};
  return prefixes;
}

void add_credential_routes(net::Router& router, Context& context) {
  for (const std::string& prefix : credential_prefixes()) {
    add(router, context, "GET", prefix, "list", list);
    add(router, context, "POST", prefix, "create", create);
    add(router, context, "GET", prefix + "/{id}", "get", get);
    add(router, context, "PATCH", prefix + "/{id}", "update", update);
    add(router, context, "DELETE", prefix + "/{id}", "delete", remove);
    add(router, context, "GET", prefix + "/{id}/token", "fetch_token", token);
  }
  const std::string& own = credential_prefixes().front();
  add(router, context, "GET", own + "/{id}/usage", "get", usage);
  add(router, context, "POST", own + "/{id}/bindings", "bind", bind);
  add(router, context, "DELETE", own + "/{id}/bindings", "bind", unbind);
  add(router, context, "POST", own + ":rotate-keys", "update", rotate_keys);
}

}  // namespace fracta::server
