#include "kube/watch_decoder.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::kube {
namespace {

std::optional<WatchEventType> event_type(std::string_view text) {
  if (text == "ADDED") return WatchEventType::kAdded;
  if (text == "MODIFIED") return WatchEventType::kModified;
  if (text == "DELETED") return WatchEventType::kDeleted;
  if (text == "BOOKMARK") return WatchEventType::kBookmark;
  if (text == "ERROR") return WatchEventType::kError;
  return std::nullopt;
}

// An ERROR event without a code is the server's own trouble.
constexpr int kErrorEventDefault = 500;

}  // namespace

WatchDecoder::WatchDecoder(std::function<bool(const WatchEvent&)> on_event, std::function<void()> on_unknown)
    : on_event_(std::move(on_event)),
      on_unknown_(std::move(on_unknown)),
      lines_([this](std::string_view text) { return line(text); }) {}

bool WatchDecoder::feed(std::string_view bytes) {
  if (error_) return false;
  if (lines_.feed(bytes)) return true;
  if (lines_.overflowed()) return fail(ErrorCode::kUnavailable, "an event is larger than any object can be");
  return false;
}

bool WatchDecoder::at_line_end() const { return trim(lines_.rest()).empty(); }

bool WatchDecoder::fail(ErrorCode code, std::string message) {
  error_ = make_error(code, std::move(message));
  return false;
}

bool WatchDecoder::line(std::string_view text) {
  if (trim(text).empty()) return true;
  auto event = parse_json(text);
  // No excerpt: the text may be that of a Secret.
  if (!event || !event->is_object()) return fail(ErrorCode::kUnavailable, "an event is no JSON object");
  const auto type = event_type(string_at(*event, "type"));
  if (!type) {
    // A newer server's event: not ours to understand, and no reason to lose the stream.
    on_unknown_();
    return true;
  }
  const Json* object = find(*event, "object");
  if (object == nullptr || !object->is_object()) return fail(ErrorCode::kUnavailable, "an event has no object");
  if (*type == WatchEventType::kError) {
    error_ = error_from_status(*object, kErrorEventDefault);
    return false;
  }
  return on_event_({.type = *type, .object = *object});
}

}  // namespace fracta::kube
