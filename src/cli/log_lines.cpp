#include "cli/log_lines.hpp"

#include "fracta/base/time.hpp"

namespace fracta::cli {

LogLines::LogLines(bool with_timestamps, std::function<bool(std::string_view)> print)
    : with_timestamps_(with_timestamps), print_(std::move(print)), lines_(make_reader()) {}

net::LineReader LogLines::make_reader() {
  return net::LineReader([this](std::string_view text) { return line(text); });
}

void LogLines::end_of_connection(bool complete) {
  if (complete && !lines_.rest().empty()) {
    const std::string rest(lines_.rest());
    line(rest);
  }
  lines_ = make_reader();
  resume_time_ = last_time_;
  to_skip_ = printed_at_last_;
}

bool LogLines::line(std::string_view text) {
  const auto space = text.find(' ');
  const std::string_view stamp = text.substr(0, space);
  const auto time = parse_rfc3339(stamp);
  if (!time) return print_(text);  // the daemon's own remark about a gap has no time
  if (!resume_time_.empty()) {
    const auto resumed = parse_rfc3339(resume_time_);
    if (resumed && *time < *resumed) return true;
    if (resumed && *time == *resumed && to_skip_ > 0) {
      --to_skip_;
      return true;
    }
  }
  if (stamp == last_time_) {
    ++printed_at_last_;
  } else {
    last_time_ = std::string(stamp);
    printed_at_last_ = 1;
  }
  if (with_timestamps_) return print_(text);
  return print_(space == std::string_view::npos ? std::string_view{} : text.substr(space + 1));
}

}  // namespace fracta::cli
