// The faults in force. Requests ask it what shall become of them; a control endpoint writes it. What they do to the
// cluster itself ends when they are removed and when their time is over, with nobody asking.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "devcluster/faults/fault.hpp"
#include "fracta/base/clock.hpp"

namespace fracta::devcluster {

// The cluster's time, which faults can move.
class SkewedClock final : public Clock {
 public:
  [[nodiscard]] SystemTime system_now() const override {
    return std::chrono::system_clock::now() + std::chrono::milliseconds(skew_.load());
  }
  [[nodiscard]] SteadyTime steady_now() const override { return std::chrono::steady_clock::now(); }
  void set_skew(std::chrono::milliseconds skew) { skew_ = skew.count(); }

 private:
  std::atomic<std::int64_t> skew_{0};
};

// What the cluster does about faults that are not about one request. Each may be empty.
struct FaultHooks {
  std::function<void(std::chrono::milliseconds)> refuse_connections;
  std::function<void(std::chrono::milliseconds)> set_clock_skew;
  std::function<Result<void>(const std::string&)> set_certificate;  // "" = the right one
  std::function<void(bool)> set_node_lost, set_disk_full;
};

class FaultBook {
 public:
  explicit FaultBook(FaultHooks hooks);
  ~FaultBook() { stop(); }
  FaultBook(const FaultBook&) = delete;
  FaultBook& operator=(const FaultBook&) = delete;

  // A fault, or a list or {"faults": [...]} of them; all or none. Their ids.
  Result<std::vector<std::string>> add(const Json& source);
  [[nodiscard]] Json list() const;
  bool remove(const std::string& id);
  void clear();

  [[nodiscard]] bool empty() const { return size_ == 0; }
  // What shall become of this request, counted as hit.
  std::vector<Fault> take(const FaultSubject& subject);
  // A token of that user, issued then (0 = for ever), is not believed any more.
  [[nodiscard]] bool revoked(const std::string& user, std::int64_t issued) const;

  // Ends every delay. No hook is called any more once this has returned.
  void stop();
  [[nodiscard]] std::stop_token stopped() const { return stop_.get_token(); }

 private:
  struct Entry {
    Fault fault;
    std::uint64_t seen = 0, hits = 0;
    std::chrono::steady_clock::time_point made;
    std::int64_t made_at = 0;  // Unix seconds
  };
  // What the faults in force want of the cluster: the latest of each kind.
  struct ClusterState {
    std::chrono::milliseconds clock_skew{0};
    std::string certificate, certificate_by;  // which, and the fault that said so: each renewal is one of its own
    bool node_lost = false, disk_full = false;
  };
  using SteadyPoint = std::chrono::steady_clock::time_point;

  static bool over(const Entry& entry);
  [[nodiscard]] ClusterState wanted() const;
  [[nodiscard]] std::optional<SteadyPoint> next_end() const;
  Result<void> settle();
  void heal(const std::stop_token& stop);

  const FaultHooks hooks_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::uint64_t, Entry> entries_;  // by id, oldest first
  std::atomic<std::size_t> size_{0};
  std::uint64_t next_ = 1;
  std::mutex settling_;  // taken before mutex_; guards applied_ and stopped_
  ClusterState applied_;
  bool no_more_hooks_ = false;
  std::stop_source stop_;
  std::jthread healer_;  // last: it uses everything above
};

}  // namespace fracta::devcluster
