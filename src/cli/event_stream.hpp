// Follows one of the daemon's event streams across breaks: reconnects with the last id after 1 s ... 30 s (with
// jitter). Only a stream that once worked is tried again: a wrong address should be told at once.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "cli/api_client.hpp"
#include "fracta/net/lines.hpp"

namespace fracta::cli {

struct FollowOptions {
  std::string target;  // "/api/v1/watch"
  std::string since;   // first Last-Event-ID; empty = none
  std::optional<std::chrono::steady_clock::time_point> deadline;
};

// Returns when `on_event` returns false (success), at the deadline (kDeadlineExceeded), when stopped (kCanceled) or for
// an answer that trying again cannot change (4xx).
Result<void> follow_events(ApiClient& client, const FollowOptions& options, Context& context,
                           const std::function<bool(const net::ServerSentEvent&)>& on_event);

}  // namespace fracta::cli
