// fracta agent run
#include <sys/prctl.h>

#include "cli/verbs.hpp"
#include "fracta/runner/runner.hpp"

namespace fracta::cli {

int run_verb(const AgentRunArgs& args, const ClientArgs&, Context& context) {
  prctl(PR_SET_DUMPABLE, 0);  // tokens pass through the environment: no core file may hold them
  runner::RunOptions options{.command = args.command};
  // For tests and images that keep helpers elsewhere; the documented place is the default.
  if (auto directory = context.environment("FRACTA_AUTH_HELPERS_DIR"); directory && !directory->empty())
    options.auth_helpers_directory = *directory;
  return runner::run_agent(options);
}

}  // namespace fracta::cli
