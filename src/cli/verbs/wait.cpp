// fracta wait
#include "cli/api_client.hpp"
#include "cli/verbs.hpp"
#include "cli/waiting.hpp"

namespace fracta::cli {

int run_verb(const WaitArgs& args, const ClientArgs& client_args, Context& context) {
  auto client = ApiClient::connect(client_args, context);
  if (!client) return report(client.error(), context);
  const auto deadline = std::chrono::steady_clock::now() + args.timeout;
  int code = kExitOk;
  for (const auto& name : args.names)
    code = std::max(code, wait_for_agent(*client, name, args.condition, deadline, context));
  return code;
}

}  // namespace fracta::cli
