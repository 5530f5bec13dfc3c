#include "devcluster/faults/fault_book.hpp"

#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

constexpr std::size_t kMostFaults = 1000;

std::int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

FaultBook::FaultBook(FaultHooks hooks)
    : hooks_(std::move(hooks)), healer_([this](const std::stop_token& stop) { heal(stop); }) {}

void FaultBook::stop() {
  stop_.request_stop();
  healer_.request_stop();
  if (healer_.joinable()) healer_.join();
  const std::lock_guard lock(settling_);
  no_more_hooks_ = true;
}

Result<std::vector<std::string>> FaultBook::add(const Json& source) {
  const Json* list = source.is_object() ? find(source, "faults") : nullptr;
  const Json sources = list != nullptr ? *list : source.is_array() ? source : Json::array({source});
  if (!sources.is_array()) return make_error(ErrorCode::kInvalid, "faults must be a list");
  std::vector<Fault> faults;
  for (const Json& item : sources) {
    auto fault = parse_fault(item);
    if (!fault) return fault.error();
    faults.push_back(std::move(*fault));
  }
  std::vector<std::string> ids;
  {
    const std::lock_guard lock(mutex_);
    if (entries_.size() + faults.size() > kMostFaults)
      return make_error(ErrorCode::kResourceExhausted, "too many faults");
    for (Fault& fault : faults) {
      Entry entry;
      entry.made = std::chrono::steady_clock::now();
      entry.made_at = unix_now();
      entry.fault = fault;
      entry.fault.id = std::to_string(next_);
      ids.push_back(entry.fault.id);
      entries_.emplace(next_++, std::move(entry));
    }
    size_ = entries_.size();
  }
  changed_.notify_all();
  if (auto settled = settle(); !settled) {
    for (const std::string& id : ids) remove(id);
    return settled.error();
  }
  for (const Fault& fault : faults)
    if (fault.refuse && hooks_.refuse_connections) hooks_.refuse_connections(*fault.refuse);
  return ids;
}

bool FaultBook::over(const Entry& entry) {
  if (entry.fault.count && entry.hits >= *entry.fault.count) return true;
  return entry.fault.lasts && std::chrono::steady_clock::now() - entry.made >= *entry.fault.lasts;
}

Json FaultBook::list() const {
  const std::lock_guard lock(mutex_);
  Json items = Json::array();
  for (const auto& [number, entry] : entries_) {
    items.push_back(
        {{"id", entry.fault.id}, {"hits", entry.hits}, {"over", over(entry)}, {"fault", entry.fault.source}});
  }
  return {{"faults", std::move(items)}};
}

bool FaultBook::remove(const std::string& id) {
  const auto number = parse_int(id);
  if (!number || *number < 0) return false;
  {
    const std::lock_guard lock(mutex_);
    if (entries_.erase(static_cast<std::uint64_t>(*number)) == 0) return false;
    size_ = entries_.size();
  }
  static_cast<void>(settle());  // the right certificate cannot fail where another did not
  return true;
}

void FaultBook::clear() {
  {
    const std::lock_guard lock(mutex_);
    entries_.clear();
    size_ = 0;
  }
  static_cast<void>(settle());
}

std::vector<Fault> FaultBook::take(const FaultSubject& subject) {
  std::vector<Fault> taken;
  const std::lock_guard lock(mutex_);
  for (auto& [id, entry] : entries_) {
    const Fault& fault = entry.fault;
    const bool about_requests = fault.latency.count() > 0 || fault.status != 0 || !fault.connection.empty() ||
                                fault.slow_bytes != 0 || !fault.watch.empty() || fault.stale != 0;
    if (!about_requests || over(entry) || !fault.match.meets(subject)) continue;
    if (!fault.watch.empty() && subject.verb != "watch") continue;
    if (fault.stale != 0 && subject.verb != "get" && subject.verb != "list") continue;
    if (entry.seen++ < fault.skip) continue;
    if (fault.probability < 1 && random_fraction() >= fault.probability) continue;
    ++entry.hits;
    taken.push_back(fault);
  }
  return taken;
}

bool FaultBook::revoked(const std::string& user, std::int64_t issued) const {
  FaultSubject subject;
  subject.user = user;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, entry] : entries_) {
    FaultMatch match;
    match.user = entry.fault.match.user;
    if (entry.fault.revoke && !over(entry) && match.meets(subject) && issued <= entry.made_at) return true;
  }
  return false;
}

FaultBook::ClusterState FaultBook::wanted() const {
  ClusterState state;
  const std::lock_guard lock(mutex_);
  for (const auto& [number, entry] : entries_) {
    if (over(entry)) continue;
    const Fault& fault = entry.fault;
    if (fault.clock_skew) state.clock_skew = *fault.clock_skew;
    if (!fault.certificate.empty()) {
      state.certificate = fault.certificate;
      state.certificate_by = fault.id;
    }
    if (fault.node == "lost") state.node_lost = true;
    if (fault.node == "disk-full") state.disk_full = true;
  }
  return state;
}

// Makes the cluster what the faults in force want it to be.
Result<void> FaultBook::settle() {
  const std::lock_guard lock(settling_);
  if (no_more_hooks_) return {};
  const ClusterState state = wanted();
  if (state.clock_skew != applied_.clock_skew && hooks_.set_clock_skew) hooks_.set_clock_skew(state.clock_skew);
  if (state.node_lost != applied_.node_lost && hooks_.set_node_lost) hooks_.set_node_lost(state.node_lost);
  if (state.disk_full != applied_.disk_full && hooks_.set_disk_full) hooks_.set_disk_full(state.disk_full);
  const bool other_certificate = state.certificate_by != applied_.certificate_by;
  const std::string certificate = applied_.certificate, by = applied_.certificate_by;
  applied_ = state;
  if (!other_certificate || !hooks_.set_certificate) return {};
  auto changed = hooks_.set_certificate(state.certificate);
  if (!changed) {
    applied_.certificate = certificate;
    applied_.certificate_by = by;
  }
  return changed;
}

std::optional<FaultBook::SteadyPoint> FaultBook::next_end() const {
  std::optional<SteadyPoint> next;
  for (const auto& [number, entry] : entries_) {
    if (!entry.fault.lasts || over(entry)) continue;
    const SteadyPoint end = entry.made + *entry.fault.lasts;
    if (!next || end < *next) next = end;
  }
  return next;
}

// Whenever the time of a fault is over the cluster is looked at again.
void FaultBook::heal(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      const auto end = next_end();
      const std::uint64_t seen = next_;
      const auto more = [&] { return next_ != seen; };
      if (!end) {
        changed_.wait(lock, stop, more);
        continue;
      }
      if (changed_.wait_until(lock, stop, *end, more) || stop.stop_requested()) continue;
    }
    static_cast<void>(settle());
  }
}

}  // namespace fracta::devcluster
