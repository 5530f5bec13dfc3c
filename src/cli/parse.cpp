// The command tree. Including CLI11 costs 15 s of compile time, so only the parse*.cpp files and usage_error.cpp do.
#include <CLI/CLI.hpp>

#include <memory>

#include "cli/invocation.hpp"
#include "cli/parse_access.hpp"
#include "cli/parse_credential.hpp"
#include "cli/usage_error.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"
#include "fracta/cli/cli.hpp"
#include "fracta/version.hpp"

namespace fracta::cli {
namespace {

// Everything CLI11 writes into, and which verb was chosen. Must not move while `app` lives.
struct Tree {
  CLI::App app{"Runs coding and security agents as Kubernetes Jobs and Pods.", "fracta"};
  ClientArgs client;
  SpawnArgs spawn;
  GetArgs list, get;
  DescribeArgs describe;
  LogsArgs logs;
  PeekArgs peek;
  WatchArgs watch;
  WaitArgs wait;
  KillArgs kill;
  ConfigArgs validate, show;
  ControlplaneArgs controlplane, serve;
  bool api_only = false;
  DevclusterArgs devcluster;
  VersionArgs version;
  CompletionArgs completion;
  AgentRunArgs agent_run;
  AgentCheckArgs agent_check;
  AuthDiagnoseArgs auth_diagnose;
  AccessArgs access;
  CredentialVerbs credential;
  InitArgs init;
  std::string task, host_type, format;
  std::vector<std::string> upstream_serve_flags;
  std::vector<std::pair<CLI::App*, std::function<Verb()>>> verbs;
  std::vector<CLI::App*> agent_arguments;  // verbs whose positionals are agents' names

