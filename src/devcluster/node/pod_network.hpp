// A pod's network: a namespace of its own joined to the host by a veth pair, so that pods may all listen on the same
// port, or the host's network where that is not possible. Everything goes with the object (or the process).
#pragma once

#include <string>

#include "devcluster/node/unique_fd.hpp"
#include "fracta/base/result.hpp"

namespace fracta::devcluster {

class PodNetwork {
 public:
  // Host network: what a pod gets when there is nothing better.
  [[nodiscard]] static PodNetwork host(const std::string& address) {
    PodNetwork network;
    network.address_ = address;
    return network;
  }
  // kUnavailable with the reason when the machine does not allow it.
  static Result<PodNetwork> create();

  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] int namespace_fd() const { return namespace_.get(); }  // -1: the host's
  [[nodiscard]] bool ready() const { return !address_.empty(); }

 private:
  UniqueFd namespace_;
  std::string address_;
};

}  // namespace fracta::devcluster
