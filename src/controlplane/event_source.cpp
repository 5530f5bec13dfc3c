#include "fracta/controlplane/event_source.hpp"

#include <algorithm>
#include <optional>

#include "fracta/base/check.hpp"
#include "fracta/base/text.hpp"

namespace fracta::controlplane {

Subscription::Subscription(EventSource& source, std::string task, std::size_t capacity)
    : source_(source), task_(std::move(task)), capacity_(capacity) {}

Subscription::~Subscription() { source_.unsubscribe(this); }

void Subscription::offer(const EventPtr& event) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  if (buffer_.size() >= capacity_) {
    // The reader must start from a snapshot anyway, so what it has not read yet is of no use any more.
    buffer_.clear();
    overflowed_ = true;
  }
  buffer_.push_back(event);
  changed_.notify_one();
}

void Subscription::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

Subscription::Item Subscription::next(std::chrono::milliseconds timeout, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, timeout, [this] { return closed_ || overflowed_ || !buffer_.empty(); });
  if (overflowed_) {
    overflowed_ = false;
    return {Kind::kGap, nullptr};
  }
  if (!buffer_.empty()) {
    auto event = std::move(buffer_.front());
    buffer_.pop_front();
    return {Kind::kEvent, std::move(event)};
  }
  return {closed_ || stop.stop_requested() ? Kind::kClosed : Kind::kTimeout, nullptr};
}

EventSource::EventSource(const Clock& clock, Options options)
    : clock_(clock), options_(options), start_(random_hex(4)) {}

EventSource::~EventSource() {
  std::lock_guard lock(mutex_);
  check(subscriptions_.empty(), "EventSource destroyed while somebody is subscribed");
}

void EventSource::publish(Event event) {
  if (event.time == SystemTime{}) event.time = clock_.system_now();
  std::lock_guard lock(mutex_);
  event.sequence = ++sequence_;
  auto shared = std::make_shared<const Event>(std::move(event));
  auto& ring = rings_[shared->task];
  ring.generation++;
  ring.events.push_back(shared);
  if (ring.events.size() > options_.ring_size) {
    ring.evicted_up_to = ring.events.front()->sequence;
    ring.events.pop_front();
  }
  for (auto* subscription : subscriptions_)
    if (subscription->task_.empty() || subscription->task_ == shared->task) subscription->offer(shared);
  drop_expired();
}

void EventSource::retire(const std::string& task) {
  std::lock_guard lock(mutex_);
  auto it = rings_.find(task);
  if (it != rings_.end()) retired_.push_back({clock_.steady_now(), task, it->second.generation});
  drop_expired();
}

void EventSource::drop_expired() {
  auto now = clock_.steady_now();
  while (!retired_.empty() &&
         (now - retired_.front().at >= options_.keep_removed || rings_.size() > options_.max_agents)) {
    auto it = rings_.find(retired_.front().task);
    // An agent of the same name that was spawned since keeps its ring.
    if (it != rings_.end() && it->second.generation == retired_.front().generation) drop_ring(retired_.front().task);
    retired_.pop_front();
  }
}

void EventSource::drop_ring(const std::string& task) {
  auto it = rings_.find(task);
  if (!it->second.events.empty()) dropped_up_to_ = std::max(dropped_up_to_, it->second.events.back()->sequence);
  rings_.erase(it);
}

void EventSource::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  for (auto* subscription : subscriptions_) subscription->close();
}

std::string EventSource::id_of(const Event& event) const { return start_ + "-" + std::to_string(event.sequence); }

std::optional<std::uint64_t> EventSource::sequence_of(std::string_view id) const {
  if (id.size() <= start_.size() + 1 || id.substr(0, start_.size()) != start_ || id[start_.size()] != '-') return {};
  auto number = parse_int(id.substr(start_.size() + 1));
  if (!number || *number < 0 || static_cast<std::uint64_t>(*number) > sequence_) return {};
  return static_cast<std::uint64_t>(*number);
}

std::vector<EventPtr> EventSource::after(const std::string& task, std::uint64_t sequence, bool& evicted) const {
  std::vector<EventPtr> out;
  auto take = [&](const Ring& ring) {
    if (ring.evicted_up_to > sequence) evicted = true;
    for (const auto& event : ring.events)
      if (event->sequence > sequence) out.push_back(event);
  };
  if (dropped_up_to_ > sequence && (task.empty() || !rings_.contains(task))) evicted = true;
  if (!task.empty()) {
    if (auto it = rings_.find(task); it != rings_.end()) take(it->second);
    return out;
  }
  for (const auto& [name, ring] : rings_) take(ring);
  std::sort(out.begin(), out.end(), [](const EventPtr& a, const EventPtr& b) { return a->sequence < b->sequence; });
  return out;
}

std::vector<EventPtr> EventSource::recent(const std::string& task, std::size_t last, std::string_view since_id) const {
  std::lock_guard lock(mutex_);
  bool evicted = false;
  auto out = after(task, since_id.empty() ? 0 : sequence_of(since_id).value_or(0), evicted);
  if (out.size() > last) out.erase(out.begin(), out.end() - static_cast<std::ptrdiff_t>(last));
  return out;
}

std::unique_ptr<Subscription> EventSource::subscribe(const std::string& task, std::string_view since_id) {
  std::unique_ptr<Subscription> subscription(new Subscription(*this, task, options_.subscriber_buffer));
  // One lock for catching up and registering: no event falls between the two, none comes twice.
  std::lock_guard lock(mutex_);
  if (!since_id.empty()) {
    if (auto sequence = sequence_of(since_id)) {
      bool evicted = false;
      subscription->missed = after(task, *sequence, evicted);
      if (evicted) subscription->gap = "evicted";
    } else {
      subscription->gap = "restarted";
    }
  }
  subscriptions_.insert(subscription.get());
  if (closed_) subscription->close();
  return subscription;
}

void EventSource::unsubscribe(Subscription* subscription) {
  std::lock_guard lock(mutex_);
  subscriptions_.erase(subscription);
}

std::size_t EventSource::subscribers() const {
  std::lock_guard lock(mutex_);
  return subscriptions_.size();
}

}  // namespace fracta::controlplane