  Tree();
  CLI::App* verb(const std::string& name, const std::string& description, std::function<Verb()> make);
};

const std::map<std::string, Output> kTableOutputs{
    {"wide", Output::kWide}, {"json", Output::kJson}, {"yaml", Output::kYaml}, {"name", Output::kName}};
const std::map<std::string, Output> kObjectOutputs{
    {"json", Output::kJson}, {"yaml", Output::kYaml}, {"name", Output::kName}};
const std::map<std::string, Output> kDataOutputs{{"json", Output::kJson}, {"yaml", Output::kYaml}};
const std::map<std::string, WaitFor> kConditions{{"completed", WaitFor::kCompleted},
                                                 {"running", WaitFor::kRunning},
                                                 {"ready", WaitFor::kReady},
                                                 {"deleted", WaitFor::kDeleted}};

template <class T>
void add_choice(CLI::App* app, const std::string& names, T& target, const std::map<std::string, T>& values,
                const std::string& description) {
  std::vector<std::string> words;
  for (const auto& [word, value] : values) words.push_back(word);
  app->add_option_function<std::string>(
         names, [&target, values](const std::string& word) { target = values.at(word); }, description)
      ->check(CLI::IsMember(words))
      ->option_text("(" + join(words, "|") + ")");
}

void add_duration(CLI::App* app, const std::string& names, std::chrono::nanoseconds& target,
                  const std::string& description) {
  app->add_option_function<std::string>(
         names,
         [&target](const std::string& text) {
           auto parsed = parse_go_duration(text);
           if (!parsed) throw CLI::ValidationError(parsed.error().message);
           target = *parsed;
         },
         description)
      ->option_text("DURATION");
}

void add_dry_run(CLI::App* app, std::string& target) {
  app->add_option("--dry-run", target, "only show what would happen; bare --dry-run means client")
      ->check(CLI::IsMember({"client", "server", "none"}))
      ->option_text("(client|server)");
}

CLI::App* Tree::verb(const std::string& name, const std::string& description, std::function<Verb()> make) {
  CLI::App* sub = app.add_subcommand(name, description);
  verbs.emplace_back(sub, std::move(make));
  return sub;
}

void add_spawn(Tree& t) {
  auto* sub = t.verb("spawn", "Start an agent", [&t]() -> Verb {
    if (t.spawn.name.empty()) t.spawn.name = t.task;
    if (t.spawn.runtime.empty()) t.spawn.runtime = t.host_type;
    t.spawn.host_type_used = !t.host_type.empty();
    if (t.spawn.output == Output::kDefault && !t.format.empty()) t.spawn.output = kDataOutputs.at(t.format);
    if (t.spawn.dry_run == "none") t.spawn.dry_run.clear();
    return t.spawn;
  });
  auto& a = t.spawn;
  sub->add_option("NAME", a.name, "the agent's name");
  sub->add_option("--task", t.task, "the agent's name, as upstream spells it")->option_text("NAME");
  sub->add_option("--contract", a.contract, "the task: text, @FILE, or - for standard input")
      ->option_text("TEXT|@FILE|-");
  sub->add_option("--contract-file", a.contract_file, "the task from a file")->option_text("FILE");
  sub->add_option("--runtime", a.runtime, "key of agents.agent_runtimes")->option_text("NAME");
  sub->add_option("--host-type", t.host_type, "deprecated: use --runtime")->option_text("NAME");
  sub->add_option("--model", a.model, "model, instead of the runtime's")->option_text("MODEL");
  sub->add_option("--tier", a.tier, "model by tier")
      ->check(CLI::IsMember({"heavy", "medium", "light"}))
      ->option_text("(heavy|medium|light)");
  sub->add_option("--mode", a.mode, "batch: a Job; stream: a long-lived Pod")
      ->check(CLI::IsMember({"batch", "stream"}))
      ->option_text("(batch|stream)");
  sub->add_option("--image", a.image, "container image for this agent")->option_text("IMAGE");
  sub->add_option("--base", a.base, "base branch (upstream; has no meaning in Kubernetes)")->option_text("BRANCH");
  sub->add_option("-l,--label", a.labels, "label for the agent's objects; repeatable")
      ->allow_extra_args(false)
      ->option_text("KEY=VALUE");
  sub->add_option("--credential", a.credentials, "stored credential for this agent; repeatable")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->option_text("NAME");
  sub->add_option("--requests", a.requests, "resource requests")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->option_text("cpu=100m,memory=1Gi");
  sub->add_option("--limits", a.limits, "resource limits")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->option_text("cpu=1,memory=2Gi");
  sub->add_option("--active-deadline-seconds", a.active_deadline_seconds, "stop the agent after this time")
      ->option_text("N");
  add_dry_run(sub, a.dry_run);
  add_choice(sub, "-o,--output", a.output, kObjectOutputs,
             "print the answer (with --dry-run: the objects) in this form");
  sub->add_option("--format", t.format, "upstream's -o")
      ->check(CLI::IsMember({"yaml", "json"}))
      ->option_text("(yaml|json)");
  sub->add_flag("--wait", a.wait, "wait until a batch agent has completed or a stream agent is ready");
  add_duration(sub, "--timeout", a.timeout, "of --wait (default 1h)");
  sub->add_flag("--keep-files", a.keep_files, "accepted for upstream's scripts; workspaces are kept by their volume");
  sub->footer(
      "Arguments after -- are the command of a runtime with adapter `command`:\n"
      "  fracta spawn hello --runtime shell -- sh -c 'echo hello'");
}

void add_reading_verbs(Tree& t) {
  auto* list = t.verb("list", "List agents", [&t]() -> Verb { return t.list; });
  list->alias("ls");
  auto* get = t.verb("get", "Show agents: `get agents`, `get NAME...`", [&t]() -> Verb { return t.get; });
  get->add_option("NAME", t.get.names, "agents, or the word `agents` for all");
  for (auto [sub, args] : {std::pair{list, &t.list}, std::pair{get, &t.get}}) {
    add_choice(sub, "-o,--output", args->output, kTableOutputs, "form of the output");
    sub->add_flag("-w,--watch", args->watch, "keep printing changes");
    sub->add_flag("--no-headers", args->no_headers, "leave the header line out");
  }
  auto* describe =
      t.verb("describe", "Show one agent with its times, reason and events", [&t]() -> Verb { return t.describe; });
  describe->add_option("NAME", t.describe.names, "agents")->required();

  auto* logs = t.verb("logs", "Print an agent's output", [&t]() -> Verb { return t.logs; });
  logs->add_option("NAME", t.logs.name, "the agent")->required();
  logs->add_flag("-f,--follow", t.logs.follow, "wait for the agent to start and follow until it ends");
  logs->add_option("--tail", t.logs.tail, "only the last N lines; -1 = all")->option_text("N");
  logs->add_option("--since", t.logs.since, "only lines newer than a duration (5m) or an RFC 3339 time")
      ->option_text("DURATION|TIME");
  logs->add_flag("--timestamps", t.logs.timestamps, "print each line's time");
  logs->add_option("-c,--container", t.logs.container, "container of the agent's pod")
      ->check(CLI::IsMember({"agent", "workspace-init"}))
      ->option_text("(agent|workspace-init)");

  auto* peek = t.verb("peek", "Print the end of an agent's output", [&t]() -> Verb { return t.peek; });
  peek->add_option("NAME", t.peek.name, "the agent")->required();
  peek->add_option("--mode", t.peek.mode, "what to show")
      ->check(CLI::IsMember({"raw", "events"}))
      ->option_text("(raw|events)");

  auto* watch = t.verb("watch", "Print an agent's events as they happen", [&t]() -> Verb { return t.watch; });
  watch->add_option("NAME", t.watch.name, "the agent; all agents when left out");
  watch->add_option("--since", t.watch.since, "begin after this event id")->option_text("ID");
  add_choice(watch, "-o,--output", t.watch.output, {{"json", Output::kJson}}, "one JSON object a line");

  auto* wait = t.verb("wait", "Wait until agents reach a state", [&t]() -> Verb { return t.wait; });
  wait->add_option("NAME", t.wait.names, "agents")->required();
  add_choice(wait, "--for", t.wait.condition, kConditions, "what to wait for (default completed)");
  add_duration(wait, "--timeout", t.wait.timeout, "give up after this time (default 1h)");
  t.agent_arguments.insert(t.agent_arguments.end(), {get, describe, logs, peek, watch, wait});
}

void add_changing_verbs(Tree& t) {
  auto* kill = t.verb("kill", "Stop agents and remove their objects", [&t]() -> Verb {
    if (t.kill.dry_run == "none") t.kill.dry_run.clear();
    return t.kill;
  });
  kill->alias("delete");
  kill->add_option("NAME", t.kill.names, "agents")->required();
  kill->add_flag("--keep-files", t.kill.keep_files,
                 "accepted for upstream's scripts; workspaces are kept by their volume");
  kill->add_flag("--ignore-not-found", t.kill.ignore_not_found, "an agent that does not exist is no error");
  add_dry_run(kill, t.kill.dry_run);
  add_choice(kill, "-o,--output", t.kill.output, {{"name", Output::kName}}, "form of the output");
  t.agent_arguments.push_back(kill);
}

void add_config(Tree& t) {
  auto* config = t.app.add_subcommand("config", "Check and show fracta.yaml");
  config->require_subcommand(1);
  config->fallthrough();
  auto* validate =
      config->add_subcommand("validate", "Report every problem of fracta.yaml (exit code 0 valid, 1 invalid)");
  auto* show = config->add_subcommand("show", "Print the effective configuration with defaults, secrets redacted");
  t.validate.action = ConfigArgs::Action::kValidate;
  t.show.action = ConfigArgs::Action::kShow;
  t.verbs.emplace_back(validate, [&t]() -> Verb { return t.validate; });
  t.verbs.emplace_back(show, [&t]() -> Verb { return t.show; });
  for (auto [sub, args] : {std::pair{validate, &t.validate}, std::pair{show, &t.show}}) {
    sub->fallthrough();
    sub->add_flag("--strict", args->strict, "unknown keys are errors");
    add_choice(sub, "-o,--output", args->output, kDataOutputs, "form of the output");
  }
  // Not `--server`, the global option with a value: here it is a flag (see normalize()).
  validate->add_flag("--ask-api-server", t.validate.ask_server,
                     "same as --server: let the Kubernetes API server judge the pods as well (dry run)");
  validate->add_option("--kubeconfig", t.validate.kubeconfig, "for --server")->option_text("FILE");
  validate->add_option("--context", t.validate.context, "for --server")->option_text("NAME");
}

void add_auth(Tree& t) {
  auto* auth = t.app.add_subcommand("auth", "Credentials that agents get; who one is and what one may do");
  auth->require_subcommand(1);
  auth->fallthrough();
  auto* diagnose = auth->add_subcommand(
      "diagnose", "Show what credentials agents get and check it, without any value (exit code 1: a check failed)");
  diagnose->fallthrough();
  diagnose
      ->add_option("--runtime", t.auth_diagnose.runtime,
                   "key of agents.agent_runtimes; default: all with an auth_profile")
      ->option_text("NAME");
  diagnose->add_option("--agent", t.auth_diagnose.agent, "also look into the pod of this running agent")
      ->option_text("NAME");
  diagnose->add_flag("--run", t.auth_diagnose.run,
                     "run the resolver and the origins here, with --agent the helper in its pod; no token is shown");
  diagnose->add_option("--kubeconfig", t.auth_diagnose.kubeconfig, "for --agent: who enters the pod")
      ->option_text("FILE");
  diagnose->add_option("--context", t.auth_diagnose.context, "for --agent: context of the kubeconfig")
      ->option_text("NAME");
  diagnose->footer(
      "The profiles are those of --config FILE (a fracta.yaml, or the manifest with the controlplane's ConfigMap), "
      "else of\n./fracta.yaml or deployment/k8s/manifests/fracta-controlplane.yaml, else the controlplane's own; with "
      "--agent\nalways the controlplane's own, unless --config names a file.");
  t.verbs.emplace_back(diagnose, [&t]() -> Verb { return t.auth_diagnose; });
}

void add_controlplane_options(CLI::App* sub, ControlplaneArgs& args) {
  sub->add_option("--kubeconfig", args.kubeconfig, "instead of KUBECONFIG, in-cluster identity or ~/.kube/config")
      ->option_text("FILE");
  sub->add_option("--context", args.context, "context of the kubeconfig")->option_text("NAME");
  sub->add_option("--listen", args.listen, "address of the HTTP API, instead of control_plane_api.listen")
      ->option_text("ADDR");
  sub->add_option("--address-file", args.address_file, "write the bound address here, e.g. with --listen 127.0.0.1:0")
      ->option_text("FILE");
  sub->add_option("--log-format", args.log_format, "json (default) or text")
      ->check(CLI::IsMember({"json", "text"}))
      ->option_text("(json|text)");
  sub->add_option("--log-level", args.log_level, "lowest level written")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->option_text("(debug|info|warn|error)");
}

void add_daemons(Tree& t) {
  auto* controlplane = t.verb("controlplane", "Run the daemon", [&t]() -> Verb { return t.controlplane; });
  add_controlplane_options(controlplane, t.controlplane);

  auto* serve = t.verb("serve", "Run the daemon, as existing manifests call it", [&t]() -> Verb {
    if (!t.api_only || !t.upstream_serve_flags.empty())
      throw CLI::ValidationError(
          "only `fracta serve --control-plane-api-only --config FILE` is served here; "
          "the gateway, the MCP server and agent mode are other programs of upstream's");
    return t.serve;
  });
  serve->add_flag("--control-plane-api-only", t.api_only, "serve the HTTP API");
  add_controlplane_options(serve, t.serve);
  for (const char* flag : {"--gateway-mode", "--agent-mode"})
    serve
        ->add_flag_callback(
            flag, [&t, flag] { t.upstream_serve_flags.emplace_back(flag); }, "not available")
        ->group("");
  serve
      ->add_option_function<std::string>(
          "--transport", [&t](const std::string&) { t.upstream_serve_flags.emplace_back("--transport"); },
          "not available")
      ->group("");

  auto* devcluster = t.verb("devcluster", "Run a Kubernetes API and node on this machine, for development",
                            [&t]() -> Verb { return t.devcluster; });
  devcluster->add_option("--listen", t.devcluster.listen, "address of the API (default a free port of 127.0.0.1)")
      ->option_text("HOST:PORT");
  devcluster
      ->add_option("--data", t.devcluster.data, "keep CA, tokens and objects here instead of in a temporary directory")
      ->option_text("DIR");
  devcluster->add_option("--kubeconfig-out", t.devcluster.kubeconfig_out, "write the kubeconfig here")
      ->option_text("FILE");
  devcluster->add_option("--image", t.devcluster.images, "root directory for an image name; `/` is this machine's own")
      ->allow_extra_args(false)
      ->option_text("NAME=DIR");
  devcluster->add_option("--faults", t.devcluster.faults, "YAML or JSON file of faults to make (docs/devcluster.md)")
      ->option_text("FILE");
  devcluster->add_flag("--fake-node", t.devcluster.fake_node,
                       "run nothing: pods only go through their phases, for thousands of them");
  devcluster->add_option("--fake-run", t.devcluster.fake_run, "with --fake-node: how long pods run (default 1s)")
      ->option_text("DURATION");
}

void add_init(Tree& t) {
  auto* init = t.verb("init", "Write the files of a deployment into a directory", [&t]() -> Verb {
    if (t.init.scaffold.empty()) throw CLI::ValidationError("required flag \"scaffold\" not set; valid: k8s");
    return t.init;
  });
  init->add_option("--scaffold", t.init.scaffold, "k8s: manifests, auth helpers and fracta.yaml")->option_text("KIND");
  init->add_option("--dir", t.init.directory, "project directory (default .)")->option_text("DIR");
  init->add_flag("--force", t.init.force, "replace files that differ from the template");
  init->add_flag("-y,--yes", t.init.yes, "do not ask before that");
}

void add_rest(Tree& t) {
  auto* version = t.verb("version", "Print the versions of client and daemon", [&t]() -> Verb { return t.version; });
  version->add_flag("--client", t.version.client_only, "do not ask the daemon");
  add_choice(version, "-o,--output", t.version.output, kDataOutputs, "form of the output");

  auto* completion = t.verb("completion", "Print a shell's completion script", [&t]() -> Verb { return t.completion; });
  completion->add_option("SHELL", t.completion.shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->footer(
      "bash:  source <(fracta completion bash)\nzsh:   source <(fracta completion zsh)\nfish:  fracta completion fish "
      "| source");

  auto* agent = t.app.add_subcommand("agent", "What runs inside an agent's container");
  agent->require_subcommand(1);
  auto* agent_run =
      agent->add_subcommand("run", "Prepare the environment and run the agent: fracta agent run -- COMMAND...");
  t.verbs.emplace_back(agent_run, [&t]() -> Verb { return t.agent_run; });
  auto* agent_check = agent->add_subcommand(
      "check", "Report, as JSON and without any value, what credentials there are in this container");
  agent_check->add_option("--file", t.agent_check.files, "a token file that should be there; repeatable")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->option_text("PATH");
  agent_check->add_flag("--run", t.agent_check.run, "run the apiKeyHelper of user-settings.json");
  t.verbs.emplace_back(agent_check, [&t]() -> Verb { return t.agent_check; });
}

Tree::Tree() {
  app.set_help_flag("-h,--help", "print this help");
  app.set_version_flag("--version", std::string("fracta ") + kVersion + " (" + kCommit + ")", "print the version");
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("--server", client.server, "URL of the controlplane (or FRACTA_SERVER, or control_plane_api.url)")
      ->option_text("URL");
  app.add_option("--context", client.context, "controlplane that `fracta login` knows (default: the current one)")
      ->option_text("NAME");
  app.add_option("--config", client.config, "path of fracta.yaml (default ./fracta.yaml)")->option_text("FILE");
  app.add_option("-n,--namespace", client.ns, "only accept agents of this namespace")->option_text("NAME");
  add_duration(&app, "--request-timeout", client.request_timeout, "of one request (default 30s)");
  app.fallthrough();
  app.require_subcommand(0, 1);  // then `auth can-i get` and `credential get list` are words, not further verbs
  add_spawn(*this);
  add_reading_verbs(*this);
  add_changing_verbs(*this);
  add_config(*this);
  add_auth(*this);
  add_access_verbs(app, *app.get_subcommand("auth"), access,
                   [this](CLI::App* sub, std::function<Verb()> make) { verbs.emplace_back(sub, std::move(make)); });
  add_credential_verbs(app, credential,
                       [this](CLI::App* sub, std::function<Verb()> make) { verbs.emplace_back(sub, std::move(make)); });
  add_daemons(*this);
  add_init(*this);
  add_rest(*this);
}

// `config validate --server` is a flag although --server has a value everywhere else, and --dry-run may stand alone.
std::vector<std::string> normalize(std::vector<std::string> arguments) {
  arguments = mark_question(std::move(arguments));
  const bool validating = std::find(arguments.begin(), arguments.end(), "validate") != arguments.end() &&
                          std::find(arguments.begin(), arguments.end(), "config") != arguments.end();
  for (auto& argument : arguments) {
    if (argument == "--dry-run") argument = "--dry-run=client";
    if (validating && argument == "--server") argument = "--ask-api-server";
  }
  return arguments;
}

std::variant<Invocation, ParseExit> chosen_verb(Tree& tree, std::vector<std::string> trailing) {
  for (const auto& [sub, make] : tree.verbs) {
    if (!sub->parsed()) continue;
    Verb verb = make();
    if (auto* run = std::get_if<AgentRunArgs>(&verb)) run->command = std::exchange(trailing, {});
    if (auto* spawn = std::get_if<SpawnArgs>(&verb)) {
      spawn->command = std::exchange(trailing, {});
      if (spawn->name.empty()) return usage(tree.app, "required argument NAME (or flag \"task\") not set");
    }
    if (!trailing.empty()) return usage(tree.app, "this command takes no arguments after --");
    return Invocation{tree.client, std::move(verb)};
  }
  return ParseExit{kExitUsage, tree.app.help()};
}

CommandNode describe_node(const Tree& tree, const CLI::App& app) {
  CommandNode node{.name = app.get_name(), .description = app.get_description()};
  for (const auto* option : app.get_options([](const CLI::Option*) { return true; })) {
    if (option->get_group().empty()) continue;
    std::vector<std::string> choices;
    const std::string text = option->get_option_text();
    if (text.size() > 2 && text.front() == '(' && text.back() == ')')
      choices = split(text.substr(1, text.size() - 2), '|');
    for (const auto& name : option->get_snames()) node.flags.push_back("-" + name);
    for (const auto& name : option->get_lnames()) node.flags.push_back("--" + name);
    if (choices.empty()) continue;
    for (const auto& name : option->get_snames()) node.choices.emplace_back("-" + name, choices);
    for (const auto& name : option->get_lnames()) node.choices.emplace_back("--" + name, choices);
  }
  node.takes_agents =
      std::find(tree.agent_arguments.begin(), tree.agent_arguments.end(), &app) != tree.agent_arguments.end();
  if (node.name == "completion") node.words = {"bash", "zsh", "fish"};
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    node.children.push_back(describe_node(tree, *sub));
  return node;
}

}  // namespace

std::variant<Invocation, ParseExit> parse(const std::vector<std::string>& all) {
  // Cut at the first "--" before CLI11 sees it: what follows belongs to somebody else's program.
  const auto mark = std::find(all.begin(), all.end(), "--");
  std::vector<std::string> arguments = normalize({all.begin(), mark});
  std::vector<std::string> trailing;
  if (mark != all.end()) trailing.assign(mark + 1, all.end());

  const auto tree = std::make_unique<Tree>();
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    tree->app.parse(reversed);
    return chosen_verb(*tree, std::move(trailing));
  } catch (const CLI::CallForHelp&) {
    // CLI11 puts the verb's own name behind what it is given.
    const CLI::App& verb = deepest(tree->app);
    return ParseExit{kExitOk, verb.help(verb.get_parent() == nullptr ? "" : full_name(*verb.get_parent()))};
  } catch (const CLI::CallForVersion& version) {
    return ParseExit{kExitOk, std::string(version.what()) + "\n"};
  } catch (const CLI::ParseError& error) {
    if (auto unknown = unknown_verb(tree->app, arguments)) return usage(tree->app, *unknown);
    if (auto unexpected = unexpected_arguments(tree->app)) return usage(tree->app, *unexpected);
    return usage(tree->app, error.what());
  }
}

CommandNode command_tree() {
  const Tree tree;
  return describe_node(tree, tree.app);
}

}  // namespace fracta::cli
