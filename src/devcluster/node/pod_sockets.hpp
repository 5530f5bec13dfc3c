// An address of its own for every pod, without a network namespace.
//
// A namespace would cut a pod off from the outside unless somebody routes for it (veth and NAT need root and kernel
// modules, slirp4netns and pasta are programs that may not be there), and agents are useless without the outside. So
// pods stay in the host's network, but each gets its own loopback address (127.a.b.n): a seccomp filter hands every
// bind() and connect() of the pod to the node, which turns "any address" and "localhost" into the pod's own. Two pods
// may both listen on port 8080, each finds its own server on localhost, and others reach it at the pod's IP. What is
// not the pod's own (the API server and everything else on the host's localhost, the outside) is reached as before.
//
// This is for convenience, not for security: a hostile program can evade it. IPv6-only sockets are left alone.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "devcluster/node/unique_fd.hpp"

namespace fracta::devcluster {

// Thread-safe. Outlives all processes started with it.
class PodSockets {
 public:
  PodSockets();
  ~PodSockets();
  PodSockets(const PodSockets&) = delete;
  PodSockets& operator=(const PodSockets&) = delete;

  // Whether this machine knows other loopback addresses than 127.0.0.1 and lets us into our children's descriptors.
  [[nodiscard]] static bool possible();

  [[nodiscard]] std::string take_address();  // empty when all are taken
  void give_back(const std::string& address);

  // Answers the bind() and connect() calls of a process (and its children) that arrive on `listener`, a seccomp
  // notification descriptor, until all of them have ended.
  void supervise(UniqueFd listener, const std::string& address);

 private:
  struct Supervised {
    UniqueFd listener;
    std::uint32_t address;  // network byte order
  };
  void run(const std::stop_token& stop);

  const unsigned network_;  // a and b of 127.a.b.n
  std::mutex mutex_;
  unsigned next_ = 0;
  std::set<std::string> taken_;
  std::map<int, Supervised> supervised_;  // by descriptor
  UniqueFd epoll_, wake_;
  std::jthread thread_;
};

}  // namespace fracta::devcluster
