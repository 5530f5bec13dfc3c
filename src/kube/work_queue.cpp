#include "fracta/kube/work_queue.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "kube/work_queue_metrics.hpp"

namespace fracta::kube {
namespace {

// client-go util/workqueue/default_rate_limiters.go: 5 ms * 2^failures, at most 1000 s.
constexpr std::chrono::milliseconds kBaseDelay{5};
constexpr std::chrono::milliseconds kMaxDelay{1'000'000};

std::chrono::milliseconds failure_delay(std::uint32_t failures) {
  constexpr std::uint32_t kEnough = 18;  // 5 ms * 2^18 is above the maximum
  if (failures >= kEnough) return kMaxDelay;
  return std::min(kMaxDelay, kBaseDelay * (std::int64_t{1} << failures));
}

}  // namespace

class WorkQueue::Impl {
 public:
  Impl(const Clock& clock, const std::string& name, MetricsRegistry* registry)
      : clock_(clock), metrics_(registry, name) {
    metrics_.watch_running([this](std::vector<double>& seconds) {
      std::lock_guard lock(mutex_);
      const auto now = clock_.steady_now();
      for (const auto& [key, since] : processing_)
        seconds.push_back(std::chrono::duration<double>(now - since).count());
    });
  }
  ~Impl() { metrics_.forget_running(); }

  void add(const std::string& key) {
    std::lock_guard lock(mutex_);
    add_locked(key);
  }

  void add_after(const std::string& key, std::chrono::milliseconds delay) {
    std::lock_guard lock(mutex_);
    if (delay.count() <= 0) return add_locked(key);
    const auto due = clock_.steady_now() + delay;
    auto [entry, fresh] = due_.try_emplace(key, due);
    if (!fresh) {
      if (entry->second <= due) return;  // the earlier of the two stays
      waiting_.erase({entry->second, key});
      entry->second = due;
    }
    waiting_.emplace(due, key);
    // All: the one that would have been told may be given another key and work on it while this one becomes due.
    wake_.notify_all();
  }

  void add_rate_limited(const std::string& key) {
    std::uint32_t failures = 0;
    {
      std::lock_guard lock(mutex_);
      failures = failures_[key]++;
    }
    metrics_.retried();
    add_after(key, failure_delay(failures));
  }

  void forget(const std::string& key) {
    std::lock_guard lock(mutex_);
    failures_.erase(key);
  }

  std::optional<std::string> get(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      take_due();
      if (!queue_.empty()) return begin_front();
      wait(lock, stop);
    }
    return std::nullopt;
  }

  void done(const std::string& key) {
    std::lock_guard lock(mutex_);
    const auto running = processing_.find(key);
    if (running == processing_.end()) return;
    metrics_.worked(clock_.steady_now() - running->second);
    processing_.erase(running);
    if (dirty_.contains(key)) push(key);  // it was added meanwhile
  }

  [[nodiscard]] std::size_t size() const {
    std::lock_guard lock(mutex_);
    return queue_.size();
  }

 private:
  void add_locked(const std::string& key) {
    if (!dirty_.try_emplace(key, clock_.steady_now()).second) return;
    metrics_.added();
    if (!processing_.contains(key)) push(key);
  }

  void push(const std::string& key) {
    queue_.push_back(key);
    metrics_.depth(queue_.size());
    wake_.notify_one();
  }

  void take_due() {
    const auto now = clock_.steady_now();
    while (!waiting_.empty() && waiting_.begin()->first <= now) {
      const std::string key = waiting_.begin()->second;
      waiting_.erase(waiting_.begin());
      due_.erase(key);
      add_locked(key);
    }
  }

  std::string begin_front() {
    std::string key = std::move(queue_.front());
    queue_.pop_front();
    metrics_.depth(queue_.size());
    const auto now = clock_.steady_now();
    if (const auto added = dirty_.find(key); added != dirty_.end()) {
      metrics_.queued(now - added->second);
      dirty_.erase(added);
    }
    processing_.emplace(key, now);
    return key;
  }

  // Until something was queued, something earlier became due, or the first delayed key is due.
  void wait(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
    const auto first_due = [this] { return waiting_.empty() ? SteadyTime::max() : waiting_.begin()->first; };
    const auto due = first_due();
    const auto changed = [&] { return !queue_.empty() || first_due() != due; };
    if (waiting_.empty()) {
      wake_.wait(lock, stop, changed);
    } else {
      wake_.wait_for(lock, stop, due - clock_.steady_now(), changed);
    }
  }

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<std::string> queue_;                         // to be handed out, in order
  std::map<std::string, SteadyTime> dirty_;               // needs work; since when
  std::map<std::string, SteadyTime> processing_;          // handed out; since when
  std::set<std::pair<SteadyTime, std::string>> waiting_;  // to be added later
  std::map<std::string, SteadyTime> due_;                 // the same by key
  std::map<std::string, std::uint32_t> failures_;
  WorkQueueMetrics metrics_;
};

WorkQueue::WorkQueue(const Clock& clock, std::string name, MetricsRegistry* metrics)
    : impl_(std::make_unique<Impl>(clock, name, metrics)) {}
WorkQueue::~WorkQueue() = default;

void WorkQueue::add(const std::string& key) { impl_->add(key); }
void WorkQueue::add_after(const std::string& key, std::chrono::milliseconds delay) { impl_->add_after(key, delay); }
void WorkQueue::add_rate_limited(const std::string& key) { impl_->add_rate_limited(key); }
void WorkQueue::forget(const std::string& key) { impl_->forget(key); }
std::optional<std::string> WorkQueue::get(const std::stop_token& stop) { return impl_->get(stop); }
void WorkQueue::done(const std::string& key) { impl_->done(key); }
std::size_t WorkQueue::size() const { return impl_->size(); }

}  // namespace fracta::kube
