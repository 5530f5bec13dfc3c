// fracta agent run, fracta agent check
#include <sys/prctl.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/verbs.hpp"
#include "fracta/base/json.hpp"
#include "fracta/runner/check.hpp"
#include "fracta/runner/runner.hpp"

namespace fracta::cli {

int run_verb(const AgentRunArgs& args, const ClientArgs&, Context&) {
  prctl(PR_SET_DUMPABLE, 0);  // tokens pass through the environment: no core file may hold them
  return runner::run_agent({.command = args.command, .workspace = ""});
}

int run_verb(const AgentCheckArgs& args, const ClientArgs&, Context& context) {
  prctl(PR_SET_DUMPABLE, 0);
  context.out << dump_json(runner::check_container(
                     {.files = args.files, .run = args.run, .workspace = "", .home = "", .stop = context.stop}))
              << "\n";
  return kExitOk;
}

}  // namespace fracta::cli
