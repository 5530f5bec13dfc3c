#include "devcluster/front/discovery.hpp"

namespace fracta::devcluster {
net::ServerResponse serve_openapi(const Call&) {
  net::ServerResponse none;
  none.status = 0;
  return none;
}
}  // namespace fracta::devcluster
