// A bounded number of threads, each running one function to its end.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace fracta::net {

// Thread-safe. The destructor joins, so whoever owns this must first make the functions end.
class StreamThreads {
 public:
  explicit StreamThreads(std::size_t maximum) : maximum_(maximum) {}

  // False: as many as allowed are running, or the system has no thread left. `function` must not throw.
  bool start(std::function<void()> function);

 private:
  struct Entry {
    std::atomic<bool> finished{false};
    std::jthread thread;
  };
  const std::size_t maximum_;
  std::mutex mutex_;
  std::list<std::unique_ptr<Entry>> entries_;
};

}  // namespace fracta::net
