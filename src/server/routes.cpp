#include "server/routes.hpp"

namespace fracta::server {

Context::Context(controlplane::ControlPlane& plane, const Clock& time, MetricsRegistry& registry, Options given)
    : control_plane(plane),
      clock(time),
      metrics(registry),
      options(std::move(given)),
      gate(time, {options.streams_per_identity, options.look_at_streams_every}, options.authenticate, options.authorize,
           options.per_identity, options.per_peer,
           [&plane](const PodIdentity& pod, const std::string& agent) -> Result<bool> {
             auto owner = plane.agent_of_pod(pod.name, pod.uid);
             if (owner) return pod.ns == owner->ns && owner->name == agent;
             if (owner.error().code == ErrorCode::kForbidden || owner.error().code == ErrorCode::kNotFound)
               return false;
             return owner.error();
           }) {}

void add_caller_route(net::Router& router, Context& context, std::string method, std::string pattern,
                      const Requirement& requirement, CallerHandler handler) {
  router.add(std::move(method), std::move(pattern),
             [&context, requirement, handler = std::move(handler)](const net::ServerRequest& request) {
               return context.gate.pass(request, requirement, handler);
             });
}

void add_route(net::Router& router, Context& context, std::string method, std::string pattern,
               const Requirement& requirement, net::RequestHandler handler) {
  add_caller_route(
      router, context, std::move(method), std::move(pattern), requirement,
      [handler = std::move(handler)](const net::ServerRequest& request, const Caller&) { return handler(request); });
}

}  // namespace fracta::server
