#include "devcluster/server/managed_fields.hpp"

#include <algorithm>

#include "devcluster/schema/decode.hpp"
#include "devcluster/server/typed_value.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {

namespace {

constexpr std::size_t kMostUpdaters = 10;
constexpr const char* kBucket = "ancient-changes";

bool asks_for_reset(const Json* list) {
  return list != nullptr && list->is_array() && (list->empty() || (list->size() == 1 && (*list)[0].empty()));
}

// The oldest updaters are merged until ten remain.
void cap_updaters(Managers& managers) {
  std::vector<ManagerId> updaters;
  for (const auto& [id, entry] : managers) {
    if (id.operation == "Update") updaters.push_back(id);
  }
  std::size_t count = updaters.size();
  if (count <= kMostUpdaters) return;
  std::sort(updaters.begin(), updaters.end(), [&](const ManagerId& a, const ManagerId& b) {
    const std::string left = managers[a].time.value_or("");
    const std::string right = managers[b].time.value_or("");
    return left != right ? left < right : a < b;
  });
  std::map<std::string, ManagerId> first_of_version;
  for (const ManagerId& id : updaters) {
    if (count <= kMostUpdaters) return;
    const ManagerId bucket{"Update", kBucket, id.api_version, ""};
    const auto first = first_of_version.find(id.api_version);
    if (first == first_of_version.end()) {
      first_of_version.emplace(id.api_version, id);
      continue;
    }
    if (!managers.contains(bucket)) {
      managers[bucket] = managers[first->second];
      managers.erase(first->second);
    }
    ManagedEntry& target = managers[bucket];
    const ManagedEntry& merged = managers[id];
    target.fields = target.fields.united(merged.fields);
    target.time = merged.time;
    if (!(id == bucket)) managers.erase(id);
    --count;
  }
}

}  // namespace

Json empty_object(const Kind& kind) {
  Json object = {{"apiVersion", kind.api_version()}, {"kind", kind.kind}};
  normalise(object, *kind.type);
  return object;
}

std::string now_text(const Clock& clock) { return format_rfc3339(clock.system_now()); }

FieldSet reset_fields(const Kind& kind, std::string_view subresource) {
  FieldSet result;
  if (!kind.has_status) return result;
  if (subresource != "status") {
    result.insert_path({"status"});
    return result;
  }
  result.insert_path({"spec"});
  if (kind.plural == "pods") {
    result.insert_path({"metadata", "deletionTimestamp"});
    result.insert_path({"metadata", "ownerReferences"});
  } else if (kind.plural == "deployments") {
    result.insert_path({"metadata", "labels"});
  }
  return result;
}

const FieldSet& unowned_fields() {
  static const FieldSet set = [] {
    FieldSet result;
    for (const char* field : {"apiVersion", "kind", "metadata"}) result.insert_path({field});
    for (const char* field : {"name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation",
                              "managedFields", "resourceVersion"}) {
      result.insert_path({"metadata", field});
    }
    return result;
  }();
  return set;
}

void take_over(Managers& managers, const Comparison& change, const ManagerId* self) {
  const FieldSet written = change.modified.united(change.added);
  for (auto it = managers.begin(); it != managers.end();) {
    if (self == nullptr || !(it->first == *self))
      it->second.fields = it->second.fields.without(it->second.fields.intersected(written)).without(change.removed);
    it = it->second.fields.empty() ? managers.erase(it) : std::next(it);
  }
}

void drop_foreign_versions(Managers& managers, const Kind& kind) {
  for (auto it = managers.begin(); it != managers.end();)
    it = it->second.api_version != kind.api_version() ? managers.erase(it) : std::next(it);
}

Result<void> note_update(Managers& managers, const Kind& kind, const Json& before, const Json& after,
                         const std::string& manager, std::string_view subresource, const std::string& now) {
  drop_foreign_versions(managers, kind);
  auto change = compare_objects(before, after, *kind.type);
  if (!change) return change.error();
  const FieldSet reset = reset_fields(kind, subresource);
  if (!reset.empty()) {
    for (FieldSet* set : {&change->added, &change->modified, &change->removed}) *set = set->without_below(reset);
  }
  take_over(managers, *change, nullptr);
  FieldSet own = change->modified.united(change->added).without(change->removed).without(unowned_fields());
  if (own.empty()) return {};
  const ManagerId id{"Update", manager.empty() ? "unknown" : manager, kind.api_version(), std::string(subresource)};
  ManagedEntry& entry = managers[id];
  entry.fields = entry.fields.united(own);
  entry.api_version = kind.api_version();
  entry.time = now;
  cap_updaters(managers);
  return {};
}

void track_fields(const Kind& kind, Json& object, const Json* old, const WriteOptions& options,
                  std::string_view subresource, const Clock& clock) {
  Json& metadata = object["metadata"];
  const Json* before = old == nullptr ? nullptr : find_path(*old, "metadata/managedFields");
  Managers managers;
  const Json* given = find(metadata, "managedFields");
  if (!subresource.empty() || !asks_for_reset(given)) {
    auto decoded = decode_managers(subresource.empty() ? given : before);
    if (!decoded || decoded->empty()) decoded = decode_managers(before);
    if (decoded) managers = std::move(*decoded);
  }
  metadata.erase("managedFields");
  // Nobody ever applied this object, and its creator was not noted.
  if (managers.empty() && old != nullptr) return;
  const auto noted = note_update(managers, kind, old == nullptr ? empty_object(kind) : *old, object,
                                 options.field_manager, subresource, now_text(clock));
  if (!noted) return;
  if (Json list = encode_managers(managers); !list.is_null()) metadata["managedFields"] = std::move(list);
}

void keep_times(Json& object, const Json& old) {
  Json* list = object["metadata"].contains("managedFields") ? &object["metadata"]["managedFields"] : nullptr;
  const Json* before = find_path(old, "metadata/managedFields");
  if (list == nullptr || before == nullptr || list->size() != before->size() || *list == *before) return;
  Json candidate = *list;
  for (std::size_t i = 0; i < candidate.size(); ++i) {
    if (const Json* time = find((*before)[i], "time"))
      candidate[i]["time"] = *time;
    else
      candidate[i].erase("time");
  }
  if (candidate != *before) return;
  list->swap(candidate);
  if (object != old) list->swap(candidate);
}

}  // namespace fracta::devcluster
