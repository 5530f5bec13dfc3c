// The list + watch loop. Rules and numbers: client-go tools/cache/reflector.go (see the header).
#include "fracta/kube/reflector.hpp"

#include <atomic>
#include <utility>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"
#include "kube/reflector_metrics.hpp"

namespace fracta::kube {
namespace {

// A list of a large cluster through a busy server takes longer than a single object.
constexpr std::chrono::milliseconds kListTimeout{60'000};
// client-go: a watch that ends sooner and without an event was no watch.
constexpr std::chrono::seconds kShortWatch{1};
// client-go: after so long without a failure the next one is the first again.
constexpr std::chrono::minutes kHealthy{2};
// What the server may be late with ending a watch; a dead connection is noticed by TCP keep-alive long before.
constexpr std::chrono::seconds kWatchGrace{30};

bool too_large_version(const Error& error) {
  for (const auto& cause : error.causes) {
    if (cause.reason == "ResourceVersionTooLarge") return true;
  }
  return false;
}

// The version asked for is not there (any more, or yet): only a list of the newest state helps.
bool version_unavailable(const Error& error) { return error.code == ErrorCode::kGone || too_large_version(error); }

// The server is away or busy: nothing is known to be lost, so the version is kept and no list is added to its load.
bool keeps_version(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kDeadlineExceeded ||
         error.http_status == 429;
}

}  // namespace

std::string object_key(const Json& object) {
  return string_at(object, "metadata/namespace") + "/" + string_at(object, "metadata/name");
}

class ReflectorLoop::Impl {
 public:
  Impl(Client& client, const Clock& clock, ReflectorOptions options, Sink sink)
      : client_(client),
        clock_(clock),
        options_(std::move(options)),
        sink_(std::move(sink)),
        metrics_(options_.metrics, options_.name),
        backoff_(options_.backoff),
        last_contact_(clock_.steady_now().time_since_epoch().count()) {}
  ~Impl() { stop(); }

  void start() {
    if (thread_.joinable()) return;
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  void stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
  }

  [[nodiscard]] bool synced() const {
    std::lock_guard lock(mutex_);
    return synced_;
  }

  bool wait_until_synced(std::chrono::milliseconds timeout, const std::stop_token& stop) const {
    std::unique_lock lock(mutex_);
    return synced_changed_.wait_for(lock, stop, timeout, [this] { return synced_; });
  }

  [[nodiscard]] std::chrono::milliseconds since_last_contact() const {
    const SteadyTime last{SteadyTime::duration(last_contact_.load(std::memory_order_relaxed))};
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady_now() - last);
  }

  [[nodiscard]] std::string last_error() const {
    std::lock_guard lock(mutex_);
    return last_error_;
  }

 private:
  enum class Next { kWatch, kWaitAndWatch, kList, kWaitAndList };
  struct Watched {
    bool opened = false;  // the server accepted it
    std::size_t events = 0;
    bool brief = false;  // it lasted less than kShortWatch
  };

  void run(const std::stop_token& stop) {
    Next next = Next::kList;
    while (!stop.stop_requested()) {
      if (next == Next::kWaitAndWatch || next == Next::kWaitAndList) {
        if (!wait(stop)) return;
      }
      next = next == Next::kList || next == Next::kWaitAndList ? list(stop) : watch(stop);
    }
  }

  bool wait(const std::stop_token& stop) {
    const auto now = clock_.steady_now();
    if (now - last_failure_ > kHealthy) backoff_.reset();
    last_failure_ = now;
    const auto delay = backoff_.next();
    return options_.sleep ? options_.sleep(stop, delay) : wait_for(stop, delay);
  }

  Next list(const std::stop_token& stop) {
    std::vector<std::string> keys;
    ListOptions request;
    request.label_selector = options_.label_selector;
    // "0" may be answered from the server's cache; a version seen later asks for a state not older than that.
    request.resource_version = version_unavailable_ ? "" : version_.empty() ? "0" : version_;
    request.on_restart = [&keys] { keys.clear(); };
    request.call = {.timeout = kListTimeout, .stop = stop};
    auto version = client_.list(options_.resource, options_.ns, request, [&](const Json& object) {
      keys.push_back(object_key(object));
      sink_.upsert(object);
    });
    if (stop.stop_requested()) return Next::kWaitAndList;
    metrics_.listed(version.ok());
    if (!version) {
      const bool newest = std::exchange(version_unavailable_, version_unavailable(version.error()));
      report("list failed", version.error());
      // At once, but only the first time: a server that refuses the newest state too gets a rest.
      return version_unavailable_ && !newest ? Next::kList : Next::kWaitAndList;
    }
    sink_.retain_only(keys);
    version_unavailable_ = false;
    version_ = std::move(*version);
    contact();
    mark_synced();
    return Next::kWatch;
  }

