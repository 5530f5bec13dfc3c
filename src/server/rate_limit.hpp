// Token buckets by key, in a table that cannot grow. Thread-safe.
#pragma once

#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "fracta/base/clock.hpp"
#include "fracta/server/access.hpp"

namespace fracta::server {

class RateLimiter {
 public:
  // A rate of 0 or less: no limit.
  RateLimiter(const Clock& clock, Rate rate, std::size_t max_keys = 8192)
      : clock_(clock), rate_(rate), max_keys_(max_keys) {}
  // Takes one; when there is none, how long until there is.
  std::optional<milliseconds> take(std::string_view key);
  [[nodiscard]] std::size_t size() const;

 private:
  struct Bucket {
    std::string key;
    double tokens;
    SteadyTime at;
  };
  Bucket& bucket(std::string_view key, SteadyTime now);

  const Clock& clock_;
  const Rate rate_;
  const std::size_t max_keys_;
  mutable std::mutex mutex_;
  std::list<Bucket> by_use_;  // the last used first
  std::unordered_map<std::string_view, std::list<Bucket>::iterator> by_key_;
};

// One host of IPv6 may have 2^64 addresses: those count as one.
std::string peer_key(const std::string& peer_address);

}  // namespace fracta::server
