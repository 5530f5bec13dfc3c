#include "cli/parse_credential.hpp"

#include <CLI/CLI.hpp>

#include "fracta/base/text.hpp"
#include "fracta/credentials/provider.hpp"

namespace fracta::cli {
namespace {

using Action = CredentialArgs::Action;

const std::map<std::string, Output> kTable{{"table", Output::kDefault},
                                           {"wide", Output::kWide},
                                           {"json", Output::kJson},
                                           {"yaml", Output::kYaml},
                                           {"name", Output::kName}};
const std::map<std::string, Output> kData{{"json", Output::kJson}, {"yaml", Output::kYaml}};
const std::map<std::string, Output> kObject{{"json", Output::kJson}, {"yaml", Output::kYaml}, {"name", Output::kName}};

void add_output(CLI::App* app, Output& target, const std::map<std::string, Output>& values) {
  std::vector<std::string> words;
  for (const auto& [word, value] : values) words.push_back(word);
  app->add_option_function<std::string>(
         "-o,--output", [&target, values](const std::string& word) { target = values.at(word); }, "form of the output")
      ->check(CLI::IsMember(words))
      ->option_text("(" + join(words, "|") + ")");
}

void add_subject(CLI::App* app, CredentialArgs& args) {
  app->add_option("NAME", args.subject, "name or id of the credential")->required();
}

void add_provider(CLI::App* app, CredentialArgs& args, const std::string& description) {
  app->add_option("--provider", args.provider, description)->option_text("(" + credentials::provider_names("|") + ")");
}

void add_fields(CLI::App* app, CredentialArgs& args) {
  app->add_option("--token", args.token,
                  "the secret: @FILE, - for standard input, or the value itself (then it stands in the command line). "
                  "Without it one is asked for on the terminal")
      ->option_text("@FILE|-|VALUE");
  app->add_option("--description", args.description, "what it is for")->option_text("TEXT");
  app->add_option("--url", args.url, "of the provider's server")->option_text("URL");
  app->add_option("--email", args.email, "of the account the token belongs to")->option_text("ADDRESS");
  app->add_option("--labels", args.labels, "a JSON object")->option_text("JSON");
  app->add_option("--annotations", args.annotations, "a JSON object")->option_text("JSON");
  app->add_option("--context,--kube-context", args.kube_context, "of a kubeconfig: keep this context only")
      ->option_text("NAME");
  app->add_flag("--verify", args.verify, "of a kubeconfig: first ask its cluster for the version, from this machine");
}

void add_targets(CLI::App* app, CredentialArgs& args) {
  app->add_option("--project", args.project, "every agent of the controlplane's namespace")->option_text("NAME");
  app->add_option("--runtime", args.runtime, "every agent of this runtime")->option_text("NAME");
  app->add_option("--agent", args.agent, "agents of this name")->option_text("NAME");
}

std::string provider_help() {
  std::string text = "Providers:\n";
  for (const auto& provider : credentials::providers()) {
    std::string name(provider.name);
    name.resize(12, ' ');
    text += "  " + name + std::string(provider.description) + "\n";
  }
  return text;
}

struct Verbs {
  CLI::App& credential;
  const AddVerb& add;
  CLI::App* operator()(const char* name, const char* description, CredentialArgs& args, Action action) const {
    args.action = action;
    auto* sub = credential.add_subcommand(name, description);
    sub->fallthrough();
    add(sub, [&args]() -> Verb { return args; });
    return sub;
  }
};

void add_reading(const Verbs& verb, CredentialVerbs& args) {
  auto* list = verb("list", "List stored credentials", args.list, Action::kList);
  add_provider(list, args.list, "only those of this provider");
  list->add_option("--search", args.list.search, "filter, e.g. \"name like '%prod%'\"")->option_text("TSL");
  list->add_option("--limit", args.list.limit, "at most so many (default 100)")->option_text("N");
  add_output(list, args.list.output, kTable);

  auto* get = verb("get", "Show one, without its token", args.get, Action::kGet);
  add_subject(get, args.get);
  add_output(get, args.get.output, kTable);

  auto* token = verb("token", "Print the token of a credential", args.token, Action::kToken);
  add_subject(token, args.token);
  add_output(token, args.token.output, kData);

  auto* usage = verb("usage", "Show who uses a credential", args.usage, Action::kUsage);
  add_subject(usage, args.usage);
  add_output(usage, args.usage.output, kData);
}

void add_changing(const Verbs& verb, CredentialVerbs& args) {
  auto* create = verb("create", "Register a credential", args.create, Action::kCreate);
  create->add_option("--name", args.create.name, "its name, which is unique")->option_text("NAME");
  add_provider(create, args.create, "whose credential it is");
  add_fields(create, args.create);
  add_output(create, args.create.output, kObject);
  create->footer(provider_help());

  auto* update = verb("update", "Change what is given", args.update, Action::kUpdate);
  add_subject(update, args.update);
  update->add_option("--name", args.update.name, "a new name")->option_text("NAME");
  add_fields(update, args.update);
  add_output(update, args.update.output, kObject);

  auto* remove = verb("delete", "Delete a credential", args.remove, Action::kDelete);
  add_subject(remove, args.remove);
  remove->add_flag("--confirm", args.remove.confirm, "yes, really");
  remove->add_flag("--force", args.remove.force, "even if it is bound or in use");

  auto* bind = verb("bind", "Give a credential to agents", args.bind, Action::kBind);
  add_subject(bind, args.bind);
  add_targets(bind, args.bind);
  auto* unbind = verb("unbind", "Take it back from agents that start from now on", args.unbind, Action::kUnbind);
  add_subject(unbind, args.unbind);
  add_targets(unbind, args.unbind);

  auto* rotate =
      verb("rotate-keys", "Seal every token with the keyring's active key", args.rotate_keys, Action::kRotateKeys);
  rotate->add_option("--dry-run", args.rotate_keys.dry_run, "only say what would be done");
  add_output(rotate, args.rotate_keys.output, kData);
}

}  // namespace

void add_credential_verbs(CLI::App& app, CredentialVerbs& args, const AddVerb& add) {
  auto* credential = app.add_subcommand("credential", "Stored credentials: tokens and kubeconfigs for agents");
  credential->alias("credentials")->alias("cred");
  credential->require_subcommand(1);
  credential->fallthrough();
  const Verbs verb{*credential, add};
  add_reading(verb, args);
  add_changing(verb, args);
}

}  // namespace fracta::cli
