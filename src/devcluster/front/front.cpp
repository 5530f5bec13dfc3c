#include "devcluster/front/front.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "devcluster/auth/authorizer.hpp"
#include "devcluster/auth/impersonation.hpp"
#include "devcluster/front/discovery.hpp"
#include "devcluster/front/reviews.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

constexpr std::size_t kMaxBody = 3u << 20;  // apiserver's MaxRequestBodyBytes

Failure no_such_resource() {
  return {404, "NotFound", "the server could not find the requested resource", Json::object()};
}

bool is_health(const std::string& path) {
  for (const char* prefix : {"/livez", "/readyz", "/healthz"}) {
    if (path == prefix || path == std::string(prefix) + "/ping") return true;
  }
  return false;
}

std::string non_resource_verb(const std::string& method) {
  std::string verb = to_lower(method);
  return verb == "get" || verb == "head" ? "get" : verb;
}

const Subresource* find_subresource(const Call& call) {
  for (const Subresource& sub : subresources()) {
    if (sub.group == call.group && sub.resource == call.resource && sub.name == call.subresource) return &sub;
  }
  return nullptr;
}

bool served(const Call& call) {
  if (call.kind == nullptr) return false;
  if (call.kind->namespaced && call.ns.empty() && !call.name.empty()) return false;  // /api/v1/pods/x
  if (call.subresource.empty()) return call.kind->namespaced || call.ns.empty() || call.resource == "namespaces";
  return find_subresource(call) != nullptr;
}

bool verb_allowed(const Call& call) {
  if (call.verb == "list" || call.verb == "create" || call.verb == "watch") {
    // Namespaced kinds are created in a namespace only.
    if (call.verb == "create" && call.subresource.empty() && call.kind->namespaced && call.ns.empty()) return false;
    if (call.verb == "create" && call.subresource.empty() && !call.name.empty()) return false;
  } else if (call.name.empty() && call.verb != "deletecollection") {
    return false;
  } else if (call.verb == "deletecollection" && call.kind->namespaced && call.ns.empty()) {
    return false;  // one namespace at a time
  }
  if (call.subresource.empty()) {
    const auto verbs = call.kind->verbs();
    return std::find(verbs.begin(), verbs.end(), call.verb) != verbs.end();
  }
  const auto& verbs = find_subresource(call)->verbs;
  return std::find(verbs.begin(), verbs.end(), call.verb) != verbs.end();
}

}  // namespace

net::ServerResponse Front::dispatch(Call& call) {
  if (!call.kind->stored && call.resource != "bindings") return serve_review(call, services_, authenticator_);
  if (call.subresource == "log") return serve_log(call, services_);
  if (call.subresource == "exec") return serve_exec(call, services_);
  if (call.subresource == "attach") return serve_attach(call, services_);
  if (call.subresource == "proxy") return serve_proxy(call, services_);
  if (call.subresource == "scale") return serve_scale(call, services_);
  if (call.verb == "get" || call.verb == "list") return serve_read(call, services_);
  if (call.verb == "watch") return serve_watch(call, services_);
  if (call.verb == "patch") return serve_patch(call, services_);
  if (call.verb == "delete" || call.verb == "deletecollection") return serve_delete(call, services_);
  return serve_write(call, services_);
}

net::ServerResponse Front::resource(Call& call) {
  Attributes attributes;
  attributes.verb = call.verb;
  attributes.group = call.group;
  attributes.version = call.version;
  attributes.resource = call.resource;
  attributes.subresource = call.subresource;
  attributes.name = call.name;
  attributes.ns = call.ns;
  const Decision decision = authorize(services_.registry->store(), call.user, attributes);
  if (!decision.allowed) return answer_failure(call, forbidden_request(call.user, attributes, decision.reason));
  if (!served(call)) return answer_failure(call, no_such_resource());
  // No resource answers HEAD.
  if (!verb_allowed(call) || call.http->method == "HEAD") return answer_failure(call, method_not_allowed());
  if (call.http->body.size() > kMaxBody) {
    return answer_failure(call, {413, "RequestEntityTooLarge",
                                 fmt::format("Request entity too large: limit is {}", kMaxBody), Json::object()});
  }
  if (call.resource == "namespaces") call.ns.clear();
  // Those answer with something else than objects.
  if (call.subresource != "log" && call.subresource != "exec" && call.subresource != "attach" &&
      call.subresource != "proxy") {
    if (auto negotiated = negotiate(call); !negotiated.ok()) return answer_failure(call, negotiated.failure());
  }
  return dispatch(call);
}

net::ServerResponse Front::handle(const net::ServerRequest& request) {
  net::ServerResponse response = answer(request);
  response.headers.set("Audit-Id", random_uuid());
  return response;
}

net::ServerResponse Front::answer(const net::ServerRequest& request) {
  Call call;
  call.http = &request;
  auto user = authenticator_.authenticate(request);
  if (!user || is_revoked(request, *user)) return answer_failure(call, {401, "Unauthorized", "Unauthorized", Json()});
  auto acting = impersonated(services_.registry->store(), *user, request.headers);
  if (!acting.ok()) {
    if (acting.failure().code != 500) return answer_failure(call, acting.failure());
    return net::ServerResponse::text(
        500, fmt::format("Internal Server Error: \"{}\": {}\n", request.target, acting.failure().message));
  }
  call.user = std::move(*acting);
  if (services_.faults != nullptr && !request.segments.empty() && request.segments[0] == "_faults")
    return control_faults(call);
  return past_faults(call);
}

net::ServerResponse Front::serve(Call& call, bool is_resource) {
  return is_resource ? resource(call) : other_path(call);
}

net::ServerResponse Front::other_path(Call& call) {
  const net::ServerRequest& request = *call.http;
  Attributes attributes;
  attributes.resource_request = false;
  attributes.verb = non_resource_verb(request.method);
  attributes.path = request.path;
  const Decision decision = authorize(services_.registry->store(), call.user, attributes);
  if (!decision.allowed) return answer_failure(call, forbidden_request(call.user, attributes, decision.reason));
  if (is_health(request.path))
    return net::ServerResponse::text(200, call.flag("verbose") && request.query_parameter("verbose")
                                              ? "[+]ping ok\n" + request.path.substr(1) + " check passed\n"
                                              : "ok");
  net::ServerResponse response = serve_openapi(call);
  if (response.status == 0) response = serve_discovery(call);
  if (response.status == 0) {
    const bool group =
        request.path.starts_with("/apis/") && std::count(request.path.begin(), request.path.end(), '/') < 3;
    for (const char* root : {"/api/", "/apis/", "/version/"}) {
      if (!group && request.path.starts_with(root)) return answer_failure(call, no_such_resource());
    }
    return net::ServerResponse::text(404, "404 page not found\n");
  }
  if (request.method != "GET" && request.method != "HEAD" && request.method != "OPTIONS")
    return answer_failure(call, method_not_allowed());
  return response;
}

}  // namespace fracta::devcluster
