// fracta auth diagnose
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/agent_view.hpp"
#include "cli/api_client.hpp"
#include "cli/auth_diagnosis.hpp"
#include "cli/verbs.hpp"
#include "fracta/base/json.hpp"
#include "fracta/config/load.hpp"

namespace fracta::cli {
namespace {

constexpr const char* kDefaultPath = "./fracta.yaml";

Result<config::Config> load(const ClientArgs& client, Context& context) {
  const std::string path = client.config.empty() ? kDefaultPath : client.config;
  auto loaded = config::load_file(path, {.strict = false, .environment = context.environment});
  for (const auto& diagnostic : loaded.diagnostics) context.err << config::format_diagnostic(path, diagnostic) << "\n";
  if (loaded.config) return *std::move(loaded.config);
  return make_error(ErrorCode::kInvalid, path + ": the configuration is not valid");
}

struct RunningAgent {
  std::string runtime;
  std::string log;
  bool log_cut = false;  // its beginning, where the runner's lines are, is missing
};

Result<RunningAgent> ask_agent(const AuthDiagnoseArgs& args, const ClientArgs& client_args, Context& context) {
  auto client = ApiClient::connect(client_args, context);
  if (!client) return client.error();
  auto agent = client->call("GET", agent_target(bare_name(args.agent)));
  if (!agent) return agent.error();
  RunningAgent running;
  running.runtime = string_at(*agent, "agent/runtime");
  auto log = client->call("GET", agent_target(bare_name(args.agent), "/logs?lines=0"));
  if (log) {
    running.log = string_at(*log, "output");
    running.log_cut = bool_at(*log, "truncated");
  } else if (log.error().http_status != 404) {  // no pod yet: the missing line is what there is to say
    return log.error();
  }
  return running;
}

std::vector<std::string> runtimes_of(const AuthDiagnoseArgs& args, const config::Config& config,
                                     const std::optional<RunningAgent>& running) {
  if (!args.runtime.empty()) return {args.runtime};
  if (running) return {running->runtime};
  std::vector<std::string> names;
  for (const auto& [name, runtime] : config.agent_runtimes)
    if (!runtime.auth_profile.empty()) names.push_back(name);
  return names;
}

}  // namespace

int run_verb(const AuthDiagnoseArgs& args, const ClientArgs& client, Context& context) {
  auto config = load(client, context);
  if (!config) return report(config.error(), context);
  std::optional<RunningAgent> running;
  if (!args.agent.empty()) {
    auto asked = ask_agent(args, client, context);
    if (!asked) return report(asked.error(), context);
    running = *std::move(asked);
  }
  const auto runtimes = runtimes_of(args, *config, running);
  if (runtimes.empty()) context.out << "no runtime has an auth_profile: agents get no credentials\n";
  Diagnosis diagnosis(context.out);
  for (const auto& runtime : runtimes) {
    auto plan = credentials::plan_for(*config, runtime);
    if (!plan) {
      diagnosis.title("runtime " + runtime);
      diagnosis.check(false, "plan", plan.error().message);
      continue;
    }
    if (!*plan) {
      diagnosis.title("runtime " + runtime + ": no auth_profile, so its agents get no credentials");
      continue;
    }
    diagnose_plan(**plan, diagnosis);
    if (running && running->log_cut)
      diagnosis.warn("the agent's log is too long to see its beginning, where the pod's own findings are");
    else if (running)
      diagnose_pod_log(**plan, running->log, diagnosis);
    else
      diagnose_local_helper(**plan, context, diagnosis);
    if (args.run) diagnose_by_running(**plan, context, diagnosis);
  }
  return diagnosis.failed() ? kExitFailed : kExitOk;
}

}  // namespace fracta::cli
