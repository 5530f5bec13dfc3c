#include "cli/event_stream.hpp"

#include <fmt/format.h>

#include <ostream>
#include <thread>

#include "fracta/base/stop.hpp"

namespace fracta::cli {
namespace {

// The daemon sends a heartbeat every 15 s by default; this leaves room for a slower setting.
constexpr std::chrono::milliseconds kIdle{90'000};

bool worth_another_try(const Error& error) {
  if (error.http_status != 0) return error.http_status == 429 || error.http_status >= 500;
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kDeadlineExceeded;
}

using Deadline = std::optional<std::chrono::steady_clock::time_point>;

// Fires at the deadline or when `outer` does.
class DeadlineStop {
 public:
  DeadlineStop(const std::stop_token& outer, const Deadline& deadline) : either_(outer, timer_.get_token()) {
    if (!deadline) return;
    thread_ = std::jthread([this, left = *deadline - std::chrono::steady_clock::now()](const std::stop_token& ended) {
      if (wait_for(ended, left)) timer_.request_stop();
    });
  }
  [[nodiscard]] std::stop_token token() const { return either_.token(); }
  [[nodiscard]] bool passed() const { return timer_.stop_requested(); }

 private:
  std::stop_source timer_;
  StopEither either_;
  std::jthread thread_;
};

}  // namespace

Result<void> follow_events(ApiClient& client, const FollowOptions& options, Context& context,
                           const std::function<bool(const net::ServerSentEvent&)>& on_event) {
  std::string last = options.since;
  Backoff backoff(
      {.initial = context.reconnect_first, .maximum = context.reconnect_last, .factor = 2.0, .jitter = 0.2});
  DeadlineStop stop(context.stop, options.deadline);
  bool connected_once = false;
  while (true) {
    if (stop.passed()) return make_error(ErrorCode::kDeadlineExceeded, "timed out");
    if (context.stop.stop_requested()) return make_error(ErrorCode::kCanceled, "stopped");
    bool finished = false;
    net::SseReader reader([&](const net::ServerSentEvent& event) {
      connected_once = true;
      backoff.reset();
      if (!event.id.empty()) last = event.id;
      finished = !on_event(event);
      return !finished;
    });
    net::Headers headers;
    if (!last.empty()) headers.set("Last-Event-ID", last);
    const auto result = client.stream(options.target, headers, kIdle, stop.token(),
                                      [&](std::string_view bytes) { return reader.feed(bytes); });
    if (finished) return {};
    if (stop.token().stop_requested()) continue;
    if (!result && (!worth_another_try(result.error()) || !connected_once)) return result.error();
    const auto delay = backoff.next();
    if (!result)
      context.err << "connection lost, trying again in "
                  << fmt::format("{:.1f}", std::chrono::duration<double>(delay).count()) << " s\n";
    wait_for(stop.token(), delay);
  }
}

}  // namespace fracta::cli
