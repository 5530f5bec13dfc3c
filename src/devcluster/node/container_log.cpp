#include "devcluster/node/container_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <deque>
#include <optional>

#include "fracta/base/time.hpp"

namespace fracta::devcluster {
namespace {

constexpr std::size_t kChunk = 64u << 10;

struct Line {
  std::string_view time, content;
  bool full = true;
};

std::optional<Line> parse(std::string_view line) {
  const auto first = line.find(' ');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = line.find(' ', first + 1);
  if (second == std::string_view::npos || second + 2 >= line.size() + 1) return std::nullopt;
  if (second + 3 > line.size()) return std::nullopt;
  return Line{line.substr(0, first), line.substr(second + 3), line[second + 1] == 'F'};
}

// Turns stored lines into what the reader asked for, within its byte limit.
class Printer {
 public:
  Printer(const NodeLogOptions& options, const std::function<bool(std::string_view)>& write)
      : options_(options), write_(write), left_(options.limit_bytes) {
    if (!options.since_time.empty()) since_ = parse_rfc3339(options.since_time);
  }
  // False: the reader has gone or has enough.
  bool print(std::string_view stored) {
    const auto line = parse(stored);
    if (!line) return true;
    if (since_) {
      const auto time = parse_rfc3339(line->time);
      if (time && *time < *since_) return true;
    }
    std::string text;
    if (options_.timestamps && at_start_) text = fmt::format("{} ", line->time);
    text.append(line->content);
    if (line->full) text += '\n';
    at_start_ = line->full;
    if (left_ && static_cast<std::int64_t>(text.size()) > *left_) text.resize(static_cast<std::size_t>(*left_));
    if (left_) *left_ -= static_cast<std::int64_t>(text.size());
    return write_(text) && (!left_ || *left_ > 0);
  }

 private:
  const NodeLogOptions& options_;
  const std::function<bool(std::string_view)>& write_;
  std::optional<std::int64_t> left_;
  std::optional<SystemTime> since_;
  bool at_start_ = true;
};

}  // namespace

ContainerLog::ContainerLog(std::string path, std::uint64_t max_size)
    : path_(std::move(path)), max_size_(max_size), file_(open_file()) {}

std::shared_ptr<ContainerLog::File> ContainerLog::open_file() const {
  auto file = std::make_shared<File>();
  file->fd.reset(::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640));
  return file;
}

void ContainerLog::append(bool error_stream, std::string_view bytes, SystemTime now) {
  {
    const std::lock_guard lock(mutex_);
    std::string& rest = partial_[error_stream ? 1 : 0];
    rest.append(bytes);
    std::size_t start = 0;
    for (;;) {
      const auto end = rest.find('\n', start);
      const bool full = end != std::string::npos && end - start <= kMaxLine;
      if (!full && rest.size() - start <= kMaxLine) break;
      write_line(error_stream, full ? 'F' : 'P', std::string_view(rest).substr(start, full ? end - start : kMaxLine),
                 now);
      start = full ? end + 1 : start + kMaxLine;
    }
    rest.erase(0, start);
  }
  changed_.notify_all();
}

void ContainerLog::close(SystemTime now) {
  {
    const std::lock_guard lock(mutex_);
    for (int i = 0; i < 2; ++i)
      if (!partial_[i].empty()) write_line(i == 1, 'P', partial_[i], now), partial_[i].clear();
    closed_ = true;
  }
  changed_.notify_all();
}

void ContainerLog::write_line(bool error_stream, char tag, std::string_view line, SystemTime now) {
  const std::string text =
      fmt::format("{} {} {} {}\n", format_rfc3339_nano(now), error_stream ? "stderr" : "stdout", tag, line);
  if (file_->size + text.size() > max_size_) rotate();
  if (file_->fd.valid() && ::write(file_->fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()))
    file_->size += text.size();
}

void ContainerLog::rotate() {
  (void)std::rename(path_.c_str(), (path_ + ".1").c_str());
  file_->next = open_file();
  file_ = file_->next;
}

std::string ContainerLog::read_at(Position& position) {
  std::string buffer(kChunk, '\0');
  const File& file = *position.file;
  const ssize_t got =
      file.fd.valid() ? ::pread(file.fd.get(), buffer.data(), buffer.size(), static_cast<off_t>(position.offset)) : 0;
  buffer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  // Whole lines only; a stored line is never longer than a chunk.
  const auto end = buffer.rfind('\n');
  buffer.resize(end == std::string::npos ? 0 : end + 1);
  position.offset += buffer.size();
  if (!buffer.empty() || !file.next) return buffer;
  position = {file.next, 0};
  return read_at(position);
}

// tailLines counts finished lines from the end, as the kubelet does (pkg/kubelet/kuberuntime/logs).
ContainerLog::Position ContainerLog::find_start(const NodeLogOptions& options) {
  Position position{file_, 0};
  if (!options.tail_lines || *options.tail_lines < 0) return position;
  if (*options.tail_lines == 0) return {file_, file_->size};
  const auto wanted = static_cast<std::size_t>(*options.tail_lines);
  std::deque<std::uint64_t> last;
  std::uint64_t at = 0;
  for (std::string chunk = read_at(position); !chunk.empty(); chunk = read_at(position)) {
    for (std::size_t i = 0; i < chunk.size();) {
      last.push_back(at + i);
      if (last.size() > wanted) last.pop_front();
      i = chunk.find('\n', i) + 1;
    }
    at += chunk.size();
  }
  return {file_, last.empty() ? at : last.front()};
}

Result<void> ContainerLog::read(const NodeLogOptions& options, const std::function<bool(std::string_view)>& write,
                                const std::stop_token& stop) {
  Printer printer(options, write);
  std::unique_lock lock(mutex_);
  Position position = find_start(options);
  while (!stop.stop_requested()) {
    const std::string chunk = read_at(position);
    if (chunk.empty()) {
      if (!options.follow || closed_) return {};  // nothing came after the last look: the lock is held
      // The time-out lets a reader notice that its client has gone.
      changed_.wait_for(lock, stop, std::chrono::seconds{10},
                        [&] { return closed_ || position.file->next || position.offset < position.file->size; });
      if (!write("")) return {};
      continue;
    }
    lock.unlock();
    std::string_view rest = chunk;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      if (!printer.print(rest.substr(0, end))) return {};
      rest.remove_prefix(end + 1);
    }
    lock.lock();
  }
  return make_error(ErrorCode::kCanceled, "reading the log was stopped");
}

std::string ContainerLog::tail(std::size_t max_lines, std::size_t max_bytes) {
  NodeLogOptions options;
  options.tail_lines = static_cast<std::int64_t>(max_lines);
  std::string text;
  (void)read(options,
             [&](std::string_view bytes) {
               text.append(bytes);
               return true;
             },
             {});
  if (text.size() > max_bytes) text.erase(0, text.size() - max_bytes);
  return text;
}

}  // namespace fracta::devcluster
