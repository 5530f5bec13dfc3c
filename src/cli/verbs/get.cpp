// fracta list, fracta get
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/agent_view.hpp"
#include "cli/api_client.hpp"
#include "cli/event_stream.hpp"
#include "cli/output.hpp"
#include "cli/table.hpp"
#include "cli/verbs.hpp"
#include "fracta/base/json.hpp"

namespace fracta::cli {
namespace {

bool wanted(const Json& agent, const GetArgs& args, const std::string& ns) {
  if (!ns.empty() && string_at(agent, "namespace") != ns) return false;
  return args.names.empty() ||
         std::find(args.names.begin(), args.names.end(), string_at(agent, "name")) != args.names.end();
}

// Every named agent, each error reported; or the whole list.
Result<Json> fetch(ApiClient& client, const GetArgs& args, const std::string& ns, Context& context, int& code) {
  Json agents = Json::array();
  if (args.names.empty()) {
    auto answer = client.call("GET", "/api/v1/agents");
    if (!answer) return answer.error();
    if (const Json* list = find(*answer, "agents"); list && list->is_array())
      for (const auto& agent : *list)
        if (wanted(agent, args, ns)) agents.push_back(agent);
    return agents;
  }
  for (const auto& name : args.names) {
    auto answer = client.call("GET", agent_target(name));
    if (!answer) {
      if (answer.error().http_status == 0) return answer.error();
      code = report(answer.error(), context);
      continue;
    }
    const Json* agent = find(*answer, "agent");
    if (agent && wanted(*agent, args, ns)) {
      agents.push_back(*agent);
    } else {
      context.err << "Error from server (NotFound): agent \"" << name << "\" not found in namespace " << ns << "\n";
      code = kExitFailed;
    }
  }
  return agents;
}

void print(const Json& agents, const GetArgs& args, const ClientArgs& client, Context& context, int code) {
  if (args.output == Output::kName) {
    for (const auto& agent : agents) context.out << "agent/" << string_at(agent, "name") << "\n";
  } else if (args.output == Output::kJson || args.output == Output::kYaml) {
    const bool one = args.names.size() == 1 && agents.size() == 1;
    print_data(one ? agents.front() : Json{{"agents", agents}}, args.output, context);
  } else if (!agents.empty()) {
    const bool wide = args.output == Output::kWide;
    Table table(agent_columns(wide));
    for (const auto& agent : agents) table.add(agent_row(agent, wide));
    context.out << table.print(!args.no_headers);
  } else if (code == kExitOk) {
    context.err << "No agents found" << (client.ns.empty() ? "" : " in " + client.ns + " namespace") << ".\n";
  }
}

// Prints a row whenever an agent's row (its age aside) has changed.
class RowPrinter {
 public:
  RowPrinter(const GetArgs& args, const ClientArgs& client, Context& context)
      : args_(args), client_(client), context_(context), table_(agent_columns(args.output == Output::kWide)) {}

  void show(const Json& agent) {
    if (!wanted(agent, args_, client_.ns)) return;
    Json compared = agent;
    for (const char* field : {"age_seconds", "last_event_at"}) compared.erase(field);
    auto& last = last_[string_at(agent, "name")];
    if (last == compared) return;
    last = std::move(compared);
    if (args_.output == Output::kJson || args_.output == Output::kYaml) {
      if (args_.output == Output::kYaml) context_.out << "---\n";
      print_data(agent, args_.output, context_);
    } else if (args_.output == Output::kName) {
      context_.out << "agent/" << string_at(agent, "name") << "\n";
    } else {
      const auto row = agent_row(agent, args_.output == Output::kWide);
      if (!std::exchange(header_done_, true)) {
        table_.reserve_widths({row});
        if (!args_.no_headers) context_.out << table_.print_header();
      }
      context_.out << table_.print_row(row);
    }
    context_.out.flush();
  }
  // All at once, so that the columns fit every row of the first picture.
  void show_all(const Json& agents) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& agent : agents)
      if (wanted(agent, args_, client_.ns)) rows.push_back(agent_row(agent, args_.output == Output::kWide));
    table_.reserve_widths(rows);
    for (const auto& agent : agents) show(agent);
  }
  void forget(const std::string& name) { last_.erase(name); }

 private:
  const GetArgs& args_;
  const ClientArgs& client_;
  Context& context_;
  Table table_;
  bool header_done_ = false;
  std::map<std::string, Json> last_;
};

int watch_rows(ApiClient& client, const GetArgs& args, const ClientArgs& client_args, Context& context) {
  RowPrinter printer(args, client_args, context);
  const auto result =
      follow_events(client, {.target = "/api/v1/watch"}, context, [&](const net::ServerSentEvent& event) {
        const auto data = parse_json(event.data);
        if (!data) return true;
        if (const Json* agents = find(*data, "agents"); agents && agents->is_array()) printer.show_all(*agents);
        if (const Json* agent = find(*data, "Agent")) printer.show(*agent);
        if (event.event == "removed") printer.forget(string_at(*data, "Task"));
        return context.out.good();
      });
  if (result || result.error().code == ErrorCode::kCanceled) return kExitOk;
  return report(result.error(), context);
}

}  // namespace

int run_verb(const GetArgs& given, const ClientArgs& client_args, Context& context) {
  GetArgs args = given;
  // `get agents`, `get agent x`, `get agent/x` as with kubectl.
  if (!args.names.empty() && (args.names[0] == "agents" || args.names[0] == "agent"))
    args.names.erase(args.names.begin());
  for (auto& name : args.names) name = bare_name(name);
  auto client = ApiClient::connect(client_args, context);
  if (!client) return report(client.error(), context);
  if (args.watch) return watch_rows(*client, args, client_args, context);
  int code = kExitOk;
  auto agents = fetch(*client, args, client_args.ns, context, code);
  if (!agents) return report(agents.error(), context);
  print(*agents, args, client_args, context, code);
  return code;
}

}  // namespace fracta::cli
