// fracta watch
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/api_client.hpp"
#include "cli/event_stream.hpp"
#include "cli/verbs.hpp"
#include "fracta/base/json.hpp"

namespace fracta::cli {

int run_verb(const WatchArgs& args, const ClientArgs& client_args, Context& context) {
  auto client = ApiClient::connect(client_args, context);
  if (!client) return report(client.error(), context);
  const bool json = args.output == Output::kJson;
  if (args.name.empty()) {
    context.err << "Watching events of all agents (Ctrl-C to stop)...\n";
  } else {
    context.err << "Watching events for agent \"" << args.name << "\" (Ctrl-C to stop)...\n";
  }
  const std::string target = args.name.empty() ? "/api/v1/watch" : agent_target(args.name, "/watch");
  const auto result =
      follow_events(*client, {.target = target, .since = args.since}, context, [&](const net::ServerSentEvent& event) {
        if (json) {
          auto data = parse_json(event.data);
          context.out << dump_json(
                             Json{{"id", event.id}, {"event", event.event}, {"data", data ? *data : Json(event.data)}})
                      << "\n";
        } else {
          // The frames as they came, which is what upstream prints and scripts read.
          if (!event.id.empty()) context.out << "id: " << event.id << "\n";
          context.out << "event: " << event.event << "\ndata: " << event.data << "\n\n";
        }
        context.out.flush();
        return context.out.good();
      });
  if (result || result.error().code == ErrorCode::kCanceled) return kExitOk;
  return report(result.error(), context);
}

}  // namespace fracta::cli
