// The cluster's memory: objects by resource and key, one version counter for all, and per resource a bounded log of
// changes from which watches resume and old lists are answered. Everything older than the log is "compacted".
//
// Thread-safe. Records are immutable; their JSON text is made once, on first use, for all lists and watches.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include "devcluster/store/journal.hpp"
#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

class Record {
 public:
  Record(Json value, std::uint64_t record_version) : object(std::move(value)), version(record_version) {}
  const Json object;
  const std::uint64_t version;
  // The JSON without kind and apiVersion, as it stands inside lists.
  [[nodiscard]] const std::string& body() const;
  [[nodiscard]] std::string text() const;

 private:
  mutable std::once_flag once_;
  mutable std::string body_;
};
using RecordPtr = std::shared_ptr<const Record>;

// The record's object, keeping the record alive.
Object object_of(const RecordPtr& record);

struct Change {
  EventType type;
  std::string key;
  RecordPtr record;    // kDeleted: the last state, with the version of the deletion
  RecordPtr previous;  // null for kAdded
  std::uint64_t version;
};

struct Snapshot {
  std::vector<std::pair<std::string, RecordPtr>> records;  // sorted by key
  std::uint64_t version = 0;
};

constexpr std::uint64_t kFirstVersion = 100;

enum class StoreError { kNone, kExists, kMissing, kConflict };

struct StoreResult {
  StoreError error = StoreError::kNone;
  RecordPtr record;  // the new record, or with an error what is there now
};

class Store {
 public:
  explicit Store(std::size_t log_limit = 20'000) : log_limit_(log_limit) {}

  // Takes over what an earlier process left in the file and writes every change into it from now on. Before first use.
  // Watches and lists from versions of that process answer "too old". Errors of Journal::open.
  Result<void> keep_in(const std::string& path);

  [[nodiscard]] std::uint64_t version() const;
  [[nodiscard]] RecordPtr get(std::string_view resource, std::string_view key) const;
  // Keys that start with `prefix` ("" all, "ns/" one namespace). `at` 0 = now; empty result = compacted.
  [[nodiscard]] std::optional<Snapshot> list(std::string_view resource, std::string_view prefix,
                                             std::uint64_t at = 0) const;

  StoreResult create(std::string_view resource, const std::string& key, Json object);
  // `expected` is the version of the record that was read.
  StoreResult update(std::string_view resource, const std::string& key, std::uint64_t expected, Json object);
  StoreResult erase(std::string_view resource, const std::string& key, std::uint64_t expected);

  // Appends to `out` the changes after version `after`, waiting up to `timeout` for the first one. Returns the version
  // up to which the caller is now informed, or nothing when `after` is compacted.
  std::optional<std::uint64_t> changes(std::string_view resource, std::uint64_t after, std::size_t limit,
                                       std::chrono::milliseconds timeout, const std::stop_token& stop,
                                       std::vector<Change>& out) const;
  [[nodiscard]] bool compacted(std::string_view resource, std::uint64_t version) const;

 private:
  struct Table {
    std::map<std::string, RecordPtr, std::less<>> objects;
    std::deque<Change> log;
    std::uint64_t compacted = 0;  // changes up to here are forgotten
    mutable std::condition_variable_any changed;
  };
  Table& table(std::string_view resource) const;
  void restore(const std::string& resource, const std::string& key, std::uint64_t version, Json object);
  void write_down(std::string_view resource, const std::string& key, const Record& record, bool gone);
  RecordPtr seal(Json object);
  void append(Table& table, Change change);

  const std::size_t log_limit_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::unique_ptr<Table>, std::less<>> tables_;
  // Versions a client makes up ("1") are older than anything here, as they are in a real cluster.
  std::uint64_t version_ = kFirstVersion;
  std::uint64_t oldest_ = kFirstVersion;  // the first state this process can answer for
  std::unique_ptr<Journal> journal_;      // may be null
};

}  // namespace fracta::devcluster
