// fracta describe
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/agent_view.hpp"
#include "cli/api_client.hpp"
#include "cli/table.hpp"
#include "cli/verbs.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::cli {
namespace {

constexpr std::size_t kLabelWidth = 14;

void field(Context& context, const std::string& label, const std::string& value) {
  if (value.empty()) return;
  context.out << label << ":" << std::string(kLabelWidth - std::min(kLabelWidth - 1, label.size() + 1), ' ')
              << shorten(value, 4000) << "\n";
}

std::string stamp(const Json& agent, const char* key) {
  const std::string text = string_at(agent, key);
  return text.starts_with("0001-") ? "" : text;
}

std::string duration(const std::string& from, const std::string& to) {
  const auto a = parse_rfc3339(from);
  const auto b = parse_rfc3339(to);
  return a && b && *b >= *a ? human_duration(*b - *a) : "";
}

void print_timeline(const Json& agent, Context& context) {
  const std::string created = stamp(agent, "created_at");
  const std::string started = stamp(agent, "start_time");
  const std::string finished = stamp(agent, "finished_at");
  const std::string waited = duration(created, started);
  const std::string ran = duration(started, finished);
  field(context, "Created", created);
  field(context, "Started", started.empty() ? "" : started + (waited.empty() ? "" : " (after " + waited + ")"));
  field(context, "Finished", finished.empty() ? "" : finished + (ran.empty() ? "" : " (ran " + ran + ")"));
  field(context, "Deadline", stamp(agent, "deadline"));
}

void print_agent(const Json& agent, Context& context) {
  const std::string kind = string_at(agent, "kind");
  const std::string object = kind == "Job" ? string_at(agent, "job_name") : string_at(agent, "pod_name");
  field(context, "Name", string_at(agent, "name"));
  field(context, "Namespace", string_at(agent, "namespace"));
  field(context, "Status", string_at(agent, "status"));
  field(context, "Reason", string_at(agent, "reason"));
  field(context, "Message", string_at(agent, "message"));
  field(context, "Next step", string_at(agent, "next_step"));
  field(context, "Mode", string_at(agent, "mode"));
  field(context, "Runtime", string_at(agent, "runtime"));
  field(context, "Model", string_at(agent, "model"));
  field(context, "Object", kind.empty() || object.empty() ? "" : kind + "/" + object);
  field(context, "Pod", string_at(agent, "pod_name"));
  field(context, "Node", string_at(agent, "node"));
  field(context, "IP", string_at(agent, "pod_ip"));
  field(context, "Ready", bool_at(agent, "ready") ? "true" : "false");
  field(context, "Restarts", std::to_string(int_at(agent, "restarts").value_or(0)));
  if (const auto code = int_at(agent, "exit_code")) field(context, "Exit Code", std::to_string(*code));
  print_timeline(agent, context);
}

void print_conditions(const Json& agent, Context& context) {
  const Json* conditions = find(agent, "conditions");
  if (conditions == nullptr || !conditions->is_array() || conditions->empty()) return;
  Table table({"  TYPE", "STATUS", "REASON", "MESSAGE"});
  for (const auto& condition : *conditions)
    table.add({"  " + string_at(condition, "type"), string_at(condition, "status"), string_at(condition, "reason"),
               string_at(condition, "message")});
  context.out << "Conditions:\n" << table.print();
}

void print_events(const Json& answer, Context& context) {
  const Json* events = find(answer, "events");
  if (events == nullptr || !events->is_array() || events->empty()) {
    field(context, "Events", "<none>");
    return;
  }
  Table table({"  TIME", "SEVERITY", "ACTION", "MESSAGE"});
  for (const auto& event : *events) {
    std::string detail = string_at(event, "detail");
    for (const char* attribute : {"attrs/message", "attrs/reason", "attrs/phase"})
      if (detail.empty()) detail = string_at(event, attribute);
    table.add({"  " + string_at(event, "time"), string_at(event, "severity"), string_at(event, "action"), detail});
  }
  context.out << "Events:\n" << table.print();
}

int describe_one(ApiClient& client, const std::string& name, Context& context) {
  auto answer = client.call("GET", agent_target(name));
  if (!answer) return report(answer.error(), context);
  const Json* agent = find(*answer, "agent");
  if (agent == nullptr) return report(make_error(ErrorCode::kInternal, client.url() + " sent no agent"), context);
  print_agent(*agent, context);
  print_conditions(*agent, context);
  auto events = client.call("GET", agent_target(name, "/events?last=20"));
  if (!events) return report(events.error(), context);
  print_events(*events, context);
  return kExitOk;
}

}  // namespace

int run_verb(const DescribeArgs& args, const ClientArgs& client_args, Context& context) {
  auto client = ApiClient::connect(client_args, context);
  if (!client) return report(client.error(), context);
  int code = kExitOk;
  bool first = true;
  for (const auto& name : args.names) {
    if (name == "agent" && first && args.names.size() > 1) continue;  // `describe agent x`
    if (!first) context.out << "\n\n";
    first = false;
    code = std::max(code, describe_one(*client, name, context));
  }
  return code;
}

}  // namespace fracta::cli
