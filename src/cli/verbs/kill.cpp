// fracta kill
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/agent_view.hpp"
#include "cli/api_client.hpp"
#include "cli/verbs.hpp"
#include "fracta/base/json.hpp"

namespace fracta::cli {
namespace {

Result<void> kill_one(ApiClient& client, const std::string& name, const KillArgs& args, const std::string& ns) {
  if (!args.dry_run.empty() || !ns.empty()) {
    auto answer = client.call("GET", agent_target(name));
    if (!answer) return answer.error();
    const std::string actual = string_at(*answer, "agent/namespace");
    if (!ns.empty() && actual != ns)
      return make_error(ErrorCode::kNotFound, "agent \"" + name + "\" is in namespace " + actual + ", not in " + ns);
    if (!args.dry_run.empty()) return {};
  }
  const Json body{{"keep_files", args.keep_files}};
  auto answer = client.call("DELETE", agent_target(name), &body);
  if (!answer) return answer.error();
  return {};
}

}  // namespace

int run_verb(const KillArgs& args, const ClientArgs& client_args, Context& context) {
  auto client = ApiClient::connect(client_args, context);
  if (!client) return report(client.error(), context);
  int code = kExitOk;
  for (const auto& given : args.names) {
    const std::string name = bare_name(given);
    const auto killed = kill_one(*client, name, args, client_args.ns);
    if (!killed) {
      if (args.ignore_not_found && killed.error().code == ErrorCode::kNotFound) continue;
      code = report(killed.error(), context);
      if (killed.error().code == ErrorCode::kUnavailable) return code;
      continue;
    }
    context.out << "agent/" << name;
    if (args.output != Output::kName) context.out << " killed" << (args.dry_run.empty() ? "" : " (dry run)");
    context.out << "\n";
  }
  return code;
}

}  // namespace fracta::cli
