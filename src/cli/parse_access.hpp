// The part of the command tree about who one is; parse.cpp adds it to the rest.
#pragma once

#include <functional>

#include "cli/invocation.hpp"

namespace CLI {
class App;
}

namespace fracta::cli {

// Must not move while the tree lives.
struct AccessArgs {
  LoginArgs login;
  LogoutArgs logout;
  ContextArgs list, use, current, remove, view;
  CanIArgs can_i;
  WhoAmIArgs who_am_i;
};

using AddVerb = std::function<void(CLI::App*, std::function<Verb()>)>;

// `auth` is the existing subcommand of that name.
void add_access_verbs(CLI::App& app, CLI::App& auth, AccessArgs& args, const AddVerb& add);

// `auth can-i get agents x`: CLI11 would take `get` for the verb of that name, so the words become options before it
// sees them.
std::vector<std::string> mark_question(std::vector<std::string> arguments);

}  // namespace fracta::cli
