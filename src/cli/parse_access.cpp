#include "cli/parse_access.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>

#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::cli {
namespace {

constexpr const char* kAskedVerb = "--asked-verb";
constexpr const char* kAskedResource = "--asked-resource";
constexpr const char* kAskedName = "--asked-name";

void add_output(CLI::App* app, Output& target, const std::map<std::string, Output>& values) {
  std::vector<std::string> words;
  for (const auto& [word, value] : values) words.push_back(word);
  app->add_option_function<std::string>(
         "-o,--output", [&target, values](const std::string& word) { target = values.at(word); }, "form of the output")
      ->check(CLI::IsMember(words))
      ->option_text("(" + join(words, "|") + ")");
}

const std::map<std::string, Output> kData{{"json", Output::kJson}, {"yaml", Output::kYaml}};

void add_login(CLI::App& app, AccessArgs& args, const AddVerb& add) {
  auto& a = args.login;
  auto* login = app.add_subcommand("login", "Prove who you are to a controlplane and remember it as a context");
  login->add_option("URL", a.url, "https://HOST:PORT of the controlplane")->required();
  login->add_option("--name", a.name, "name of the context (default: host and port)")->option_text("NAME");
  login->add_option("--ca-file", a.ca_file, "authority to trust at this controlplane (PEM); or FRACTA_CA_FILE")
      ->option_text("FILE");
  login
      ->add_option("--token-file", a.token_file,
                   "the token from a file or, with -, from standard input. Without it FRACTA_TOKEN, "
                   "FRACTA_TOKEN_FILE, or a question on the terminal")
      ->option_text("FILE|-");
  login
      ->add_option("--service-account", a.service_account,
                   "ask the cluster of the kubeconfig for a token of this service account")
      ->option_text("NAMESPACE/NAME");
  login->add_option("--kubeconfig", a.kubeconfig, "for --service-account")->option_text("FILE");
  login->add_option("--kube-context", a.kube_context, "for --service-account")->option_text("NAME");
  login->add_option("--audience", a.audience, "for --service-account: whom the token is for")->option_text("TEXT");
  login
      ->add_option_function<std::string>(
          "--duration",
          [&a](const std::string& text) {
            auto parsed = parse_go_duration(text);
            if (!parsed) throw CLI::ValidationError(parsed.error().message);
            if (*parsed < std::chrono::minutes(10)) throw CLI::ValidationError("--duration: at least 10m");
            a.duration = *parsed;
          },
          "for --service-account: how long the token is good (default 8h)")
      ->option_text("DURATION");
  login->footer("The token never stands in the command line. It is kept in ~/.config/fracta/config.yaml (0600).");
  add(login, [&args]() -> Verb { return args.login; });

  auto* logout = app.add_subcommand("logout", "Forget the token of a context");
  logout->add_option("NAME", args.logout.name, "context (default: the current one)");
  add(logout, [&args]() -> Verb { return args.logout; });
}

void add_contexts(CLI::App& app, AccessArgs& args, const AddVerb& add) {
  auto* context = app.add_subcommand("context", "Controlplanes that `fracta login` knows");
  context->require_subcommand(1);
  context->fallthrough();
  struct Entry {
    const char* name;
    const char* description;
    ContextArgs& target;
    ContextArgs::Action action;
  };
  for (const auto& entry : {Entry{"list", "List the contexts", args.list, ContextArgs::Action::kList},
                            Entry{"use", "Make a context the current one", args.use, ContextArgs::Action::kUse},
                            Entry{"current", "Print the current context", args.current, ContextArgs::Action::kCurrent},
                            Entry{"delete", "Delete a context", args.remove, ContextArgs::Action::kDelete},
                            Entry{"view", "Show the contexts without tokens", args.view, ContextArgs::Action::kView}}) {
    auto& target = entry.target;
    target.action = entry.action;
    auto* sub = context->add_subcommand(entry.name, entry.description);
    sub->fallthrough();
    if (entry.action == ContextArgs::Action::kUse || entry.action == ContextArgs::Action::kDelete)
      sub->add_option("NAME", target.name, "the context")->required();
    if (entry.action == ContextArgs::Action::kList) add_output(sub, target.output, {{"name", Output::kName}});
    if (entry.action == ContextArgs::Action::kView) add_output(sub, target.output, kData);
    add(sub, [&target]() -> Verb { return target; });
  }
}

void add_questions(CLI::App& auth, AccessArgs& args, const AddVerb& add) {
  auto* can_i = auth.add_subcommand("can-i", "Whether one may do something (exit code 1: no)");
  can_i->fallthrough();
  can_i->add_option("VERB", args.can_i.verb, "get, list, watch, create, update, delete, bind or fetch_token");
  can_i->add_option("RESOURCE", args.can_i.resource, "agents, agents/log, agents/events or credentials");
  can_i->add_option("NAME", args.can_i.name, "a single one (default: any)");
  for (auto [option, target] :
       {std::pair{kAskedVerb, &args.can_i.verb}, std::pair{kAskedResource, &args.can_i.resource},
        std::pair{kAskedName, &args.can_i.name}})
    can_i->add_option(option, *target, "see mark_question()")->group("");
  can_i->add_flag("--list", args.can_i.list, "everything there is to ask");
  add_output(can_i, args.can_i.output, kData);
  add(can_i, [&args]() -> Verb { return args.can_i; });

  auto* who_am_i = auth.add_subcommand("whoami", "Print as whom the controlplane sees one");
  who_am_i->fallthrough();
  add_output(who_am_i, args.who_am_i.output, kData);
  add(who_am_i, [&args]() -> Verb { return args.who_am_i; });
}

// Options whose value is the next word.
bool takes_value(const std::string& word) {
  for (const char* option :
       {"-o", "--output", "--server", "--context", "--config", "-n", "--namespace", "--request-timeout"})
    if (word == option) return true;
  return false;
}

}  // namespace

std::vector<std::string> mark_question(std::vector<std::string> arguments) {
  const auto verb = std::find(arguments.begin(), arguments.end(), "can-i");
  if (verb == arguments.end() || std::find(arguments.begin(), verb, "auth") == verb) return arguments;
  const std::array<std::string, 3> options{kAskedVerb, kAskedResource, kAskedName};
  std::size_t next = 0;
  for (auto word = verb + 1; word != arguments.end() && next < options.size(); ++word) {
    if (takes_value(*word) && word + 1 != arguments.end()) {
      ++word;
    } else if (!word->starts_with('-')) {
      *word = options[next++] + "=" + *word;
    }
  }
  return arguments;
}

void add_access_verbs(CLI::App& app, CLI::App& auth, AccessArgs& args, const AddVerb& add) {
  add_login(app, args, add);
  add_contexts(app, args, add);
  add_questions(auth, args, add);
}

}  // namespace fracta::cli
