// Host names to addresses without waiting longer than asked: getaddrinfo() itself knows no deadline.
#pragma once

#include <sys/socket.h>
#include <chrono>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "fracta/base/result.hpp"

namespace fracta::net {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

// Thread-safe. At most one look-up runs at a time; callers that come meanwhile share its answer. The destructor waits
// for a running look-up (bounded by the system resolver's own limits).
class Resolver {
 public:
  Resolver(std::string host, int port) : host_(std::move(host)), port_(port) {}
  Result<std::vector<Address>> resolve(std::chrono::steady_clock::time_point deadline, const std::stop_token& stop);

 private:
  struct Lookup;
  std::shared_ptr<Lookup> join_or_start();

  const std::string host_;
  const int port_;
  std::mutex mutex_;
  std::shared_ptr<Lookup> running_;
  std::jthread thread_;
};

}  // namespace fracta::net
