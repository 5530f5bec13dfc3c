// The pod worker's half that holds containers to their limits (pkg/kubelet/eviction's localStorageEviction, and memory
// where there is no control group).
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "devcluster/node/pod_worker.hpp"
#include "devcluster/node/storage_usage.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/quantity.hpp"

namespace fracta::devcluster {
namespace {

using std::chrono::seconds;

constexpr seconds kStoragePeriod{1};  // a kubelet looks every ten

std::optional<Quantity> quantity_at(const Json& object, std::string_view path) {
  const Json* found = find_path(object, path);
  if (found == nullptr) return std::nullopt;
  auto parsed = Quantity::parse(found->is_string() ? found->get<std::string>() : dump_json(*found));
  if (!parsed || parsed->value() <= 0) return std::nullopt;
  return *parsed;
}

constexpr std::string_view kLimit = "resources/limits/ephemeral-storage";

Json list_at(const Json& object, std::string_view path) {
  const Json* found = find_path(object, path);
  return found != nullptr && found->is_array() ? *found : Json::array();
}

bool has_storage_limits(const Json& pod) {
  for (const auto& volume : list_at(pod, "spec/volumes"))
    if (find_path(volume, "emptyDir/sizeLimit") != nullptr) return true;
  for (const auto& container : list_at(pod, "spec/containers"))
    if (find_path(container, kLimit) != nullptr) return true;
  return false;
}

}  // namespace

void PodWorker::enforce_limits() {
  const auto now = context_.clock.steady_now();
  each([&](Container& c) {
    if (!c.run || !c.run->memory || !c.run->memory->join_file().empty()) return;
    c.run->memory->enforce(c.run->process.pid);
    wake_at(now + MemoryLimit::kPeriod);
  });
  if (terminal_ || !any_running() || !has_storage_limits(*pod_)) return;
  if (now >= storage_checked_ + kStoragePeriod) {
    storage_checked_ = now;
    if (const auto problem = storage_problem(); !problem.empty()) return evict(problem);
  }
  wake_at(storage_checked_ + kStoragePeriod);
}

// In a kubelet's order: volumes, the pod as a whole, single containers. Empty: all is well.
std::string PodWorker::storage_problem() {
  std::int64_t pod_used = 0;
  for (const auto& volume : list_at(*pod_, "spec/volumes")) {
    if (find(volume, "emptyDir") == nullptr) continue;
    const std::string name = string_at(volume, "name");
    const auto used = volumes_.usage(name);
    if (string_at(volume, "emptyDir/medium") != "Memory") pod_used += used;
    if (const auto limit = quantity_at(volume, "emptyDir/sizeLimit"); limit && used > limit->value())
      return fmt::format("Usage of EmptyDir volume \"{}\" exceeds the limit \"{}\". ", name, limit->canonical());
  }
  std::string over;
  std::optional<Quantity> total;
  each([&](Container& c) {
    if (c.init) return;
    const auto used =
        (c.run ? writable_layer_usage(c.run->process.pid) : 0) + (c.log ? directory_usage(c.log->path()) : 0);
    pod_used += used;
    const auto limit = quantity_at(c.spec, kLimit);
    if (!limit) return;
    if (total)
      *total += *limit;
    else
      total = limit;
    if (over.empty() && used > limit->value())
      over = fmt::format("Container {} exceeded its local ephemeral storage limit \"{}\". ", c.view.name,
                         limit->canonical());
  });
  if (total && pod_used > total->value())
    return fmt::format("Pod ephemeral local storage usage exceeds the total limit of containers {}. ",
                       total->canonical());
  return over;
}

void PodWorker::fail_pod(const char* reason, const std::string& message) {
  view_.phase_override = "Failed";
  view_.reason = reason;
  view_.message = message;
  dirty_ = terminal_ = true;
}

void PodWorker::evict_for_node(std::string message) {
  {
    const std::lock_guard lock(mutex_);
    eviction_ = std::move(message);
  }
  wake();
}

void PodWorker::evict(const std::string& message) {
  event("Warning", "Evicted", message);
  fail_pod("Evicted", message);
  each([&](Container& c) {
    if (c.run) stop_container(c, seconds{0}, fmt::format("Stopping container {}", c.view.name));
  });
}

}  // namespace fracta::devcluster
