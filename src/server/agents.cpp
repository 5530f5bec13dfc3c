// spawn, dry run, list, get, kill
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "server/answers.hpp"
#include "server/requests.hpp"
#include "server/routes.hpp"

namespace fracta::server {

namespace {

net::ServerResponse shutting_down() {
  auto error = make_error(ErrorCode::kUnavailable, "shutting down");
  error.reason = "ShuttingDown";
  return error_answer(error);
}

Error spawn_failed(Error error) {
  // A missing namespace or service account is not a missing agent.
  if (error.code == ErrorCode::kNotFound) error.code = ErrorCode::kUnavailable;
  return std::move(error).with_context("spawn failed");
}

net::ServerResponse dry_run(Context& context, const controlplane::SpawnRequest& request, const std::string& kind) {
  if (kind != "client" && kind != "server") return error_answer(400, "dryRun must be client or server");
  auto result = context.control_plane.dry_run(
      request, kind == "client" ? controlplane::DryRun::kClient : controlplane::DryRun::kServer);
  if (!result) return error_answer(spawn_failed(result.error()), 422);
  Json body = {{"dry_run", kind}, {"objects", *result->objects}};
  if (!result->resolved.warnings.empty()) body["warnings"] = result->resolved.warnings;
  return json_answer(200, body);
}

// Who may create agents may not give them every credential there is: those need the verb bind.
Result<void> may_bind(const Caller& caller, const controlplane::SpawnRequest& request) {
  for (const auto& name : request.credentials)
    FRACTA_TRY(caller.may({.verb = "bind", .resource = "credentials", .subresource = "", .name = name, .url = ""}));
  return {};
}

net::ServerResponse spawn(Context& context, const net::ServerRequest& request, const Caller& caller) {
  auto body = read_json_body(request, false);
  if (body.refused) return *body.refused;
  auto decoded = decode_spawn(*body.body);
  if (!decoded) return error_answer(decoded.error());
  caller.about(decoded->task);
  if (auto allowed = may_bind(caller, *decoded); !allowed) return access_refused(allowed.error());
  decoded->requested_by = caller.identity().name;
  if (auto kind = request.query_parameter("dryRun")) return dry_run(context, *decoded, *kind);
  if (context.shutting_down()) return shutting_down();
  auto result = context.control_plane.spawn(*decoded);
  if (!result) return error_answer(spawn_failed(result.error()), 422);
  return json_answer(result->existed ? 200 : 201, to_json(*result));
}

const Json* main_container(const Json& owner) {
  const auto* containers =
      find_path(owner, string_at(owner, "kind") == "Job" ? "spec/template/spec/containers" : "spec/containers");
  return containers && containers->is_array() && !containers->empty() ? &containers->front() : nullptr;
}

// Upstream's dry run tells what the spawn would come to rather than showing the objects; both are given.
net::ServerResponse explain(Context& context, const net::ServerRequest& request, const Caller& caller) {
  auto body = read_json_body(request, true);
  if (body.refused) return *body.refused;
  auto decoded = decode_spawn(*body.body, "dry-run");
  if (!decoded) return error_answer(decoded.error());
  caller.about(decoded->task);
  if (auto allowed = may_bind(caller, *decoded); !allowed) return access_refused(allowed.error());
  decoded->requested_by = caller.identity().name;
  auto result = context.control_plane.dry_run(*decoded, controlplane::DryRun::kClient);
  if (!result) return error_answer(spawn_failed(result.error()), 422);
  const auto& resolved = result->resolved;
  Json answer;
  answer["resolved_spec"] = {{"task", resolved.name},   {"runtime", resolved.runtime}, {"host_type", resolved.runtime},
                             {"model", resolved.model}, {"tier", result->tier},        {"mode", resolved.mode},
                             {"image", result->image},  {"namespace", resolved.ns}};
  answer["command_spec"] = {{"args", Json::array()}};
  answer["workspace_config"] = Json::object();
  for (const auto& object : *result->objects) {
    if (const auto* container = main_container(object))
      if (const auto* args = find(*container, "args")) answer["command_spec"]["args"] = *args;
    if (string_at(object, "kind") == "ConfigMap")
      if (const auto* data = find(object, "data")) answer["workspace_config"] = *data;
  }
  answer["objects"] = *result->objects;
  if (!resolved.warnings.empty()) answer["warnings"] = resolved.warnings;
  return json_answer(200, answer);
}

net::ServerResponse list(Context& context) {
  auto agents = context.control_plane.list();
  if (!agents) return error_answer(agents.error());
  Json body = {{"agents", Json::array()}};
  auto now = context.clock.system_now();
  for (const auto& info : *agents) body["agents"].push_back(to_json(info, now));
  return json_answer(200, body);
}

net::ServerResponse get(Context& context, const net::ServerRequest& request) {
  auto info = context.control_plane.get(request.path_parameter("name"));
  if (!info) return error_answer(info.error());
  return json_answer(200, {{"agent", to_json(*info, context.clock.system_now())}});
}

net::ServerResponse kill(Context& context, const net::ServerRequest& request) {
  auto body = read_json_body(request, true);  // keep_files: there are no files of ours on this side to keep
  if (body.refused) return *body.refused;
  if (context.shutting_down()) return shutting_down();
  auto name = request.path_parameter("name");
  auto killed = context.control_plane.kill(name);
  if (!killed) return error_answer(killed.error().with_context("kill failed"));
  return json_answer(200, {{"status", "killed"}, {"message", "Agent \"" + name + "\" killed."}});
}

}  // namespace

void add_agent_routes(net::Router& router, Context& context) {
  add_caller_route(
      router, context, "POST", "/api/v1/agents", need::kCreateAgents,
      [&context](const net::ServerRequest& request, const Caller& caller) { return spawn(context, request, caller); });
  add_caller_route(router, context, "POST", "/api/v1/agents/dry-run", need::kCreateAgents,
                   [&context](const net::ServerRequest& request, const Caller& caller) {
                     return explain(context, request, caller);
                   });
  add_route(router, context, "GET", "/api/v1/agents", need::kListAgents,
            [&context](const net::ServerRequest&) { return list(context); });
  add_route(router, context, "GET", "/api/v1/agents/{name}", need::kGetAgent,
            [&context](const net::ServerRequest& request) { return get(context, request); });
  add_route(router, context, "DELETE", "/api/v1/agents/{name}", need::kDeleteAgent,
            [&context](const net::ServerRequest& request) { return kill(context, request); });
}

}  // namespace fracta::server
