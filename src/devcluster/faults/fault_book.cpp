#include "devcluster/faults/fault_book.hpp"

#include "fracta/base/json.hpp"
#include "fracta/base/stop.hpp"

namespace fracta::devcluster {

namespace {

constexpr std::size_t kMostFaults = 1000;

std::int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

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
  for (Fault& fault : faults) {
    FRACTA_TRY(apply_to_cluster(fault));
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= kMostFaults) return make_error(ErrorCode::kResourceExhausted, "too many faults");
    fault.id = std::to_string(next_++);
    ids.push_back(fault.id);
    Entry entry;
    entry.made = std::chrono::steady_clock::now();
    entry.made_at = unix_now();
    entry.fault = std::move(fault);
    entries_.emplace(ids.back(), std::move(entry));
    size_ = entries_.size();
  }
  return ids;
}

bool FaultBook::over(const Entry& entry) {
  if (entry.fault.count && entry.hits >= *entry.fault.count) return true;
  return entry.fault.lasts && std::chrono::steady_clock::now() - entry.made >= *entry.fault.lasts;
}

Json FaultBook::list() const {
  const std::lock_guard lock(mutex_);
  Json items = Json::array();
  for (const auto& [id, entry] : entries_) {
    items.push_back({{"id", id}, {"hits", entry.hits}, {"over", over(entry)}, {"fault", entry.fault.source}});
  }
  return {{"faults", std::move(items)}};
}

bool FaultBook::remove(const std::string& id) {
  Fault fault;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return false;
    fault = std::move(found->second.fault);
    entries_.erase(found);
    size_ = entries_.size();
  }
  restore_cluster(fault);
  return true;
}

void FaultBook::clear() {
  std::map<std::string, Entry> gone;
  {
    const std::lock_guard lock(mutex_);
    gone.swap(entries_);
    size_ = 0;
  }
  for (const auto& [id, entry] : gone) restore_cluster(entry.fault);
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

Result<void> FaultBook::apply_to_cluster(const Fault& fault) {
  if (fault.refuse && hooks_.refuse_connections) hooks_.refuse_connections(*fault.refuse);
  if (fault.clock_skew && hooks_.set_clock_skew) hooks_.set_clock_skew(*fault.clock_skew);
  if (fault.node == "lost" && hooks_.set_node_lost) hooks_.set_node_lost(true);
  if (fault.node == "disk-full" && hooks_.set_disk_full) hooks_.set_disk_full(true);
  if (!fault.certificate.empty() && hooks_.set_certificate) return hooks_.set_certificate(fault.certificate);
  return {};
}

void FaultBook::restore_cluster(const Fault& fault) {
  if (fault.clock_skew && hooks_.set_clock_skew) hooks_.set_clock_skew(std::chrono::milliseconds(0));
  if (fault.node == "lost" && hooks_.set_node_lost) hooks_.set_node_lost(false);
  if (fault.node == "disk-full" && hooks_.set_disk_full) hooks_.set_disk_full(false);
  // A renewed certificate was a right one; the right one again cannot fail where another did not.
  if (!fault.certificate.empty() && hooks_.set_certificate) static_cast<void>(hooks_.set_certificate(""));
}

}  // namespace fracta::devcluster
