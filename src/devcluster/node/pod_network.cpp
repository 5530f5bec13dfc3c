#include "devcluster/node/pod_network.hpp"

namespace fracta::devcluster {

Result<PodNetwork> PodNetwork::create() { return make_error(ErrorCode::kUnavailable, "no pod networks here"); }

}  // namespace fracta::devcluster
