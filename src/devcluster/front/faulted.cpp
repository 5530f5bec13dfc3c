// Requests on their way past the faults that were asked for.
#include <nlohmann/json.hpp>

#include "devcluster/faults/effects.hpp"
#include "devcluster/front/front.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

// When the token says it was issued; 0 for tokens without a date. It has been verified already.
std::int64_t issued_at(const net::ServerRequest& request) {
  const auto parts = split(request.headers.get("Authorization").value_or(""), '.');
  if (parts.size() != 3) return 0;
  const auto text = base64url_decode(parts[1]);
  const auto claims = text ? parse_json(*text) : Result<Json>(Json());
  return claims ? int_at(*claims, "iat").value_or(0) : 0;
}

FaultSubject subject_of(const Call& call, bool is_resource) {
  FaultSubject subject;
  subject.verb = is_resource ? call.verb : to_lower(call.http->method);
  if (call.kind != nullptr) subject.resource = call.kind->resource();
  subject.subresource = call.subresource;
  subject.ns = call.ns;
  subject.name = call.name;
  subject.user = call.user.name;
  subject.user_agent = call.http->headers.get("User-Agent").value_or("");
  subject.path = call.http->path;
  return subject;
}

}  // namespace

bool Front::is_revoked(const net::ServerRequest& request, const User& user) const {
  return services_.faults != nullptr && !services_.faults->empty() && request.headers.has("Authorization") &&
         services_.faults->revoked(user.name, issued_at(request));
}

net::ServerResponse Front::past_faults(Call& call) {
  const bool is_resource = parse_resource_path(call);
  if (services_.faults == nullptr || services_.faults->empty()) return serve(call, is_resource);
  call.effects =
      std::make_shared<Effects>(services_.faults->take(subject_of(call, is_resource)), services_.faults->stopped());
  if (auto instead = call.effects->before()) return std::move(*instead);
  net::ServerResponse response = serve(call, is_resource);
  call.effects->after(response);
  return response;
}

net::ServerResponse Front::control_faults(const Call& call) {
  const auto& groups = call.user.groups;
  if (std::find(groups.begin(), groups.end(), "system:masters") == groups.end()) {
    return answer_failure(call, {403, "Forbidden", "only members of system:masters may make faults", Json::object()});
  }
  return serve_faults(*call.http, *services_.faults);
}

}  // namespace fracta::devcluster
