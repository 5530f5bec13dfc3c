#include "fracta/net/lines.hpp"

#include <utility>

namespace fracta::net {

LineReader::LineReader(std::function<bool(std::string_view)> on_line, std::size_t max_line)
    : on_line_(std::move(on_line)), max_line_(max_line) {}

bool LineReader::feed(std::string_view bytes) {
  if (overflowed_) return false;
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    // +1: a '\r' before the '\n' is not part of the line.
    if (buffer_.size() + piece.size() > max_line_ + 1) {
      overflowed_ = true;
      buffer_.clear();
      return false;
    }
    if (end == std::string_view::npos) {
      buffer_.append(piece);
      return true;
    }
    bytes.remove_prefix(end + 1);
    std::string joined;
    std::string_view line = piece;
    if (!buffer_.empty()) {
      buffer_.append(piece);
      joined.swap(buffer_);
      line = joined;
    }
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > max_line_) {
      overflowed_ = true;
      return false;
    }
    if (!on_line_(line)) return false;
    // Give the capacity back to the buffer: the next split line needs it again.
    joined.clear();
    if (buffer_.empty() && joined.capacity() <= (64u << 10)) buffer_.swap(joined);
  }
  return true;
}

SseReader::SseReader(std::function<bool(const ServerSentEvent&)> on_event, std::size_t max_event)
    : on_event_(std::move(on_event)),
      max_event_(max_event),
      lines_([this](std::string_view text) { return line(text); }, max_event) {}

bool SseReader::feed(std::string_view bytes) { return lines_.feed(bytes); }

bool SseReader::line(std::string_view text) {
  if (text.empty()) {
    if (!has_data_) {
      pending_.event.clear();
      return true;
    }
    if (pending_.event.empty()) pending_.event = "message";
    has_data_ = false;
    const bool go_on = on_event_(pending_);
    pending_.event.clear();
    pending_.data.clear();
    return go_on;
  }
  const auto colon = text.find(':');
  if (colon == 0) return true;  // a comment
  const std::string_view field = text.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    if (pending_.data.size() + value.size() + 1 > max_event_) return false;
    if (has_data_) pending_.data += '\n';
    pending_.data.append(value);
    has_data_ = true;
  } else if (field == "event") {
    pending_.event = std::string(value);
  } else if (field == "id" && value.find('\0') == std::string_view::npos) {
    pending_.id = std::string(value);
  }
  return true;
}

}  // namespace fracta::net
