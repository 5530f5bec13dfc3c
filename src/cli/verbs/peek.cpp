// fracta peek
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/api_client.hpp"
#include "cli/verbs.hpp"
#include "fracta/base/json.hpp"

namespace fracta::cli {

int run_verb(const PeekArgs& args, const ClientArgs& client_args, Context& context) {
  auto client = ApiClient::connect(client_args, context);
  if (!client) return report(client.error(), context);
  auto answer = client->call("GET", agent_target(args.name, args.mode.empty() ? "/peek" : "/peek?mode=" + args.mode));
  if (!answer) return report(answer.error(), context);
  const std::string output = string_at(*answer, "output");
  context.out << output << (output.empty() || output.ends_with('\n') ? "" : "\n");
  return kExitOk;
}

}  // namespace fracta::cli