  Next watch(const std::stop_token& stop) {
    WatchOptions request;
    request.label_selector = options_.label_selector;
    request.resource_version = version_;
    request.timeout = std::chrono::seconds(
        static_cast<std::int64_t>(static_cast<double>(options_.minimum_watch.count()) * (1.0 + random_fraction())));
    request.idle_timeout = request.timeout + kWatchGrace;
    request.stop = stop;
    const auto start = clock_.steady_now();
    Watched seen;
    request.on_open = [&] {
      seen.opened = true;
      contact();
    };
    auto ended = client_.watch(options_.resource, options_.ns, request, [&](const WatchEvent& event) {
      ++seen.events;
      take(event);
      return !stop.stop_requested();
    });
    if (stop.stop_requested()) return Next::kWaitAndList;
    seen.brief = clock_.steady_now() - start < kShortWatch;
    metrics_.watched(seen.brief && seen.events == 0);
    return after_watch(ended, seen);
  }

  Next after_watch(const Result<void>& ended, const Watched& seen) {
    if (ended) {
      if (!seen.brief) return Next::kWatch;
      if (seen.events > 0) return Next::kWaitAndWatch;  // or a server that ends each watch would keep us spinning
      report("watch ended at once",
             make_error(ErrorCode::kUnavailable, "a watch ended within a second and without an event"));
      return Next::kWaitAndList;
    }
    const auto& error = ended.error();
    if (version_unavailable(error)) {
      // At once unless this is what the last list led to: list, 410, list, 410 would be a busy loop.
      log::info("kube", "watch expired, listing again", {{"reflector", options_.name}, {"error", error.message}});
      version_unavailable_ = true;
      const bool before = std::exchange(expired_, seen.events == 0);
      return before && seen.events == 0 ? Next::kWaitAndList : Next::kList;
    }
    report("watch failed", error);
    if (!keeps_version(error)) return Next::kWaitAndList;
    return seen.brief || !seen.opened ? Next::kWaitAndWatch : Next::kWatch;
  }

  void take(const WatchEvent& event) {
    switch (event.type) {
      case WatchEventType::kAdded:
      case WatchEventType::kModified:
        sink_.upsert(event.object);
        break;
      case WatchEventType::kDeleted:
        sink_.erase(event.object);
        break;
      case WatchEventType::kBookmark:
      case WatchEventType::kError:  // the client turns these into the watch's error
        break;
    }
    if (auto version = string_at(event.object, "metadata/resourceVersion"); !version.empty())
      version_ = std::move(version);
    expired_ = false;
    contact();
  }

  void contact() {
    last_contact_.store(clock_.steady_now().time_since_epoch().count(), std::memory_order_relaxed);
    metrics_.contact(clock_.system_now());
    std::lock_guard lock(mutex_);
    last_error_.clear();
  }

  void report(std::string_view what, const Error& error) {
    {
      std::lock_guard lock(mutex_);
      last_error_ = error.message;
    }
    log::warn("kube", what, {{"reflector", options_.name}, {"code", to_string(error.code)}, {"error", error.message}});
  }

  void mark_synced() {
    std::lock_guard lock(mutex_);
    synced_ = true;
    synced_changed_.notify_all();
  }

  Client& client_;
  const Clock& clock_;
  const ReflectorOptions options_;
  const Sink sink_;
  ReflectorMetrics metrics_;

  // The loop's own; no other thread looks.
  Backoff backoff_;
  std::string version_;
  bool version_unavailable_ = false;
  bool expired_ = false;
  SteadyTime last_failure_{};

  std::atomic<SteadyTime::rep> last_contact_;
  mutable std::mutex mutex_;
  mutable std::condition_variable_any synced_changed_;
  bool synced_ = false;
  std::string last_error_;
  std::jthread thread_;  // last: it uses all of the above
};

ReflectorLoop::ReflectorLoop(Client& client, const Clock& clock, ReflectorOptions options, Sink sink)
    : impl_(std::make_unique<Impl>(client, clock, std::move(options), std::move(sink))) {}
ReflectorLoop::~ReflectorLoop() = default;
void ReflectorLoop::start() { impl_->start(); }
void ReflectorLoop::stop() { impl_->stop(); }
bool ReflectorLoop::synced() const { return impl_->synced(); }
bool ReflectorLoop::wait_until_synced(std::chrono::milliseconds timeout, const std::stop_token& stop) const {
  return impl_->wait_until_synced(timeout, stop);
}
std::chrono::milliseconds ReflectorLoop::since_last_contact() const { return impl_->since_last_contact(); }
std::string ReflectorLoop::last_error() const { return impl_->last_error(); }

}  // namespace fracta::kube
