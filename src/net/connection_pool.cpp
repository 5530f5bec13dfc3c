#include "net/connection_pool.hpp"

#include <poll.h>

namespace fracta::net {
namespace {

// An idle connection has nothing to say. Bytes or an end mean the peer has closed it or lost the thread; only TLS may
// have housekeeping to read (session tickets), after which there is nothing left.
bool is_alive(Channel& channel) {
  pollfd entry{channel.fd(), POLLIN, 0};
  if (::poll(&entry, 1, 0) == 0) return true;
  if (!channel.tls()) return false;
  char byte = 0;
  return channel.read(&byte, 1).state == IoState::kWantRead;
}

}  // namespace

std::unique_ptr<Channel> ConnectionPool::take() {
  const auto now = std::chrono::steady_clock::now();
  while (true) {
    Idle candidate;
    std::vector<Idle> expired;  // closed outside the lock
    {
      const std::lock_guard lock(mutex_);
      while (!idle_.empty() && now - idle_.front().since >= lifetime_) {
        expired.push_back(std::move(idle_.front()));
        idle_.erase(idle_.begin());
      }
      if (idle_.empty()) return nullptr;
      candidate = std::move(idle_.back());
      idle_.pop_back();
    }
    if (is_alive(*candidate.channel)) return std::move(candidate.channel);
  }
}

void ConnectionPool::give_back(std::unique_ptr<Channel> channel) {
  const auto now = std::chrono::steady_clock::now();
  std::unique_ptr<Channel> surplus;
  const std::lock_guard lock(mutex_);
  if (maximum_ == 0) {
    surplus = std::move(channel);
    return;
  }
  if (idle_.size() >= maximum_) {
    surplus = std::move(idle_.front().channel);
    idle_.erase(idle_.begin());
  }
  idle_.push_back({std::move(channel), now});
}

}  // namespace fracta::net
