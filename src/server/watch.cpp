// watch: events as they happen, as server-sent events (HTML standard; docs/api.md lists the frames)
#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/time.hpp"
#include "server/answers.hpp"
#include "server/requests.hpp"
#include "server/routes.hpp"

namespace fracta::server {

namespace {

using controlplane::Subscription;

std::string frame(std::string_view id, std::string_view event, const Json& data) {
  std::string out;
  if (!id.empty()) out.append("id: ").append(id).append("\n");
  // An agent may name its own events: nothing of it may end the line.
  out.append("event: ");
  for (char c : event) out.push_back(c == '\n' || c == '\r' || c == '\0' ? ' ' : c);
  return out.append("\ndata: ").append(dump_json(data)).append("\n\n");
}

class EventStream {
 public:
  EventStream(Context& context, std::string name, std::shared_ptr<Subscription> subscription)
      : context_(context), name_(std::move(name)), subscription_(std::move(subscription)) {}

  void run(net::ResponseStream& out) const {
    StopEither stop(out.stop(), context_.shutdown.get_token());
    if (!catch_up(out)) return;
    while (true) {
      auto item = subscription_->next(context_.options.heartbeat, stop.token());
      bool alive = true;
      switch (item.kind) {
        case Subscription::Kind::kEvent:
          alive = out.write(event_frame(*item.event));
          break;
        case Subscription::Kind::kGap:
          alive = out.write(gap_frame("slow") + snapshot_frame());
          break;
        case Subscription::Kind::kTimeout:
          alive = out.write(": heartbeat\n\n");
          break;
        case Subscription::Kind::kClosed:
          out.write(frame("", "shutdown", Json::object()));
          return;
      }
      if (!alive) return;
    }
  }

 private:
  bool catch_up(net::ResponseStream& out) const {
    std::string first;
    if (!subscription_->gap.empty()) first += gap_frame(subscription_->gap);
    for (const auto& event : subscription_->missed) first += event_frame(*event);
    subscription_->missed.clear();
    return out.write(first + snapshot_frame());
  }

  [[nodiscard]] static std::string gap_frame(const std::string& reason) {
    return frame("", "gap", {{"reason", reason}});
  }

  [[nodiscard]] std::string event_frame(const controlplane::Event& event) const {
    auto id = context_.control_plane.events().id_of(event);
    auto data = event_to_frame(event, id);
    if (auto info = context_.control_plane.get(event.task)) data["Agent"] = to_json(*info, context_.clock.system_now());
    return frame(id, event.action.empty() ? "event" : event.action, data);
  }

  [[nodiscard]] std::string snapshot_frame() const {
    auto now = context_.clock.system_now();
    if (name_.empty()) {
      Json all = {{"agents", Json::array()}};
      if (auto agents = context_.control_plane.list())
        for (const auto& info : *agents) all["agents"].push_back(to_json(info, now));
      return frame("", "snapshot", all);
    }
    Json one = {{"task", name_}, {"status", "Stopped"}, {"backend", "kubernetes"}};
    if (auto info = context_.control_plane.get(name_)) {
      one["status"] = info->phase;
      if (!info->pod_name.empty()) one["pod_name"] = info->pod_name;
      if (info->started_at) one["started_at"] = format_rfc3339(*info->started_at);
      if (info->last_event_at) one["last_event_at"] = format_rfc3339(*info->last_event_at);
      one["agent"] = to_json(*info, now);
    }
    return frame("", "snapshot", one);
  }

  Context& context_;
  std::string name_;  // empty = every agent
  std::shared_ptr<Subscription> subscription_;
};

net::ServerResponse watch(Context& context, const net::ServerRequest& request, const std::string& name) {
  auto& source = context.control_plane.events();
  // After a lost connection the agent may be gone, yet its last events are what the client comes back for.
  if (name.empty()) {
    if (auto agents = context.control_plane.list(); !agents) return error_answer(agents.error());
  } else if (auto info = context.control_plane.get(name); !info && source.recent(name, 1).empty()) {
    return error_answer(info.error());
  }
  auto since = request.headers.get("Last-Event-ID").value_or(request.query_parameter("since").value_or(""));
  net::ServerResponse answer;
  answer.headers.set("Content-Type", "text/event-stream");
  answer.headers.set("Cache-Control", "no-store");
  answer.headers.set("X-Accel-Buffering", "no");  // proxies that would hold the stream back
  // std::function wants something that can be copied.
  EventStream stream(context, name, std::shared_ptr<Subscription>(source.subscribe(name, since)));
  answer.stream = [stream](net::ResponseStream& out) { stream.run(out); };
  return answer;
}

}  // namespace

void add_watch_routes(net::Router& router, Context& context) {
  add_route(router, context, "GET", "/api/v1/agents/{name}/watch", need::kWatchAgent,
            [&context](const net::ServerRequest& request) {
              return watch(context, request, request.path_parameter("name"));
            });
  add_route(router, context, "GET", "/api/v1/watch", need::kWatchAgents,
            [&context](const net::ServerRequest& request) { return watch(context, request, ""); });
}

}  // namespace fracta::server
