#include "server/open_streams.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"

namespace fracta::server {

namespace {

bool is_final(const Error& error) {
  return error.code == ErrorCode::kUnauthenticated || error.code == ErrorCode::kForbidden ||
         error.code == ErrorCode::kInvalid;
}

// The stream as the handler sees it: over as soon as `ended` says so, although the client is still there.
class Supervised final : public net::ResponseStream {
 public:
  Supervised(net::ResponseStream& out, const std::stop_token& ended)
      : out_(out), ended_(ended), stop_(out.stop(), ended) {}
  bool write(std::string_view bytes) override {
    if (ended_.stop_requested()) return false;
    if (!bytes.empty()) in_line_ = bytes.back() != '\n';
    return out_.write(bytes);
  }
  [[nodiscard]] std::stop_token stop() const override { return stop_.token(); }
  [[nodiscard]] bool in_line() const { return in_line_; }

 private:
  net::ResponseStream& out_;
  const std::stop_token ended_;
  StopEither stop_;
  bool in_line_ = false;
};

std::string farewell(const Error& why, bool events, bool in_line) {
  const int status = why.code == ErrorCode::kForbidden ? 403 : why.code == ErrorCode::kInvalid ? 400 : 401;
  const std::string text = shorten(why.message, 500);
  if (events) return "event: error\ndata: " + dump_json({{"error", text}, {"status", status}}) + "\n\n";
  return std::string(in_line ? "\n" : "") + "[fracta] the stream ends here: " + text + "\n";
}

}  // namespace

struct OpenStreams::Entry {
  std::string caller;
  Look look;
  std::stop_source ended;
  std::mutex mutex;
  std::optional<Error> why;

  void end(const Error& error) {
    {
      const std::lock_guard lock(mutex);
      why = error;
    }
    ended.request_stop();
  }
  std::optional<Error> reason() {
    const std::lock_guard lock(mutex);
    return why;
  }
};

class OpenStreams::Running {
 public:
  explicit Running(OpenStreams& streams) : streams_(streams) { add(1); }
  ~Running() { add(-1); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  void add(int by) {
    const std::lock_guard lock(streams_.mutex_);
    streams_.running_ += by;
    streams_.changed_.notify_all();
  }
  OpenStreams& streams_;
};

OpenStreams::~OpenStreams() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

Result<void> OpenStreams::enter(const std::shared_ptr<Entry>& entry) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [](const auto& known) { return known.expired(); });
  const auto of_caller = std::count_if(entries_.begin(), entries_.end(), [&](const auto& known) {
    const auto other = known.lock();
    return other && other->caller == entry->caller;
  });
  if (!entry->caller.empty() && static_cast<std::size_t>(of_caller) >= limits_.per_caller) {
    auto error = make_error(ErrorCode::kResourceExhausted, "this identity has " + std::to_string(of_caller) +
                                                               " watches and followed logs open; end one first");
    error.reason = "TooManyRequests";
    error.retry_after = std::chrono::milliseconds{5'000};
    return error;
  }
  entries_.push_back(entry);
  if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { look_after(stop); });
  return {};
}

Result<void> OpenStreams::watch_over(net::ServerResponse& answer, const std::string& caller, Look look) {
  auto entry = std::make_shared<Entry>();
  entry->caller = caller;
  entry->look = std::move(look);
  FRACTA_TRY(enter(entry));
  const bool events = answer.headers.get("Content-Type").value_or("").starts_with("text/event-stream");
  answer.stream = [this, entry, events, inner = std::move(answer.stream)](net::ResponseStream& out) {
    const Running running(*this);
    Supervised supervised(out, entry->ended.get_token());
    inner(supervised);
    if (const auto why = entry->reason()) out.write(farewell(*why, events, supervised.in_line()));
  };
  return {};
}

bool OpenStreams::wait_until_none(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return running_ == 0; });
}

std::vector<std::shared_ptr<OpenStreams::Entry>> OpenStreams::alive() {
  std::vector<std::shared_ptr<Entry>> all;
  const std::lock_guard lock(mutex_);
  for (const auto& known : entries_)
    if (auto entry = known.lock()) all.push_back(std::move(entry));
  return all;
}

void OpenStreams::look_after(const std::stop_token& stop) {
  while (wait_for(stop, limits_.look_every)) {
    for (const auto& entry : alive()) {
      if (stop.stop_requested()) return;
      if (!entry->look || entry->ended.stop_requested()) continue;
      const auto still = entry->look();
      if (still) continue;
      if (!is_final(still.error())) {
        // Whoever decides cannot be asked; each question more would wait for its time-out.
        log::warn("server", "whether open streams may still be read cannot be known now",
                  {{"error", still.error().message}});
        break;
      }
      log::info("server", "stream ended", {{"caller", shorten(entry->caller, 200)}, {"why", still.error().message}});
      entry->end(still.error());
    }
  }
}

}  // namespace fracta::server
