#include "devcluster/admission/quota.hpp"

#include <fmt/format.h>

#include <set>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

constexpr int kMaxAttempts = 50;  // another request may have charged the same quota in between

// Where a quota limits cpu or memory, every container has to say what it wants: "must specify limits.cpu for: a,b".
std::string unspecified(const ResourceList& limited, const Json& pod) {
  static const std::set<std::string, std::less<>> kChecked = {
      "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"};
  std::map<std::string, std::set<std::string>> missing;
  for (const auto& [name, quantity] : limited) {
    if (!kChecked.contains(name)) continue;
    const bool limit = name.starts_with("limits.");
    const std::string resource = name.substr(name.find('.') == std::string::npos ? 0 : name.find('.') + 1);
    const std::string path = std::string(limit ? "resources/limits/" : "resources/requests/") + resource;
    for (const char* list : {"spec/containers", "spec/initContainers"})
      if (const Json* containers = find_path(pod, list); containers != nullptr && containers->is_array())
        for (const Json& container : *containers)
          if (find_path(container, path) == nullptr) missing[name].insert(string_at(container, "name"));
  }
  std::vector<std::string> parts;
  for (const auto& [name, containers] : missing)
    parts.push_back(
        fmt::format("{} for: {}", name, join(std::vector<std::string>(containers.begin(), containers.end()), ",")));
  return parts.empty() ? "" : "must specify " + join(parts, "; ");
}

std::string names_of(const ResourceList& list) {
  std::vector<std::string> names;
  for (const auto& [name, quantity] : list) names.push_back(name);
  return join(names, ",");
}

// What the request adds, zeros left out.
ResourceList delta(const Kind& kind, const Json& object, const Json* old, SystemTime now) {
  ResourceList usage = quota_usage(kind, object, now);
  const ResourceList before = old == nullptr ? ResourceList() : quota_usage(kind, *old, now);
  for (auto entry = usage.begin(); entry != usage.end();) {
    if (const auto found = before.find(entry->first); found != before.end()) entry->second -= found->second;
    entry = entry->second.zero() || entry->second.negative() ? usage.erase(entry) : std::next(entry);
  }
  return usage;
}

ResourceList only(const ResourceList& list, const ResourceList& names) {
  ResourceList result;
  for (const auto& [name, quantity] : list)
    if (names.contains(name)) result.emplace(name, quantity);
  return result;
}

// The new status.used of one quota, or why the request is refused; nothing when the quota does not mind.
struct Verdict {
  std::string refusal;
  std::optional<ResourceList> used;
};
Verdict judge(const Json& quota, const Kind& kind, const Json& object, const ResourceList& added) {
  const std::string name = string_at(quota, "metadata/name");
  const ResourceList hard = resources_at(quota, "status/hard");
  if (!quota_covers(quota, hard, kind, object)) return {};
  const ResourceList limited = quota_resources(hard, kind);
  if (kind.plural == "pods")
    if (const std::string missing = unspecified(limited, object); !missing.empty())
      return {fmt::format("failed quota: {}: {}", name, missing), {}};
  ResourceList used = resources_at(quota, "status/used");
  if (only(limited, used).size() != limited.size())
    return {fmt::format("status unknown for quota: {}, resources: {}", name, names_of(limited)), {}};
  const ResourceList requested = only(added, hard);
  if (requested.empty()) return {};
  ResourceList exceeded;
  for (const auto& [resource, quantity] : requested) {
    Quantity sum = used.count(resource) != 0 ? used.at(resource) : Quantity::whole(0);
    sum += quantity;
    if (sum > hard.at(resource)) exceeded.emplace(resource, sum);
  }
  if (!exceeded.empty())
    return {fmt::format("exceeded quota: {}, requested: {}, used: {}, limited: {}", name,
                        resources_text(only(requested, exceeded)), resources_text(only(used, exceeded)),
                        resources_text(only(hard, exceeded))),
            {}};
  add_all(used, requested);
  return {"", std::move(used)};
}

}  // namespace

Outcome<Done> charge_quota(Store& store, const Clock& clock, const Kind& kind, std::string_view ns, const Json& object,
                           const Json* old, bool dry_run) {
  if (!kind.namespaced || kind.plural == "events") return Done{};
  if (old != nullptr && kind.plural != "services" && kind.plural != "persistentvolumeclaims") return Done{};
  const ResourceList added = delta(kind, object, old, clock.system_now());
  std::set<std::string> charged;
  for (int attempt = 1;; ++attempt) {
    const auto quotas = store.list("resourcequotas", std::string(ns) + "/");
    std::vector<std::pair<RecordPtr, ResourceList>> charges;
    for (const auto& [key, record] : quotas->records) {
      if (charged.contains(key)) continue;
      Verdict verdict = judge(record->object, kind, object, added);
      if (!verdict.refusal.empty()) return forbidden(kind, string_at(object, "metadata/name"), verdict.refusal);
      if (verdict.used) charges.emplace_back(record, std::move(*verdict.used));
    }
    if (dry_run) return Done{};
    bool raced = false;
    for (const auto& [record, used] : charges) {
      Json quota = record->object;
      quota["status"]["used"] = to_json(used);
      const std::string key = object_key(ns, string_at(quota, "metadata/name"));
      if (store.update("resourcequotas", key, record->version, std::move(quota)).error == StoreError::kConflict)
        raced = true;
      else
        charged.insert(key);
    }
    if (!raced) return Done{};
    if (attempt == kMaxAttempts) return internal_error("the quotas of the namespace change too fast");
  }
}

}  // namespace fracta::devcluster
