// The store's memory on disk: every change appended to one file, so that a cluster with a data directory keeps its
// objects, UIDs and resource versions over a restart.
//
// File: "FRACTAJ1", then records of 4 bytes length, 4 bytes CRC-32 (both little-endian) and that many bytes of JSON:
// {"r": resource, "k": key, "v": version, "o": object} for what is there from that version on, without "o" for what is
// gone, {"v": version} for the version alone.
//
// A record is handed to the kernel before the change is visible to anybody: kill -9 loses nothing. fdatasync runs once
// a second while there is something to sync, and when the journal closes: a power cut may lose the last second. What a
// crash leaves half-written at the end is cut off when the file is opened. The file is rewritten with the living
// objects only, beside the old one and renamed over it, when it has grown to four times their size (at least 8 MiB).
//
// Not thread-safe but for the syncing thread of its own; the store calls it under its lock.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"

namespace fracta::devcluster {

struct JournalEntry {
  std::string resource, key;
  std::uint64_t version = 0;
  std::string object;  // JSON; empty = gone
};

class Journal {
 public:
  // Makes the file when there is none; hands every entry of an old one to `on_entry`, in order. `on_entry` gets the
  // parsed object (null = gone). kInvalid when the file is no journal.
  using OnEntry =
      std::function<void(const std::string& resource, const std::string& key, std::uint64_t version, Json object)>;
  static Result<std::unique_ptr<Journal>> open(const std::string& path, const OnEntry& on_entry);
  ~Journal();  // syncs
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Errors are logged once and end the journal: a full disk must not take the cluster with it.
  void append(const JournalEntry& entry);
  [[nodiscard]] bool wants_compaction() const { return size_ > limit_; }
  // Rewrites the file with what `each` hands out.
  void compact(std::uint64_t version, const std::function<void(const std::function<void(const JournalEntry&)>&)>& each);

 private:
  Journal(std::string path, int fd, std::uint64_t size);
  bool write_all(int fd, std::string_view bytes);
  void give_up(const char* what);
  void sync_loop(const std::stop_token& stop);

  const std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::uint64_t limit_;
  bool failed_ = false;
  std::mutex sync_mutex_;  // fd_ of the syncing thread
  std::condition_variable_any sync_wanted_;
  bool dirty_ = false;
  std::jthread syncer_;
};

}  // namespace fracta::devcluster
