// Answers of a slow question by key: each asked once at a time, kept for a while, in a table that cannot grow.
// Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "fracta/base/clock.hpp"
#include "fracta/base/result.hpp"

namespace fracta::server {

template <class Value>
class ReviewCache {
 public:
  struct Loaded {
    Result<Value> value;
    std::chrono::milliseconds keep;  // 0: not kept
  };
  ReviewCache(const Clock& clock, std::size_t max_entries, std::size_t max_waiting)
      : clock_(clock), max_entries_(max_entries), max_waiting_(max_waiting) {}

  // `load` runs on the first caller's thread; it has a deadline of its own.
  Result<Value> get(const std::string& key, const std::function<Loaded()>& load) {
    std::unique_lock lock(mutex_);
    if (auto found = by_key_.find(key); found != by_key_.end()) {
      auto at = found->second;
      if (clock_.steady_now() < at->until) {
        by_use_.splice(by_use_.begin(), by_use_, at);
        return at->value;
      }
      by_use_.erase(at);
      by_key_.erase(found);
    }
    if (waiting_ >= max_waiting_) return overloaded();
    ++waiting_;
    auto result = join_or_load(key, load, lock);
    --waiting_;
    return result;
  }

  [[nodiscard]] std::size_t size() const {
    std::lock_guard lock(mutex_);
    return by_use_.size();
  }

 private:
  struct Entry {
    std::string key;
    Result<Value> value;
    SteadyTime until;
  };
  struct Flight {
    std::optional<Result<Value>> result;
    std::condition_variable landed;
  };

  static Error overloaded() {
    auto error = make_error(ErrorCode::kUnavailable, "too many callers wait for the cluster's answer about them");
    error.reason = "AccessReviewOverloaded";
    return error;
  }

  Result<Value> join_or_load(const std::string& key, const std::function<Loaded()>& load,
                             std::unique_lock<std::mutex>& lock) {
    if (auto found = flights_.find(key); found != flights_.end()) {
      const auto flight = found->second;
      flight->landed.wait(lock, [&] { return flight->result.has_value(); });
      return *flight->result;
    }
    const auto flight = std::make_shared<Flight>();
    flights_.emplace(key, flight);
    lock.unlock();
    auto loaded = load_guarded(load);
    lock.lock();
    flights_.erase(key);
    flight->result = loaded.value;
    flight->landed.notify_all();
    if (loaded.keep.count() > 0) keep(key, loaded);
    return loaded.value;
  }

  // Those who wait for the answer must get one, whatever happens.
  static Loaded load_guarded(const std::function<Loaded()>& load) {
    try {
      return load();
    } catch (...) {
      return {make_error(ErrorCode::kInternal, "asking about the caller failed"), {}};
    }
  }

  void keep(const std::string& key, const Loaded& loaded) {
    while (by_use_.size() >= max_entries_ && !by_use_.empty()) {
      by_key_.erase(by_use_.back().key);
      by_use_.pop_back();
    }
    by_use_.push_front({key, loaded.value, clock_.steady_now() + loaded.keep});
    by_key_[key] = by_use_.begin();
  }

  const Clock& clock_;
  const std::size_t max_entries_, max_waiting_;
  mutable std::mutex mutex_;
  std::list<Entry> by_use_;  // the last used first
  std::unordered_map<std::string, typename std::list<Entry>::iterator> by_key_;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights_;
  std::size_t waiting_ = 0;
};

}  // namespace fracta::server
