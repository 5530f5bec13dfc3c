// livez, readyz, healthz, metrics, version; forms as kube-apiserver's (kubernetes.io, "API health endpoints")
#include <algorithm>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "server/answers.hpp"
#include "server/routes.hpp"

namespace fracta::server {

namespace {

using controlplane::Check;

std::vector<Check> live_checks() { return {{"ping", true, ""}}; }

std::vector<Check> ready_checks(const Context& context) {
  auto checks = context.control_plane.checks();
  bool down = context.shutting_down();
  checks.insert(checks.begin(), {"shutdown", !down, down ? "shutting down" : ""});
  checks.insert(checks.begin(), live_checks().front());
  return checks;
}

net::ServerResponse report(const net::ServerRequest& request, std::string_view name, const std::vector<Check>& checks) {
  std::vector<std::string> excluded;
  for (const auto& [key, value] : request.query)
    if (key == "exclude") excluded.push_back(value);
  bool ok = true;
  std::string text;
  for (const auto& check : checks) {
    bool left_out = std::find(excluded.begin(), excluded.end(), check.name) != excluded.end();
    if (left_out) {
      text += "[+]" + check.name + " excluded: ok\n";
    } else if (check.ok) {
      text += "[+]" + check.name + " ok\n";
    } else {
      text += "[-]" + check.name + " failed: " + shorten(check.message, 300) + "\n";
      ok = false;
    }
  }
  for (const auto& unknown : excluded)
    if (std::none_of(checks.begin(), checks.end(), [&](const Check& check) { return check.name == unknown; }))
      text += "warn: no check named \"" + shorten(unknown, 60) + "\" to exclude\n";
  if (!ok) return net::ServerResponse::text(503, text + std::string(name) + " check failed\n");
  if (!request.query_parameter("verbose")) return net::ServerResponse::text(200, "ok");
  return net::ServerResponse::text(200, text + std::string(name) + " check passed\n");
}

net::ServerResponse one_check(const net::ServerRequest& request, std::string_view name,
                              const std::vector<Check>& checks) {
  auto wanted = request.path_parameter("check");
  for (const auto& check : checks)
    if (check.name == wanted) return report(request, name, {check});
  return error_answer(404, "no such check");
}

net::ServerResponse metrics(const Context& context) {
  auto answer = net::ServerResponse::text(200, context.metrics.expose());
  answer.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  return answer;
}

}  // namespace

void add_health_routes(net::Router& router, Context& context) {
  add_route(router, context, "GET", "/livez", need::kNothing,
            [](const net::ServerRequest& request) { return report(request, "livez", live_checks()); });
  add_route(router, context, "GET", "/livez/{check}", need::kNothing,
            [](const net::ServerRequest& request) { return one_check(request, "livez", live_checks()); });
  add_route(router, context, "GET", "/readyz", need::kNothing,
            [&context](const net::ServerRequest& request) { return report(request, "readyz", ready_checks(context)); });
  add_route(router, context, "GET", "/readyz/{check}", need::kNothing, [&context](const net::ServerRequest& request) {
    return one_check(request, "readyz", ready_checks(context));
  });
  add_route(router, context, "GET", "/healthz", need::kNothing, [](const net::ServerRequest& request) {
    if (request.query_parameter("verbose")) return report(request, "healthz", live_checks());
    return json_answer(200, {{"status", "ok"}});
  });
  add_route(router, context, "GET", "/metrics", need::kGetMetrics,
            [&context](const net::ServerRequest&) { return metrics(context); });
  add_route(router, context, "GET", "/version", need::kIdentity, [&context](const net::ServerRequest&) {
    return json_answer(200, {{"version", context.options.version},
                             {"commit", context.options.commit},
                             {"config_hash", context.control_plane.config().hash}});
  });
}

}  // namespace fracta::server
