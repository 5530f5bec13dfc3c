#include "server/gate.hpp"

#include "fracta/base/log.hpp"
#include "fracta/base/text.hpp"
#include "server/answers.hpp"

namespace fracta::server {

namespace {

constexpr std::size_t kShown = 200;  // of a hostile text in a log line

Error too_many(milliseconds wait, std::string_view whose) {
  auto error = make_error(ErrorCode::kResourceExhausted, "too many requests from this " + std::string(whose));
  error.reason = "TooManyRequests";
  error.retry_after = wait;
  return error;
}

std::string identity_key(const Identity& identity) {
  return identity.pod ? "pod:" + identity.pod->uid : "user:" + identity.name;
}

bool is_change(const std::string& method) { return method != "GET" && method != "HEAD" && method != "OPTIONS"; }

// A client may bring the id under which it logs the request itself.
std::string request_id_of(const net::ServerRequest& request) {
  auto given = request.headers.get("X-Request-Id").value_or("");
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (!given.empty() && given.size() <= 64 && given.find_first_not_of(kAllowed) == std::string::npos) return given;
  return random_hex(8);
}

std::string_view outcome_of(int status) {
  if (status < 400) return "allowed";
  return status == 401 || status == 403 || status == 429 ? "refused" : "failed";
}

void audit(const net::ServerRequest& request, const Requirement& requirement, const Identity& identity,
           const std::string& object, const std::string& request_id, int status) {
  std::string resource(requirement.resource);
  if (!requirement.subresource.empty()) resource.append("/").append(requirement.subresource);
  log::info("audit", "api call",
            {{"user", shorten(identity.name, kShown)},
             {"pod", identity.pod ? identity.pod->name : std::string()},
             {"peer", request.peer_address},
             {"method", shorten(request.method, 20)},
             {"path", shorten(request.path, kShown)},
             {"verb", requirement.verb},
             {"resource", resource},
             {"name", shorten(object, kShown)},
             {"status", status},
             {"outcome", outcome_of(status)},
             {"request_id", request_id}});
}

std::string object_of(const net::ServerRequest& request, const Requirement& requirement) {
  return requirement.name_parameter.empty() ? std::string() : request.path_parameter(requirement.name_parameter);
}

}  // namespace

Gate::Gate(const Clock& clock, const OpenStreams::Limits& streams, Authenticator authenticate, Authorizer authorize,
           Rate per_identity, Rate per_peer, OwnAgent own_agent)
    : authenticate_(std::move(authenticate)),
      authorize_(std::move(authorize)),
      own_agent_(std::move(own_agent)),
      identities_(clock, per_identity),
      peers_(clock, per_peer),
      streams_(streams) {}

net::ServerResponse Gate::pass(const net::ServerRequest& request, const Requirement& requirement,
                               const CallerHandler& handler) {
  static const Identity kNobody;
  if (requirement.who == Requirement::Who::kEverybody) return handler(request, Caller(kNobody, authorize_));
  const auto request_id = request_id_of(request);
  const bool audited = requirement.audited || (is_change(request.method) && !requirement.only_asks);
  const auto finish = [&](net::ServerResponse answer, const Identity& identity, std::string object) {
    answer.headers.set("X-Request-Id", request_id);
    if (object.empty()) object = object_of(request, requirement);
    if (audited) audit(request, requirement, identity, object, request_id, answer.status);
    return answer;
  };
  auto identity = identify(request);
  if (!identity) return finish(access_refused(identity.error()), kNobody, "");
  const Caller caller(*std::move(identity), authorize_);
  if (auto allowed = allow(request, requirement, caller); !allowed)
    return finish(access_refused(allowed.error()), caller.identity(), "");
  // A handler that throws is the router's to answer, yet the attempt is told here.
  try {
    auto answer = handler(request, caller);
    if (answer.stream)
      if (auto entered = watch_over(answer, request, requirement, caller.identity()); !entered)
        answer = access_refused(entered.error());
    return finish(std::move(answer), caller.identity(), caller.object());
  } catch (...) {
    if (audited) audit(request, requirement, caller.identity(), object_of(request, requirement), request_id, 500);
    throw;
  }
}

Result<Identity> Gate::identify(const net::ServerRequest& request) {
  if (auto wait = peers_.take(peer_key(request.peer_address))) return too_many(*wait, "address");
  if (!authenticate_) return Identity{};
  auto identity = authenticate_(request);
  if (!identity) return identity;
  if (auto wait = identities_.take(identity_key(*identity))) return too_many(*wait, "identity");
  return identity;
}

Result<void> Gate::allow(const net::ServerRequest& request, const Requirement& requirement,
                         const Caller& caller) const {
  if (requirement.who != Requirement::Who::kAllowed) return {};
  const auto object = object_of(request, requirement);
  const auto& pod = caller.identity().pod;
  if (requirement.own_agent && pod && own_agent_) {
    const auto own = own_agent_(*pod, object);
    if (!own) return own.error();
    if (*own) return {};
  }
  Attributes attributes;
  attributes.verb = requirement.verb;
  attributes.resource = requirement.resource;
  attributes.subresource = requirement.subresource;
  attributes.name = object;
  attributes.url = requirement.url;
  return caller.may(attributes);
}

// What was right at the start of a stream may not be so an hour later.
Result<void> Gate::watch_over(net::ServerResponse& answer, const net::ServerRequest& request,
                              const Requirement& requirement, const Identity& identity) {
  if (!authenticate_) return streams_.watch_over(answer, "", nullptr);
  const auto asked = std::make_shared<const net::ServerRequest>(request);
  return streams_.watch_over(answer, identity_key(identity), [this, asked, requirement]() -> Result<void> {
    auto who = authenticate_(*asked);
    if (!who) return who.error();
    return allow(*asked, requirement, Caller(*std::move(who), authorize_));
  });
}

}  // namespace fracta::server
