// fracta logs
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/agent_view.hpp"
#include "cli/api_client.hpp"
#include "cli/log_lines.hpp"
#include "cli/verbs.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"

namespace fracta::cli {
namespace {

// A quiet agent is no broken connection, but a connection that died in silence has to be noticed at some time.
constexpr std::chrono::milliseconds kSilence{600'000};

std::string logs_target(const LogsArgs& args, const net::QueryParameters& more) {
  net::QueryParameters query = more;
  if (!args.container.empty()) query.emplace_back("container", args.container);
  return agent_target(args.name, "/logs?" + net::encode_query(query));
}

int print_once(ApiClient& client, const LogsArgs& args, Context& context) {
  net::QueryParameters query{{"lines", std::to_string(args.tail)}};
  if (!args.since.empty()) query.emplace_back("since", args.since);
  if (args.timestamps) query.emplace_back("timestamps", "true");
  auto answer = client.call("GET", logs_target(args, query));
  if (!answer) return report(answer.error(), context);
  const std::string output = string_at(*answer, "output");
  context.out << output << (output.empty() || output.ends_with('\n') ? "" : "\n");
  if (bool_at(*answer, "truncated"))
    context.err << "note: only the last part of the log is shown; use -f for all of it\n";
  return kExitOk;
}

// Says once what an agent that has no output yet is waiting for.
Result<Json> announce(ApiClient& client, const LogsArgs& args, Context& context) {
  auto answer = client.call("GET", agent_target(args.name));
  if (!answer) return answer;
  const Json* agent = find(*answer, "agent");
  if (agent == nullptr) return make_error(ErrorCode::kInternal, client.url() + " sent no agent");
  const std::string status = string_at(*agent, "status");
  if (status == "Pending" || status == "Queued")
    context.err << "agent/" << bare_name(args.name) << " is " << state_text(*agent) << "; waiting for it to start\n";
  return *agent;
}

// After an orderly end: has the agent ended too, or only the daemon's stream (shutdown, proxy)?
bool ended(ApiClient& client, const LogsArgs& args) {
  const auto answer = client.call("GET", agent_target(args.name));
  if (!answer) return answer.error().http_status == 404;
  const Json* agent = find(*answer, "agent");
  return agent != nullptr && is_terminal(*agent);
}

bool worth_another_try(const Error& error) {
  if (error.http_status != 0) return error.http_status == 429 || error.http_status >= 500;
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kDeadlineExceeded;
}

int follow(ApiClient& client, const LogsArgs& args, Context& context) {
  if (auto agent = announce(client, args, context); !agent) return report(agent.error(), context);
  LogLines lines(args.timestamps, [&](std::string_view text) {
    context.out << text << '\n';
    context.out.flush();
    return context.out.good();
  });
  Backoff backoff(
      {.initial = context.reconnect_first, .maximum = context.reconnect_last, .factor = 2.0, .jitter = 0.2});
  while (true) {
    net::QueryParameters query{{"follow", "true"}, {"timestamps", "true"}};
    query.emplace_back("lines", lines.last_time().empty() ? std::to_string(args.tail) : "-1");
    const std::string& since = lines.last_time().empty() ? args.since : lines.last_time();
    if (!since.empty()) query.emplace_back("since", since);
    const auto result =
        client.stream(logs_target(args, query), {}, kSilence, context.stop, [&](std::string_view bytes) {
          backoff.reset();
          return lines.feed(bytes);
        });
    lines.end_of_connection(result.ok());
    if (context.stop.stop_requested() || !context.out.good()) return kExitOk;
    if (!result && !worth_another_try(result.error())) return report(result.error(), context);
    if (result && ended(client, args)) return kExitOk;
    const auto delay = backoff.next();
    if (!result) context.err << "log stream broke, trying again\n";
    if (!wait_for(context.stop, delay)) return kExitOk;
  }
}

}  // namespace

int run_verb(const LogsArgs& args, const ClientArgs& client_args, Context& context) {
  auto client = ApiClient::connect(client_args, context);
  if (!client) return report(client.error(), context);
  return args.follow ? follow(*client, args, context) : print_once(*client, args, context);
}

}  // namespace fracta::cli
