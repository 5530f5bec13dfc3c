// What the pods of the node have asked for, and what is left for one more (the scheduler's plugins NodeResourcesFit and
// NodePorts). Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

class NodeRoom {
 public:
  // A pod that is bound and has not ended; again for a pod that changed.
  void take(const Json& pod);
  // True when the pod had taken room.
  bool release(std::string_view uid);
  // "Insufficient cpu", "Too many pods", ...; empty when the pod fits beside the others into `allocatable`
  // (Node.status.allocatable).
  [[nodiscard]] std::vector<std::string> lacking(const Json& pod, const Json& allocatable) const;

 private:
  using Amounts = std::map<std::string, std::int64_t>;  // cpu in thousandths
  struct Port {
    std::string ip, protocol;
    std::int64_t port = 0;
  };
  struct Share {
    Amounts requests;
    std::vector<Port> ports;
  };
  static Share share_of(const Json& pod);
  static Amounts amounts_at(const Json& object, std::string_view path);

  std::map<std::string, Share, std::less<>> pods_;  // by uid
};

}  // namespace fracta::devcluster
