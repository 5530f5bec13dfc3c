// events: what happened to one agent, and what it reports itself
#include <algorithm>

#include "fracta/base/json.hpp"
#include "server/answers.hpp"
#include "server/requests.hpp"
#include "server/routes.hpp"

namespace fracta::server {

namespace {

constexpr std::int64_t kDefaultLast = 20;
constexpr std::int64_t kMaxLast = 1000;
constexpr std::size_t kMaxPosted = 100;

net::ServerResponse get_events(Context& context, const net::ServerRequest& request) {
  auto name = request.path_parameter("name");
  auto last = int_parameter(request, "last", kDefaultLast);
  if (!last) return error_answer(last.error());
  auto& source = context.control_plane.events();
  auto events = source.recent(name, static_cast<std::size_t>(std::clamp<std::int64_t>(*last, 0, kMaxLast)),
                              request.query_parameter("since").value_or(""));
  // The events of an agent that has just left are still of interest; of one that never was there are none.
  if (events.empty())
    if (auto info = context.control_plane.get(name); !info) return error_answer(info.error());
  Json body = {{"events", Json::array()}};
  for (const auto& event : events) body["events"].push_back(event_to_json(*event, source.id_of(*event)));
  return json_answer(200, body);
}

net::ServerResponse post_events(Context& context, const net::ServerRequest& request) {
  auto body = read_json_body(request, false);
  if (body.refused) return *body.refused;
  std::size_t dropped = 0;
  auto events = decode_events(*body.body, kMaxPosted, dropped);
  if (!events) return error_answer(events.error());
  auto accepted = context.control_plane.report(request.path_parameter("name"), *std::move(events));
  if (!accepted) return error_answer(accepted.error());
  return json_answer(202, {{"accepted", *accepted}, {"dropped", dropped}});
}

}  // namespace

void add_event_routes(net::Router& router, Context& context) {
  add_route(router, context, "GET", "/api/v1/agents/{name}/events", need::kGetAgentEvents,
            [&context](const net::ServerRequest& request) { return get_events(context, request); });
  add_route(router, context, "POST", "/api/v1/agents/{name}/events", need::kCreateAgentEvents,
            [&context](const net::ServerRequest& request) { return post_events(context, request); });
}

}  // namespace fracta::server
