// What a container writes, kept in the CRI log format ("<time> stdout F <line>"), bounded by rotation, and read back
// with the options of `kubectl logs`. Thread-safe: the pod's thread appends while readers follow.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

#include "devcluster/node/unique_fd.hpp"
#include "fracta/base/clock.hpp"
#include "fracta/base/result.hpp"
#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

class ContainerLog {
 public:
  // Kubelet's containerLogMaxSize default. One rotated file is kept; new readers begin in the current one, as with
  // `kubectl logs`, those who follow read their file to its end first.
  static constexpr std::uint64_t kMaxSize = 10u << 20;
  static constexpr std::size_t kMaxLine = 16u << 10;  // longer lines are split with tag P

  explicit ContainerLog(std::string path, std::uint64_t max_size = kMaxSize);
  void append(bool error_stream, std::string_view bytes, SystemTime now);
  void close(SystemTime now);  // flushes unfinished lines, ends followers

  // Writes until the end, or (follow) until close() and the end. `write` returns false to stop.
  Result<void> read(const NodeLogOptions& options, const std::function<bool(std::string_view)>& write,
                    const std::stop_token& stop);
  [[nodiscard]] std::string tail(std::size_t max_lines, std::size_t max_bytes);  // for FallbackToLogsOnError
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  struct File {
    UniqueFd fd;
    std::uint64_t size = 0;
    std::shared_ptr<File> next;  // after rotation
  };
  struct Position {
    std::shared_ptr<File> file;
    std::uint64_t offset = 0;
  };
  [[nodiscard]] std::shared_ptr<File> open_file() const;
  void write_line(bool error_stream, char tag, std::string_view line, SystemTime now);
  void rotate();
  Position find_start(const NodeLogOptions& options);
  std::string read_at(Position& position);

  const std::string path_;
  const std::uint64_t max_size_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::shared_ptr<File> file_;
  std::string partial_[2];
  bool closed_ = false;
};

}  // namespace fracta::devcluster
