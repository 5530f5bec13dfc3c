// check(): an invariant that only a bug can break. Ends the process with a message (Kubernetes restarts us, and a
// restart is cheap: the cluster is the database). Never used for input.
#pragma once

#include <string_view>

namespace fracta {

[[noreturn]] void check_failed(std::string_view message);

inline void check(bool invariant, std::string_view message) {
  if (!invariant) check_failed(message);
}

}  // namespace fracta
