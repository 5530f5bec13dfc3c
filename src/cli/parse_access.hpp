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

}  // namespace fracta::cli
