// fracta auth diagnose
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/agent_view.hpp"
#include "cli/api_client.hpp"
#include "cli/auth_diagnosis.hpp"
#include "cli/verbs.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/text.hpp"
#include "fracta/config/load.hpp"
#include "fracta/daemon/pod_check.hpp"

namespace fracta::cli {
namespace {

constexpr const char* kDefaultPath = "./fracta.yaml";
constexpr const char* kManifest = "deployment/k8s/manifests/fracta-controlplane.yaml";  // of a scaffolded project

// Where the profiles come from, and what they come to.
struct Plans {
  std::string source;
  std::optional<config::Config> config;  // of a file; the controlplane's own stays with it
  std::vector<credentials::Diagnosis> runtimes;
};

struct RunningAgent {
  std::string name, runtime, ns, pod;
  bool ended = false;
};

bool has_profiles(const config::Config& config) {
  return std::any_of(config.agent_runtimes.begin(), config.agent_runtimes.end(),
                     [](const auto& runtime) { return !runtime.second.auth_profile.empty(); });
}

Result<config::Config> load(const std::string& path, Context& context) {
  auto loaded = config::load_file(path, {.strict = false, .environment = context.environment});
  for (const auto& diagnostic : loaded.diagnostics) context.err << config::format_diagnostic(path, diagnostic) << "\n";
  if (loaded.config) return *std::move(loaded.config);
  return make_error(ErrorCode::kInvalid, path + ": the configuration is not valid");
}

Plans plans_of(config::Config config, const std::string& path, const std::string& runtime) {
  Plans plans{.source = path, .config = std::move(config), .runtimes = {}};
  for (const auto& [name, entry] : plans.config->agent_runtimes)
    if (runtime.empty() && !entry.auth_profile.empty())
      plans.runtimes.push_back(credentials::diagnose(*plans.config, name));
  if (!runtime.empty()) plans.runtimes.push_back(credentials::diagnose(*plans.config, runtime));
  return plans;
}

credentials::Diagnosis from_json(const Json& json) {
  credentials::Diagnosis diagnosis;
  diagnosis.runtime = string_at(json, "runtime");
  diagnosis.title = string_at(json, "title");
  diagnosis.helper = string_at(json, "helper");
  diagnosis.has_plan = bool_at(json, "has_plan");
  diagnosis.wants_settings = bool_at(json, "wants_settings");
  if (const Json* findings = find(json, "findings"); findings != nullptr && findings->is_array())
    for (const auto& one : *findings)
      diagnosis.findings.push_back({credentials::finding_kind(string_at(one, "kind")),
                                    shorten(string_at(one, "text"), 1000), shorten(string_at(one, "remedy"), 1000)});
  if (const Json* files = find(json, "files"); files != nullptr && files->is_array())
    for (const auto& file : *files)
      if (file.is_string()) diagnosis.files.push_back(file.get<std::string>());
  return diagnosis;
}

Result<Plans> ask_plans(ApiClient& client, const std::string& runtime) {
  const auto answer = client.call(
      "GET", "/api/v1/auth/plans" + (runtime.empty() ? "" : "?" + net::encode_query({{"runtime", runtime}})));
  if (!answer) return answer.error();
  Plans plans{.source = "the controlplane at " + client.url(), .config = {}, .runtimes = {}};
  if (const Json* all = find(*answer, "runtimes"); all != nullptr && all->is_array())
    for (const auto& one : *all) plans.runtimes.push_back(from_json(one));
  return plans;
}

// A named file counts, unless it is only the command line's own. For an agent, what its controlplane runs with; else
// the project's files, as far as they have profiles: the scaffold's fracta.yaml is the command line's own and has none.
Result<Plans> find_plans(const std::string& runtime, bool of_agent, const ClientArgs& args, Context& context) {
  if (!args.config.empty()) {
    auto config = load(args.config, context);
    if (!config) return config.error();
    if (has_profiles(*config) || config->control_plane_url.empty())
      return plans_of(*std::move(config), args.config, runtime);
  } else if (!of_agent) {
    for (const std::string path : {kDefaultPath, kManifest}) {
      if (!read_file(path)) continue;
      auto config = load(path, context);
      // The manifest may need variables that only the controlplane has; then it has the answer, too.
      if (!config && path == kManifest) continue;
      if (!config) return config.error();
      if (has_profiles(*config)) return plans_of(*std::move(config), path, runtime);
    }
  }
  auto client = ApiClient::connect(args, context);
  if (!client) return client.error();
  auto plans = ask_plans(*client, runtime);
  if (plans) return plans;
  return plans.error().with_context("no file here has credential profiles, and the controlplane could not be asked");
}

Result<RunningAgent> find_agent(const std::string& name, ApiClient& client) {
  auto agent = client.call("GET", agent_target(bare_name(name)));
  if (!agent) return agent.error();
  const Json* info = find(*agent, "agent");
  if (info == nullptr) return make_error(ErrorCode::kInternal, "the controlplane's answer names no agent");
  return RunningAgent{.name = string_at(*info, "name"),
                      .runtime = string_at(*info, "runtime"),
                      .ns = string_at(*info, "namespace"),
                      .pod = string_at(*info, "pod_name"),
                      .ended = is_terminal(*info)};
}

// The runner's own report from inside the container.
Result<Json> enter_pod(const RunningAgent& agent, const credentials::Diagnosis& plan, const AuthDiagnoseArgs& args,
                       Context& context) {
  if (agent.ended) return make_error(ErrorCode::kInvalid, "the agent has ended");
  if (agent.pod.empty()) return make_error(ErrorCode::kInvalid, "the agent has no pod");
  daemon::PodCommand command;
  command.kubeconfig = args.kubeconfig;
  command.context = args.context;
  command.ns = agent.ns;
  command.pod = agent.pod;
  command.command = {"fracta", "agent", "check"};
  if (args.run) command.command.emplace_back("--run");
  for (const auto& file : plan.files) command.command.insert(command.command.end(), {"--file", file});
  command.stop = context.stop;
  auto answer = daemon::run_in_pod(command);
  if (!answer) return answer.error();
  auto found = parse_json(answer->standard_output);
  if (answer->exit_code == 0 && found && found->is_object()) return *std::move(found);
  return make_error(ErrorCode::kInvalid,
                    "its image has no `fracta agent check` (exit code " + std::to_string(answer->exit_code) + ")");
}

// Its first lines, which the runner wrote: what there was when it started.
void read_log(const RunningAgent& agent, const credentials::Diagnosis& plan, ApiClient& client, Diagnosis& diagnosis) {
  const auto log = client.call("GET", agent_target(agent.name, "/logs?lines=0"));
  if (!log && log.error().http_status != 404)  // no pod yet: the missing line is what there is to say
    return diagnosis.check(false, "the agent's log", log.error().message);
  if (log && bool_at(*log, "truncated"))
    return diagnosis.warn("the agent's log is too long to see its beginning, where the runner's findings are");
  diagnose_pod_log(plan, log ? string_at(*log, "output") : "", diagnosis);
}

Result<void> diagnose_agent(const RunningAgent& agent, const credentials::Diagnosis& plan, const AuthDiagnoseArgs& args,
                            ApiClient& client, Context& context, Diagnosis& diagnosis) {
  const auto found = enter_pod(agent, plan, args, context);
  if (found) {
    diagnose_pod(plan, *found, diagnosis);
    return {};
  }
  if (found.error().code == ErrorCode::kCanceled) return found.error();
  diagnosis.warn("the pod was not entered (" + shorten(found.error().message, 400) + "); from its log, as it started:");
  if (args.run) diagnosis.check(false, "apiKeyHelper, run in the pod", "it could not be run there");
  read_log(agent, plan, client, diagnosis);
  return {};
}

void run_here(const Plans& plans, const credentials::Diagnosis& runtime, Context& context, Diagnosis& diagnosis) {
  if (!plans.config)
    return diagnosis.check(false, "run",
                           "only the controlplane has this configuration: --config FILE runs it here, --agent NAME in "
                           "that agent's pod");
  // What the daemon would log stands in the findings.
  static_cast<void>(log::configure({.level = log::Level::kError, .format = log::Format::kText, .file = ""}));
  const auto plan = credentials::plan_for(*plans.config, runtime.runtime);
  if (plan && *plan) diagnose_by_running(**plan, context, diagnosis);
}

}  // namespace

int run_verb(const AuthDiagnoseArgs& args, const ClientArgs& client_args, Context& context) {
  std::optional<ApiClient> client;
  std::optional<RunningAgent> agent;
  if (!args.agent.empty()) {
    auto connected = ApiClient::connect(client_args, context);
    if (!connected) return report(connected.error(), context);
    client.emplace(*std::move(connected));
    auto found = find_agent(args.agent, *client);
    if (!found) return report(found.error(), context);
    agent = *std::move(found);
  }
  const std::string runtime = agent && args.runtime.empty() ? agent->runtime : args.runtime;
  const auto plans = find_plans(runtime, agent.has_value(), client_args, context);
  if (!plans) return report(plans.error(), context);
  context.out << "profiles: " << plans->source << "\n";
  if (plans->runtimes.empty()) context.out << "no runtime has an auth_profile: agents get no credentials\n";
  Diagnosis diagnosis(context.out);
  for (const auto& plan : plans->runtimes) {
    diagnosis.print(plan);
    if (agent) {
      if (auto done = diagnose_agent(*agent, plan, args, *client, context, diagnosis); !done)
        return report(done.error(), context);
      continue;
    }
    if (!plan.has_plan) continue;
    diagnose_local_helper(plan.helper, context, diagnosis);
    if (args.run) run_here(*plans, plan, context, diagnosis);
  }
  return diagnosis.failed() ? kExitFailed : kExitOk;
}

}  // namespace fracta::cli
