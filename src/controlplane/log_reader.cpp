#include "controlplane/log_reader.hpp"

#include <algorithm>

#include "fracta/agent/spec.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::controlplane {

namespace {

using std::chrono::milliseconds;

// Longest silence of a followed log before it is asked for again: an idle agent costs one request in five minutes, and
// a half-open connection is noticed.
constexpr milliseconds kFollowIdle{300'000};
constexpr std::size_t kMaxLine = 1u << 20;
constexpr const char* kInterrupted = "[fracta] log stream interrupted; lines may be missing\n";

// Whole lines out of whatever pieces arrive. A line that never ends is passed on in pieces of kMaxLine.
class Lines {
 public:
  explicit Lines(std::function<bool(std::string_view)> on_line) : on_line_(std::move(on_line)) {}
  bool feed(std::string_view bytes) {
    while (!bytes.empty()) {
      auto end = bytes.find('\n');
      buffer_.append(bytes.substr(0, end));
      bool whole = end != std::string_view::npos;
      if ((whole || buffer_.size() >= kMaxLine) && !flush()) return false;
      if (!whole) return true;
      bytes.remove_prefix(end + 1);
    }
    return true;
  }
  bool flush() { return on_line_(std::exchange(buffer_, {})); }
  [[nodiscard]] bool unfinished() const { return !buffer_.empty(); }

 private:
  std::function<bool(std::string_view)> on_line_;
  std::string buffer_;
};

Error no_pod(const AgentView& view) {
  return make_error(ErrorCode::kNotFound, view.stream()
                                              ? "no stream pod of agent \"" + view.name() + "\""
                                              : "runtime/k8s: no pods found for job " + agent::job_name(view.id));
}

Error not_found(const std::string& id) { return make_error(ErrorCode::kNotFound, "agent \"" + id + "\" not found"); }

const agent::ContainerState* container_of(const agent::PodSummary& pod, const std::string& name) {
  for (const auto& container : pod.containers)
    if (container.name == name) return &container;
  return nullptr;
}

bool ended(const agent::PodSummary& pod, const std::string& container) {
  const auto* state = container_of(pod, container);
  return pod.phase == "Succeeded" || pod.phase == "Failed" ||
         (state && state->kind == agent::ContainerState::Kind::kTerminated);
}

bool started(const agent::PodSummary& pod, const std::string& container) {
  const auto* state = container_of(pod, container);
  return state && state->kind != agent::ContainerState::Kind::kWaiting;
}

kube::LogOptions options_of(const LogQuery& query, const std::stop_token& stop, milliseconds timeout) {
  kube::LogOptions options;
  options.container = query.container;
  options.timestamps = query.timestamps;
  options.since_time = query.since_time;
  if (query.lines > 0) options.tail_lines = query.lines;
  options.call = {timeout, stop};
  return options;
}

}  // namespace

void LineResume::reconnected() {
  resuming_ = !last_.empty();
  skip_ = same_;
}

std::optional<LineResume::Passed> LineResume::take(std::string_view line) {
  auto space = line.find(' ');
  auto stamp = line.substr(0, std::min(space, line.size()));
  auto time = parse_rfc3339(stamp);
  // Not a log line but a word of the kubelet's own: passed on, and no place to resume from.
  if (!time) return Passed{{}, line, false};
  auto text = space == std::string_view::npos ? std::string_view{} : line.substr(space + 1);
  bool lost = false;
  if (resuming_) {
    auto known = parse_rfc3339(last_);
    if (*time < *known) return {};
    if (stamp == last_ && skip_ > 0) {
      --skip_;
      return {};
    }
    lost = skip_ == same_;  // the last known line did not come again
    resuming_ = false;
  }
  if (stamp == last_) {
    ++same_;
  } else {
    last_ = stamp;
    same_ = 1;
  }
  return Passed{stamp, text, lost};
}

LogReader::LogReader(kube::Client& client, const AgentCache& cache, EventSource& events, std::string ns,
                     milliseconds call_timeout)
    : client_(client), cache_(cache), events_(events), ns_(std::move(ns)), call_timeout_(call_timeout) {}

Result<void> LogReader::read(const std::string& id, const LogQuery& query, const Write& write,
                             const std::stop_token& stop) const {
  auto view = cache_.view(id);
  if (!view.exists()) return not_found(id);
  const auto* pod = view.newest_pod();
  if (!pod) return no_pod(view);
  bool reader_left = false;
  auto result = client_.pod_log(ns_, pod->name, options_of(query, stop, std::max(call_timeout_, milliseconds{30'000})),
                                [&](std::string_view bytes) {
                                  reader_left = !write(bytes);
                                  return !reader_left;
                                });
  if (!result && !reader_left) return result.error().with_context("runtime/k8s: fetching logs for pod " + pod->name);
  return {};
}

Result<void> LogReader::follow(const std::string& id, const LogQuery& query, const Write& write,
                               const std::stop_token& stop) const {
  Cursor cursor;
  Backoff backoff({milliseconds{500}, milliseconds{10'000}, 2.0, 0.5});
  bool last_round = false;
  while (!stop.stop_requested()) {
    auto ready = wait_for_start(id, query, stop);
    if (!ready) return cursor.resume.last().empty() ? Result<void>(ready.error()) : Result<void>();
    if (!*ready) return {};
    auto view = cache_.view(id);
    const auto* pod = view.newest_pod();
    if (!pod) return {};
    if (pod->name != cursor.pod) cursor = Cursor{pod->name, {}};  // a new pod of the same agent starts a new log
    bool was_over = ended(*pod, query.container);
    auto before = cursor.resume.last();
    auto result = stream(cursor, query, write, stop);
    if (!result && result.error().code == ErrorCode::kNotFound)
      return before.empty() ? Result<void>(result.error()) : Result<void>();
    if (!result && (result.error().code == ErrorCode::kForbidden || result.error().code == ErrorCode::kInvalid))
      return result.error();
    if (result && *result == Ended::kReader) return {};
    // The end of the stream means the end of the log only when the container had ended before the stream began.
    if (result && *result == Ended::kLog && (was_over || last_round)) return {};
    auto now = cache_.view(id);
    last_round = !now.exists() || (now.newest_pod() && ended(*now.newest_pod(), query.container));
    if (cursor.resume.last() != before) backoff.reset();
    if (!wait_for(stop, backoff.next())) return {};
  }
  return {};
}

Result<bool> LogReader::wait_for_start(const std::string& id, const LogQuery& query,
                                       const std::stop_token& stop) const {
  auto first = cache_.view(id);
  if (!first.exists()) return not_found(id);
  auto subscription = events_.subscribe(first.name(), "");
  while (true) {
    auto view = cache_.view(id);
    if (!view.exists()) return false;
    const auto* pod = view.newest_pod();
    if (pod && (started(*pod, query.container) || ended(*pod, query.container))) return true;
    bool over = view.job && (view.job->complete || view.job->failed);
    if (!pod && over) return no_pod(view);
    // An event ends the wait early; the second is for what makes none.
    auto item = subscription->next(std::chrono::seconds{1}, stop);
    if (item.kind == Subscription::Kind::kClosed) return false;
  }
}

Result<LogReader::Ended> LogReader::stream(Cursor& cursor, const LogQuery& query, const Write& write,
                                           const std::stop_token& stop) const {
  auto options = options_of(query, stop, kFollowIdle);
  options.follow = true;
  options.timestamps = true;
  if (!cursor.resume.last().empty()) {
    options.since_time = cursor.resume.last();
    options.tail_lines.reset();
    cursor.resume.reconnected();
  }
  bool reader_left = false;
  std::string out;  // the lines of one read go out in one write
  Lines lines([&](std::string_view line) {
    auto passed = cursor.resume.take(line);
    if (!passed) return true;
    if (passed->lost_before) out += kInterrupted;
    if (query.timestamps && !passed->timestamp.empty()) out.append(passed->timestamp).append(" ");
    out.append(passed->text).append("\n");
    return true;
  });
  auto send = [&] {
    if (!out.empty()) reader_left = !write(std::exchange(out, {}));
    return !reader_left;
  };
  auto result =
      client_.pod_log(ns_, cursor.pod, options, [&](std::string_view bytes) { return lines.feed(bytes) && send(); });
  if (reader_left || stop.stop_requested()) return Ended::kReader;
  if (result && lines.unfinished() && lines.flush()) send();
  if (reader_left) return Ended::kReader;
  if (result) return Ended::kLog;
  if (result.error().code == ErrorCode::kUnavailable || result.error().code == ErrorCode::kDeadlineExceeded)
    return Ended::kBroken;
  return result.error();
}

}  // namespace fracta::controlplane
