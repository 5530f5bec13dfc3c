#include "controlplane/admission.hpp"

namespace fracta::controlplane {

namespace {
constexpr std::chrono::seconds kKeepUnseen{60};
constexpr std::chrono::milliseconds kRetryAfter{5'000};
}  // namespace

Admission::Admission(const Clock& clock, int limit, std::function<std::set<std::string>()> unfinished,
                     std::function<bool(const std::string&)> visible)
    : clock_(clock), limit_(limit), unfinished_(std::move(unfinished)), visible_(std::move(visible)) {}

Admission::Reservation::Reservation(Reservation&& other) noexcept
    : admission_(std::exchange(other.admission_, nullptr)), id_(std::move(other.id_)), committed_(other.committed_) {}

Admission::Reservation::~Reservation() {
  if (admission_) admission_->release(id_, committed_);
}

Result<Admission::Reservation> Admission::reserve(const std::string& id, std::chrono::milliseconds timeout,
                                                  const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!released_.wait_for(lock, stop, timeout, [&] { return !running_.contains(id); })) {
    if (stop.stop_requested()) return make_error(ErrorCode::kCanceled, "shutting down");
    return make_error(ErrorCode::kDeadlineExceeded, "another spawn of the same name has not ended yet; try again");
  }
  if (limit_ > 0) {
    auto active = unfinished_();
    forget_stale();
    for (const auto& [committed, at] : committed_) active.insert(committed);
    active.insert(running_.begin(), running_.end());
    active.erase(id);  // repeating a spawn takes no second place
    if (active.size() >= static_cast<std::size_t>(limit_)) {
      auto error =
          make_error(ErrorCode::kResourceExhausted, "max concurrent agents (" + std::to_string(limit_) + ") reached");
      error.reason = "MaxConcurrentReached";
      error.retry_after = kRetryAfter;
      return error;
    }
  }
  running_.insert(id);
  return Reservation(*this, id);
}

bool Admission::in_flight(const std::string& id) const {
  std::lock_guard lock(mutex_);
  return running_.contains(id);
}

void Admission::wait_until_seen(const std::string& id, std::chrono::milliseconds timeout) {
  const auto asked = clock_.steady_now();
  std::unique_lock lock(mutex_);
  seen_.wait_for(lock, timeout, [&] {
    for (const auto& [committed, at] : committed_) {
      const bool wanted = id.empty() || committed == id;
      if (wanted && at <= asked && asked - at <= timeout) return false;
    }
    return true;
  });
}

void Admission::seen(const std::string& id) {
  std::lock_guard lock(mutex_);
  if (committed_.erase(id) > 0) seen_.notify_all();
}

void Admission::release(const std::string& id, bool committed) {
  bool shown = visible_(id);
  std::lock_guard lock(mutex_);
  running_.erase(id);
  forget_stale();
  if (committed && !shown) committed_[id] = clock_.steady_now();
  released_.notify_all();
}

void Admission::forget_stale() {
  auto now = clock_.steady_now();
  for (auto it = committed_.begin(); it != committed_.end();)
    it = now - it->second > kKeepUnseen ? committed_.erase(it) : std::next(it);
}

}  // namespace fracta::controlplane
