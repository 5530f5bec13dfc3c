// Readers of streamed bodies, fed with whatever pieces arrive. Not thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace fracta::net {

// Splits at '\n' (a '\r' before it is dropped). A line longer than `max_line` makes feed() return false.
class LineReader {
 public:
  explicit LineReader(std::function<bool(std::string_view line)> on_line, std::size_t max_line = 16u << 20);
  bool feed(std::string_view bytes);  // false: the callback said stop, or the line was too long
  [[nodiscard]] bool overflowed() const { return overflowed_; }
  [[nodiscard]] std::string_view rest() const { return buffer_; }  // an unfinished last line

 private:
  std::function<bool(std::string_view)> on_line_;
  std::size_t max_line_;
  std::string buffer_;
  bool overflowed_ = false;
};

struct ServerSentEvent {
  std::string id;     // last seen id
  std::string event;  // "message" when the stream did not name one
  std::string data;
};

// HTML standard, "Server-sent events": data lines joined by '\n', comments ignored, dispatch at the empty line.
class SseReader {
 public:
  explicit SseReader(std::function<bool(const ServerSentEvent&)> on_event, std::size_t max_event = 4u << 20);
  bool feed(std::string_view bytes);

 private:
  bool line(std::string_view text);
  std::function<bool(const ServerSentEvent&)> on_event_;
  std::size_t max_event_;
  ServerSentEvent pending_;
  bool has_data_ = false;
  LineReader lines_;
};

}  // namespace fracta::net
