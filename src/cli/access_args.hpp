// Arguments of the verbs about who one is: login, logout, context, auth can-i, auth whoami.
#pragma once

#include <chrono>
#include <string>

#include "cli/output_kind.hpp"

namespace fracta::cli {

struct LoginArgs {
  std::string url;
  std::string name;             // of the context; empty: host and port
  std::string ca_file;          // what to trust at this controlplane
  std::string token_file;       // "-": standard input
  std::string service_account;  // NAMESPACE/NAME: ask the cluster of a kubeconfig for a token
  std::string kubeconfig, kube_context;
  std::string audience;
  std::chrono::nanoseconds duration = std::chrono::hours{8};  // of that token
};

struct LogoutArgs {
  std::string name;  // empty: the current context
};

struct ContextArgs {
  enum class Action { kList, kUse, kCurrent, kDelete, kView } action = Action::kList;
  std::string name;
  Output output = Output::kDefault;
};

struct CanIArgs {
  std::string verb, resource, name;
  bool list = false;
  Output output = Output::kDefault;
};

struct WhoAmIArgs {
  Output output = Output::kDefault;
};

}  // namespace fracta::cli
