// The part of the command tree about stored credentials; parse.cpp adds it to the rest.
#pragma once

#include "cli/parse_access.hpp"

namespace fracta::cli {

// Must not move while the tree lives.
struct CredentialVerbs {
  CredentialArgs list, get, create, update, remove, token, bind, unbind, usage, rotate_keys;
};

void add_credential_verbs(CLI::App& app, CredentialVerbs& args, const AddVerb& add);

}  // namespace fracta::cli
