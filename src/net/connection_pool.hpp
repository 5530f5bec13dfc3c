// Idle kept-alive connections of one transport.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "net/channel.hpp"

namespace fracta::net {

// Thread-safe.
class ConnectionPool {
 public:
  ConnectionPool(std::size_t maximum, std::chrono::milliseconds lifetime) : maximum_(maximum), lifetime_(lifetime) {}

  // The one used last that is still alive, or null. Those that are too old or closed by the peer are dropped.
  std::unique_ptr<Channel> take();
  void give_back(std::unique_ptr<Channel> channel);

 private:
  struct Idle {
    std::unique_ptr<Channel> channel;
    std::chrono::steady_clock::time_point since;
  };
  const std::size_t maximum_;
  const std::chrono::milliseconds lifetime_;
  std::mutex mutex_;
  std::vector<Idle> idle_;  // oldest first
};

}  // namespace fracta::net
