#include "cli/usage_error.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

#include "fracta/base/redactor.hpp"
#include "fracta/base/text.hpp"
#include "fracta/cli/cli.hpp"

namespace fracta::cli {
namespace {

constexpr std::size_t kShown = 60;  // characters of an argument

std::vector<std::string> verb_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(sub->get_name());
  return names;
}

std::vector<std::string> flag_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* level = &app; level != nullptr; level = level->get_parent())
    for (const auto* option : level->get_options([](const CLI::Option*) { return true; }))
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

}  // namespace

const CLI::App& deepest(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : deepest(*chosen.front());
}

std::string full_name(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : full_name(*app.get_parent()) + " " + app.get_name();
}

ParseExit usage(const CLI::App& app, const std::string& message) {
  // A token typed in the wrong place would go on into the log of whatever ran the command.
  return {kExitUsage,
          "error: " + Redactor().redact(message) + "\nSee '" + full_name(deepest(app)) + " --help' for usage.\n"};
}

std::optional<std::string> unknown_verb(const CLI::App& root, const std::vector<std::string>& arguments) {
  const CLI::App* app = &root;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word.starts_with('-')) {
      const auto* option = root.get_option_no_throw(word);
      if (option != nullptr && option->get_items_expected_max() > 0) ++i;  // its value is no verb
      continue;
    }
    const auto verbs = app->get_subcommands([](const CLI::App*) { return true; });
    if (verbs.empty()) return std::nullopt;
    const auto known =
        std::find_if(verbs.begin(), verbs.end(), [&](const auto* verb) { return verb->check_name(word); });
    if (known != verbs.end()) {
      app = *known;
      continue;
    }
    const std::string best = closest_match(word, verb_names(*app), 2);
    return "unknown command \"" + shorten(word, kShown) + "\" for \"" + full_name(*app) + "\"" +
           (best.empty() ? "" : "; did you mean \"" + best + "\"?");
  }
  return std::nullopt;
}

std::optional<std::string> unexpected_arguments(const CLI::App& root) {
  const CLI::App& verb = deepest(root);
  const std::vector<std::string> left = root.remaining(true);
  if (left.empty()) return std::nullopt;
  const auto flag = std::find_if(left.begin(), left.end(), [](const auto& word) { return word.starts_with('-'); });
  if (flag != left.end()) {
    const std::string name = flag->substr(0, flag->find('='));  // the value may be a secret
    const std::string best = closest_match(name, flag_names(verb), 2);
    return "unknown flag: " + shorten(name, kShown) + (best.empty() ? "" : "; did you mean " + best + "?");
  }
  std::string words;
  for (const auto& word : left) words += " \"" + shorten(word, kShown) + "\"";
  return (left.size() == 1 ? "unexpected argument" : "unexpected arguments") + shorten(words, 4 * kShown);
}

}  // namespace fracta::cli
