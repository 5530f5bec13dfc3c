#include "devcluster/front/context.hpp"

namespace fracta::devcluster {
net::ServerResponse serve_exec(Call& call, const Services&) {
  return answer_failure(call, bad_request("Upgrade request required"));
}
}  // namespace fracta::devcluster
