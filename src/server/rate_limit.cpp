#include "server/rate_limit.hpp"

#include <arpa/inet.h>
#include <algorithm>
#include <cmath>

namespace fracta::server {

std::optional<milliseconds> RateLimiter::take(std::string_view key) {
  if (rate_.per_second <= 0) return std::nullopt;
  const auto now = clock_.steady_now();
  std::lock_guard lock(mutex_);
  auto& bucket = this->bucket(key, now);
  const double passed = std::chrono::duration<double>(now - bucket.at).count();
  bucket.tokens = std::min(rate_.burst, bucket.tokens + std::max(0.0, passed) * rate_.per_second);
  bucket.at = now;
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return std::nullopt;
  }
  return milliseconds(static_cast<std::int64_t>(std::ceil((1 - bucket.tokens) / rate_.per_second * 1000)));
}

std::size_t RateLimiter::size() const {
  std::lock_guard lock(mutex_);
  return by_use_.size();
}

RateLimiter::Bucket& RateLimiter::bucket(std::string_view key, SteadyTime now) {
  if (auto found = by_key_.find(key); found != by_key_.end()) {
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return by_use_.front();
  }
  if (by_use_.size() >= max_keys_) {
    by_key_.erase(by_use_.back().key);
    by_use_.pop_back();
  }
  by_use_.push_front({std::string(key), rate_.burst, now});
  by_key_.emplace(by_use_.front().key, by_use_.begin());
  return by_use_.front();
}

std::string peer_key(const std::string& peer_address) {
  in6_addr address{};
  if (inet_pton(AF_INET6, peer_address.c_str(), &address) != 1 || IN6_IS_ADDR_V4MAPPED(&address)) return peer_address;
  std::fill(address.s6_addr + 8, address.s6_addr + 16, std::uint8_t{0});
  char text[INET6_ADDRSTRLEN] = {};
  return inet_ntop(AF_INET6, &address, text, sizeof text) ? std::string(text) + "/64" : peer_address;
}

}  // namespace fracta::server
