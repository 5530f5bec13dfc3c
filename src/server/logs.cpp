// logs (also followed) and peek
#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"
#include "server/answers.hpp"
#include "server/requests.hpp"
#include "server/routes.hpp"

namespace fracta::server {

namespace {

constexpr std::size_t kMaxOutput = 8u << 20;  // of one answer that is not a stream
constexpr std::size_t kPeekBytes = 8192;      // upstream's
constexpr std::int64_t kPeekLines = 500;
constexpr std::size_t kPeekEvents = 50;

// RFC 3339, or a duration before now.
Result<std::string> since_parameter(Context& context, const net::ServerRequest& request) {
  auto text = request.query_parameter("since").value_or("");
  if (text.empty() || parse_rfc3339(text)) return text;
  auto duration = parse_go_duration(text);
  if (!duration || duration->count() < 0)
    return make_error(ErrorCode::kInvalid, "query parameter since must be a time (RFC 3339) or a duration like 5m");
  return format_rfc3339(context.clock.system_now() - std::chrono::duration_cast<SystemTime::duration>(*duration));
}

Result<controlplane::LogQuery> decode_query(Context& context, const net::ServerRequest& request) {
  controlplane::LogQuery query;
  auto lines = int_parameter(request, "lines", query.lines);
  if (!lines) return lines.error();
  auto follow = bool_parameter(request, "follow");
  if (!follow) return follow.error();
  auto timestamps = bool_parameter(request, "timestamps");
  if (!timestamps) return timestamps.error();
  auto since = since_parameter(context, request);
  if (!since) return since.error();
  query.lines = *lines;
  query.follow = *follow;
  query.timestamps = *timestamps;
  query.since_time = *since;
  if (auto container = request.query_parameter("container"); container && !container->empty()) {
    if (*container != "agent" && *container != "workspace-init")
      return make_error(ErrorCode::kInvalid, "query parameter container must be agent or workspace-init");
    query.container = *container;
  }
  return query;
}

net::ServerResponse followed(Context& context, const std::string& name, const controlplane::LogQuery& query) {
  if (auto info = context.control_plane.get(name); !info) return error_answer(info.error().with_context("logs failed"));
  net::ServerResponse answer;
  answer.headers.set("Content-Type", "text/plain; charset=utf-8");
  answer.headers.set("Cache-Control", "no-store");
  answer.headers.set("X-Content-Type-Options", "nosniff");
  answer.stream = [&context, name, query](net::ResponseStream& out) {
    StopEither stop(out.stop(), context.shutdown.get_token());
    auto result = context.control_plane.logs(
        name, query, [&](std::string_view bytes) { return out.write(bytes); }, stop.token());
    if (!result && !stop.token().stop_requested()) out.write("[fracta] " + shorten(result.error().message, 500) + "\n");
  };
  return answer;
}

net::ServerResponse logs(Context& context, const net::ServerRequest& request) {
  auto name = request.path_parameter("name");
  auto query = decode_query(context, request);
  if (!query) return error_answer(query.error());
  if (query->follow) return followed(context, name, *query);
  auto output = context.control_plane.log_tail(name, *query, kMaxOutput, context.shutdown.get_token());
  if (!output) return error_answer(output.error().with_context("logs failed"));
  return json_answer(200, {{"output", output->text}, {"truncated", output->truncated}});
}

std::string events_as_text(Context& context, const std::string& name) {
  std::string text;
  for (const auto& event : context.control_plane.events().recent(name, kPeekEvents)) {
    text += format_rfc3339(event->time) + " " + event->severity + " " + event->action;
    if (!event->detail.empty()) text += " " + shorten(event->detail, 200);
    text += "\n";
  }
  return text;
}

net::ServerResponse peek(Context& context, const net::ServerRequest& request) {
  auto name = request.path_parameter("name");
  auto mode = request.query_parameter("mode").value_or("");
  if (!mode.empty() && mode != "raw" && mode != "events") return error_answer(400, "mode must be empty, raw or events");
  if (auto info = context.control_plane.get(name); !info) return error_answer(info.error().with_context("peek failed"));
  std::string text;
  if (mode == "events") {
    text = events_as_text(context, name);
  } else {
    controlplane::LogQuery query;
    query.lines = kPeekLines;
    auto output = context.control_plane.log_tail(name, query, kPeekBytes, context.shutdown.get_token());
    if (output)
      text = std::move(output->text);
    else if (output.error().code != ErrorCode::kNotFound && output.error().code != ErrorCode::kInvalid)
      return error_answer(output.error().with_context("peek failed"));
  }
  if (text.empty()) return error_answer(404, "peek failed: no output available for agent \"" + name + "\"");
  return json_answer(200, {{"output", text}});
}

}  // namespace

void add_log_routes(net::Router& router, Context& context) {
  add_route(router, context, "GET", "/api/v1/agents/{name}/logs", need::kGetAgentLog,
            [&context](const net::ServerRequest& request) { return logs(context, request); });
  add_route(router, context, "GET", "/api/v1/agents/{name}/peek", need::kGetAgentLog,
            [&context](const net::ServerRequest& request) { return peek(context, request); });
}

}  // namespace fracta::server
