// Reflector<T>: a cache of one resource, kept current by list + watch with client-go's rules
// (tools/cache/reflector.go): first list with resourceVersion=0, bookmarks, random watch time-out of 5-10 min, 410 ->
// list again at once, 429 or refused -> back off and keep the version, a watch that ends within 1 s without an event
// counts as a failure, back-off 0.8 s -> 30 s with jitter, reset after 2 min of health. A half-open connection is
// noticed by TCP keep-alive.
//
// T is what the user's projection keeps of an object: the cache of 10,000 pods must not hold their JSON.
//
// Thread-safe. The change callback runs on the reflector's own thread, never under a lock; it must only enqueue.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/metrics.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/kube/client.hpp"

namespace fracta::kube {

struct ReflectorOptions {
  Resource resource;
  std::string ns;
  std::string label_selector;
  std::string name;  // for logs and metrics, e.g. "jobs"
  MetricsRegistry* metrics = nullptr;
  Backoff::Options backoff;                 // 0.8 s -> 30 s, factor 2, jitter 1
  std::chrono::seconds minimum_watch{300};  // each watch asks for this times 1..2, so that they do not end together
  // Instead of really waiting between attempts; for tests. Returns false when stopped.
  std::function<bool(const std::stop_token&, std::chrono::nanoseconds)> sleep;
};

// The untyped half, so that the loop is compiled once (src/kube/reflector.cpp).
class ReflectorLoop {
 public:
  struct Sink {
    std::function<void(const Json& object)> upsert;  // added or modified
    std::function<void(const Json& object)> erase;
    std::function<void(const std::vector<std::string>& keys)> retain_only;  // after a list: everything else is gone
  };
  ReflectorLoop(Client& client, const Clock& clock, ReflectorOptions options, Sink sink);
  ~ReflectorLoop();  // stops and joins
  void start();
  void stop();
  [[nodiscard]] bool synced() const;  // the first list is complete
  // True when synced before the time-out or stop.
  bool wait_until_synced(std::chrono::milliseconds timeout, const std::stop_token& stop = {}) const;
  [[nodiscard]] std::chrono::milliseconds since_last_contact() const;  // last event, bookmark or list
  [[nodiscard]] std::string last_error() const;                        // empty when healthy

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// metadata.namespace + "/" + metadata.name
std::string object_key(const Json& object);

template <class T>
class Reflector {
 public:
  using Projection = std::function<T(const Json& object)>;
  using OnChange = std::function<void(const std::string& key, const T* before, const T* after)>;

  Reflector(Client& client, const Clock& clock, ReflectorOptions options, Projection projection, OnChange on_change)
      : projection_(std::move(projection)),
        on_change_(std::move(on_change)),
        loop_(client, clock, std::move(options),
              {[this](const Json& o) { upsert(o); }, [this](const Json& o) { erase(object_key(o)); },
               [this](const std::vector<std::string>& keys) { retain_only(keys); }}) {}

  void start() { loop_.start(); }
  void stop() { loop_.stop(); }
  [[nodiscard]] const ReflectorLoop& loop() const { return loop_; }

  [[nodiscard]] std::shared_ptr<const T> get(const std::string& key) const {
    std::shared_lock lock(mutex_);
    auto it = items_.find(key);
    return it == items_.end() ? nullptr : it->second;
  }
  [[nodiscard]] std::vector<std::shared_ptr<const T>> all() const {
    std::shared_lock lock(mutex_);
    std::vector<std::shared_ptr<const T>> out;
    out.reserve(items_.size());
    for (const auto& [key, value] : items_) out.push_back(value);
    return out;
  }
  [[nodiscard]] std::size_t size() const {
    std::shared_lock lock(mutex_);
    return items_.size();
  }

 private:
  void upsert(const Json& object) {
    auto key = object_key(object);
    auto after = std::make_shared<const T>(projection_(object));
    std::shared_ptr<const T> before;
    {
      std::unique_lock lock(mutex_);
      auto& slot = items_[key];
      before = std::exchange(slot, after);
    }
    on_change_(key, before.get(), after.get());
  }
  void erase(const std::string& key) {
    std::shared_ptr<const T> before;
    {
      std::unique_lock lock(mutex_);
      auto it = items_.find(key);
      if (it == items_.end()) return;
      before = std::move(it->second);
      items_.erase(it);
    }
    on_change_(key, before.get(), nullptr);
  }
  void retain_only(const std::vector<std::string>& keys) {
    std::vector<std::string> gone;
    {
      std::shared_lock lock(mutex_);
      std::map<std::string_view, bool> keep;
      for (const auto& key : keys) keep[key] = true;
      for (const auto& [key, value] : items_)
        if (!keep.contains(key)) gone.push_back(key);
    }
    for (const auto& key : gone) erase(key);
  }

  Projection projection_;
  OnChange on_change_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<const T>> items_;
  ReflectorLoop loop_;  // last: stops before the rest goes
};

}  // namespace fracta::kube
