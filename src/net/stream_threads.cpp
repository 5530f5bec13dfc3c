#include "net/stream_threads.hpp"

#include <system_error>
#include <utility>

namespace fracta::net {

bool StreamThreads::start(std::function<void()> function) {
  const std::lock_guard lock(mutex_);
  entries_.remove_if([](const std::unique_ptr<Entry>& entry) { return entry->finished.load(); });
  if (entries_.size() >= maximum_) return false;
  auto entry = std::make_unique<Entry>();
  Entry* raw = entry.get();
  try {
    entry->thread = std::jthread([raw, run = std::move(function)] {
      run();
      raw->finished = true;
    });
  } catch (const std::system_error&) {
    return false;
  }
  entries_.push_back(std::move(entry));
  return true;
}

}  // namespace fracta::net
