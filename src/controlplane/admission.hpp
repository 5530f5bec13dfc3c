// Decides before anything is created: one spawn of a name at a time, and max_concurrent agents in all.
//
// The number of agents is derived on each pass from the cache plus the spawns the cache does not show yet; nothing is
// counted up and down, so nothing can drift. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

#include "fracta/base/clock.hpp"
#include "fracta/base/result.hpp"

namespace fracta::controlplane {

class Admission {
 public:
  // limit 0 = unlimited. `unfinished` gives the ids the cache shows as running or waiting, `visible` tells whether it
  // shows one at all.
  Admission(const Clock& clock, int limit, std::function<std::set<std::string>()> unfinished,
            std::function<bool(const std::string& id)> visible);

  // Held while objects are created. Without commit() the place is free again at once; after commit() it is kept until
  // the cache shows the agent (or for a minute, should it never do so).
  class Reservation {
   public:
    Reservation(Reservation&& other) noexcept;
    Reservation& operator=(Reservation&&) = delete;
    ~Reservation();
    void commit() { committed_ = true; }

   private:
    friend class Admission;
    Reservation(Admission& admission, std::string id) : admission_(&admission), id_(std::move(id)) {}
    Admission* admission_;
    std::string id_;
    bool committed_ = false;
  };

  // Waits for another spawn of the same id. kResourceExhausted: `max concurrent agents (<n>) reached`, with a
  // retry_after; kDeadlineExceeded; kCanceled.
  Result<Reservation> reserve(const std::string& id, std::chrono::milliseconds timeout, const std::stop_token& stop);
  [[nodiscard]] bool in_flight(const std::string& id) const;
  // Waits until the cache shows what this process has created lately: whoever spawns an agent finds it in the next
  // answer. `id` empty = all of them. Bounded by `timeout`; a spawn older than that is not waited for.
  void wait_until_seen(const std::string& id, std::chrono::milliseconds timeout);
  void seen(const std::string& id);  // the cache shows (or showed) it now

 private:
  void release(const std::string& id, bool committed);
  void forget_stale();

  const Clock& clock_;
  const int limit_;
  const std::function<std::set<std::string>()> unfinished_;
  const std::function<bool(const std::string&)> visible_;
  mutable std::mutex mutex_;
  std::condition_variable_any released_;
  std::condition_variable seen_;
  std::set<std::string> running_;
  std::map<std::string, SteadyTime> committed_;  // not yet seen in the cache
};

}  // namespace fracta::controlplane
