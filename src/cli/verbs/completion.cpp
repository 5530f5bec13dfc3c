// fracta completion bash|zsh|fish. The scripts are generated from the command tree itself, so they cannot go stale.
#include <ostream>

#include "cli/verbs.hpp"
#include "fracta/base/text.hpp"

namespace fracta::cli {
namespace {

void collect(const CommandNode& node, const std::string& path,
             std::vector<std::pair<std::string, const CommandNode*>>& all) {
  all.emplace_back(path, &node);
  for (const auto& child : node.children) collect(child, path.empty() ? child.name : path + " " + child.name, all);
}

std::vector<std::pair<std::string, const CommandNode*>> flatten(const CommandNode& root) {
  std::vector<std::pair<std::string, const CommandNode*>> all;
  collect(root, "", all);
  return all;
}

std::string words_of(const CommandNode& node) {
  std::vector<std::string> words;
  for (const auto& child : node.children) words.push_back(child.name);
  words.insert(words.end(), node.words.begin(), node.words.end());
  return join(words, " ");
}

std::string bash(const CommandNode& root) {
  std::string words, flags, values, agents;
  for (const auto& [path, node] : flatten(root)) {
    words += "    \"" + path + "\") words=\"" + words_of(*node) + "\" ;;\n";
    flags += "    \"" + path + "\") flags=\"" + join(node->flags, " ") + "\" ;;\n";
    if (node->takes_agents) agents += (agents.empty() ? "\"" : "|\"") + path + "\"";
    for (const auto& [flag, choices] : node->choices)
      values += "    \"" + path + " " + flag + "\") choices=\"" + join(choices, " ") + "\" ;;\n";
  }
  return R"(# bash completion for fracta
_fracta_tables() {
  words="" flags="" choices="" agents=""
  case "$1" in
)" + words +
         "  esac\n  case \"$1\" in\n" + flags + "  esac\n  case \"$1 $2\" in\n" + values + "  esac\n  case \"$1\" in " +
         agents + R"() agents=1 ;; esac
}
_fracta() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path="" i word words flags choices agents
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    [[ $word == -* ]] && continue
    _fracta_tables "$path" ""
    [[ " $words " == *" $word "* ]] && path=${path:+$path }$word
  done
  _fracta_tables "$path" "$prev"
  if [[ -n $choices ]]; then
    words=$choices
  elif [[ $cur == -* ]]; then
    words="$flags --server --config --namespace --help"
  elif [[ -n $agents ]]; then
    words=$(fracta list -o name 2>/dev/null | cut -d/ -f2)
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [[ ${#COMPREPLY[@]} -eq 0 ]] && compopt -o default 2>/dev/null
  return 0
}
complete -F _fracta fracta
)";
}

// zsh runs bash's functions through bashcompinit, which every zsh ships.
std::string zsh(const CommandNode& root) {
  return "#compdef fracta\nautoload -U +X bashcompinit && bashcompinit\nautoload -U +X compinit && compinit\n" +
         bash(root);
}

std::string fish_quote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string fish_flag(const std::string& condition, const CommandNode& node, const std::string& flag) {
  const bool is_long = flag.starts_with("--");
  std::string line =
      "complete -c fracta -n " + condition + (is_long ? " -l " + flag.substr(2) : " -s " + flag.substr(1));
  for (const auto& [name, choices] : node.choices)
    if (name == flag) line += " -x -a " + fish_quote(join(choices, " "));
  return line + "\n";
}

std::string fish(const CommandNode& root) {
  std::string text = "# fish completion for fracta\ncomplete -c fracta -f\n";
  for (const auto& [path, node] : flatten(root)) {
    const auto pieces = split(path, ' ');
    const std::string condition =
        path.empty() ? "__fish_use_subcommand" : fish_quote("__fish_seen_subcommand_from " + pieces.back());
    for (const auto& child : node->children)
      text +=
          "complete -c fracta -n " + condition + " -a " + child.name + " -d " + fish_quote(child.description) + "\n";
    for (const auto& word : node->words) text += "complete -c fracta -n " + condition + " -a " + word + "\n";
    if (node->takes_agents)
      text += "complete -c fracta -n " + condition +
              " -a '(fracta list -o name 2>/dev/null | string replace agent/ \"\")'\n";
    for (const auto& flag : node->flags) text += fish_flag(condition, *node, flag);
  }
  return text;
}

}  // namespace

int run_verb(const CompletionArgs& args, const ClientArgs&, Context& context) {
  const CommandNode root = command_tree();
  context.out << (args.shell == "bash" ? bash(root) : args.shell == "zsh" ? zsh(root) : fish(root));
  return kExitOk;
}

}  // namespace fracta::cli
