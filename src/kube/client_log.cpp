// Logs of a pod, streamed.
#include <utility>

#include "kube/client_impl.hpp"

namespace fracta::kube {
namespace {

std::string log_query(const LogOptions& options) {
  net::QueryParameters query;
  if (!options.container.empty()) query.emplace_back("container", options.container);
  if (options.follow) query.emplace_back("follow", "true");
  if (options.previous) query.emplace_back("previous", "true");
  if (options.timestamps) query.emplace_back("timestamps", "true");
  if (options.tail_lines) query.emplace_back("tailLines", std::to_string(*options.tail_lines));
  if (options.limit_bytes) query.emplace_back("limitBytes", std::to_string(*options.limit_bytes));
  if (!options.since_time.empty()) query.emplace_back("sinceTime", options.since_time);
  return query.empty() ? "" : "?" + net::encode_query(query);
}

}  // namespace

Result<void> Client::pod_log(std::string_view ns, std::string_view pod, const LogOptions& options,
                             const std::function<bool(std::string_view)>& on_data) {
  FRACTA_TRY(check_place(kPods, ns, pod));
  const auto deadline = impl_->clock().steady_now() + options.call.timeout;
  bool late = false;
  auto request = impl_->request("GET", kPods.path(ns, pod) + "/log" + log_query(options));
  // The log itself is plain text; only its errors are JSON.
  request.headers.set("Accept", "application/json, */*");
  auto done = impl_->stream(std::move(request),
                            {.head_timeout = options.call.timeout,
                             .idle_timeout = options.call.timeout,
                             .stop = options.call.stop,
                             .on_open = {}},
                            [&](std::string_view bytes) {
                              late = !options.follow && impl_->clock().steady_now() > deadline;
                              return !late && on_data(bytes);
                            });
  if (late) return make_error(ErrorCode::kDeadlineExceeded, "the log did not end in time");
  if (!done && done.error().reason.empty())
    return done.error().with_context("reading the log of pod \"" + std::string(pod) + "\"");
  return done;
}

}  // namespace fracta::kube
