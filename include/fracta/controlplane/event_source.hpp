// What happened to agents, newest last: a bounded ring per agent and any number of subscribers.
//
// Ids are "<start>-<sequence>": `start` is drawn once per process, the sequence never repeats, so a client that comes
// back with an id of an earlier process is recognised. A slow subscriber loses its buffer, is told so (kGap) and takes
// a new snapshot; it never holds up the publisher or anybody else. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fracta/base/clock.hpp"

namespace fracta::controlplane {

struct Event {
  std::uint64_t sequence = 0;  // given by publish()
  SystemTime time{};           // given by publish() when zero
  std::string component, category, action, outcome, severity, task, detail;
  std::vector<std::pair<std::string, std::string>> attributes;
};
using EventPtr = std::shared_ptr<const Event>;

class EventSource;

class Subscription {
 public:
  enum class Kind { kEvent, kGap, kTimeout, kClosed };
  struct Item {
    Kind kind = Kind::kTimeout;
    EventPtr event;  // only for kEvent
  };
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  // Waits for the next event; kClosed when stopped or the source was closed (buffered events come first).
  Item next(std::chrono::milliseconds timeout, const std::stop_token& stop);

  // What the given last id missed, oldest first, as of the moment of subscribing; `gap` is empty, "restarted" or
  // "evicted".
  std::vector<EventPtr> missed;
  std::string gap;

 private:
  friend class EventSource;
  Subscription(EventSource& source, std::string task, std::size_t capacity);
  void offer(const EventPtr& event);
  void close();

  EventSource& source_;
  const std::string task_;  // empty = every agent
  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<EventPtr> buffer_;
  bool overflowed_ = false;
  bool closed_ = false;
};

class EventSource {
 public:
  struct Options {
    std::size_t ring_size = 100;  // events kept for each agent
    std::size_t subscriber_buffer = 256;
    std::chrono::minutes keep_removed{30};  // an agent's ring after retire()
    std::size_t max_agents = 20'000;        // rings in all; the longest retired goes first
  };
  EventSource(const Clock& clock, Options options);
  ~EventSource();  // every subscription must be gone

  void publish(Event event);
  void retire(const std::string& task);  // the agent has left the cluster
  void close();                          // ends all subscriptions, e.g. at shutdown; later ones end at once

  [[nodiscard]] std::string id_of(const Event& event) const;
  // The last `last` events of one agent, of those after `since_id` if given; oldest first.
  [[nodiscard]] std::vector<EventPtr> recent(const std::string& task, std::size_t last,
                                             std::string_view since_id = "") const;
  // task "" = all agents. `since_id` "" = nothing missed.
  [[nodiscard]] std::unique_ptr<Subscription> subscribe(const std::string& task, std::string_view since_id);
  [[nodiscard]] std::size_t subscribers() const;

 private:
  friend class Subscription;
  struct Ring {
    std::deque<EventPtr> events;
    std::uint64_t evicted_up_to = 0;
    std::uint64_t generation = 0;  // grows with every event; an old retirement is void
  };
  // The sequence in an id of this process; empty for anything else.
  [[nodiscard]] std::optional<std::uint64_t> sequence_of(std::string_view id) const;
  [[nodiscard]] std::vector<EventPtr> after(const std::string& task, std::uint64_t sequence, bool& evicted) const;
  void drop_expired();
  void drop_ring(const std::string& task);
  void unsubscribe(Subscription* subscription);

  const Clock& clock_;
  const Options options_;
  const std::string start_;
  mutable std::mutex mutex_;
  std::uint64_t sequence_ = 0;
  std::uint64_t dropped_up_to_ = 0;  // highest sequence in a ring that is gone
  std::map<std::string, Ring> rings_;
  struct Retired {
    SteadyTime at;
    std::string task;
    std::uint64_t generation;
  };
  std::deque<Retired> retired_;
  std::set<Subscription*> subscriptions_;
  bool closed_ = false;
};

}  // namespace fracta::controlplane
