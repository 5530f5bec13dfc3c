// Lines of a log that is fetched with timestamps and may be fetched again from some point on: repeated lines are
// dropped, the time is cut off when the user did not ask for it. Not thread-safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "fracta/net/lines.hpp"

namespace fracta::cli {

class LogLines {
 public:
  LogLines(bool with_timestamps, std::function<bool(std::string_view line)> print);

  // Bytes of the current connection; false: the reader of the output has gone.
  bool feed(std::string_view bytes) { return lines_.feed(bytes); }
  // The connection ended. `complete`: in order, so an unfinished last line is all there will be.
  void end_of_connection(bool complete);
  // Where the next connection has to begin; empty when nothing has been seen yet. The cluster only knows whole seconds
  // here and may send lines again: feed() drops those.
  [[nodiscard]] const std::string& last_time() const { return last_time_; }

 private:
  bool line(std::string_view text);
  [[nodiscard]] net::LineReader make_reader();

  bool with_timestamps_;
  std::function<bool(std::string_view)> print_;
  net::LineReader lines_;
  std::string last_time_;            // of the newest line printed
  std::size_t printed_at_last_ = 0;  // how many lines of exactly that time have been printed
  std::string resume_time_;          // last_time_ when this connection began
  std::size_t to_skip_ = 0;          // lines of exactly that time still to be dropped
};

}  // namespace fracta::cli
