// Arguments of `fracta credential ...`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/output_kind.hpp"

namespace fracta::cli {

struct CredentialArgs {
  enum class Action { kList, kGet, kCreate, kUpdate, kDelete, kToken, kBind, kUnbind, kUsage, kRotateKeys };
  Action action = Action::kList;
  std::string subject;  // NAME or id
  // Absent: not given. --name, --token ... may be given as "".
  std::optional<std::string> name, provider, token, description, url, email, labels, annotations;
  std::string kube_context;  // of a kubeconfig: keep only this context
  bool verify = false;       // ask the kubeconfig's cluster for its version first
  std::int64_t limit = 100;
  std::string search;
  bool confirm = false, force = false;
  std::string project, runtime, agent;  // targets of bind and unbind
  std::string dry_run;                  // "", client, ...
  Output output = Output::kDefault;
};

}  // namespace fracta::cli
