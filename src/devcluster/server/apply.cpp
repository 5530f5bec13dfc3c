#include "devcluster/server/apply.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "devcluster/server/managed_fields.hpp"
#include "devcluster/server/typed_value.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";
constexpr std::size_t kMostAnnotations = 256 * 1024;

struct Conflict {
  ManagerId id;
  std::string owner;
  FieldPath path;
};

Failure server_error(std::string message) { return {500, "", std::move(message), Json()}; }

Failure conflict_failure(const std::vector<Conflict>& conflicts) {
  Json causes = Json::array();
  for (const Conflict& conflict : conflicts) {
    causes.push_back({{"reason", "FieldManagerConflict"},
                      {"message", "conflict with " + conflict.owner},
                      {"field", path_text(conflict.path)}});
  }
  std::string message;
  if (conflicts.size() == 1) {
    message = fmt::format("Apply failed with 1 conflict: conflict with {}: {}", conflicts[0].owner,
                          path_text(conflicts[0].path));
  } else {
    std::vector<std::string> lines;
    std::string owner;
    for (const Conflict& conflict : conflicts) {
      if (conflict.owner != owner) lines.push_back(fmt::format("conflicts with {}:", conflict.owner));
      owner = conflict.owner;
      lines.push_back("- " + path_text(conflict.path));
    }
    message = fmt::format("Apply failed with {} conflicts: {}", conflicts.size(), join(lines, "\n"));
  }
  return {409, "Conflict", std::move(message), {{"causes", std::move(causes)}}};
}

// What the applier owned, does not mention any more, and nobody else owns, goes.
Json prune(const Json& merged, const Managers& managers, const FieldSet& last, const StructType& type) {
  if (last.empty()) return merged;
  const FieldSet last_named = with_named_parents(last, type);
  Json pruned = remove_fields(merged, last_named, type);
  FieldSet owned;
  for (const auto& [id, entry] : managers) owned = owned.united(entry.fields);
  const FieldSet merged_set = with_named_parents(fields_of(merged, type), type);
  const FieldSet kept = with_named_parents(fields_of(pruned, type), type).united(with_named_parents(owned, type));
  pruned = remove_fields(merged, merged_set.without(kept), type);
  // Only what was the applier's may have gone by now.
  const FieldSet gone = merged_set.without(with_named_parents(fields_of(pruned, type), type));
  return remove_fields(merged, gone.intersected(last_named), type);
}

class Apply {
 public:
  Apply(const Kind& kind, const ApplyRequest& request) : kind_(kind), type_(*kind.type), request_(request) {}

  Outcome<Applied> run(Json live, Managers managers, bool force) {
    const ManagerId self{"Apply", request_.manager, "", request_.subresource};
    drop_foreign_versions(managers, kind_);
    FieldSet last;
    if (const auto own = managers.find(self); own != managers.end()) last = own->second.fields;
    std::optional<std::string> time;
    if (const auto own = managers.find(self); own != managers.end()) time = own->second.time;
    const FieldSet reset = reset_fields(kind_, request_.subresource);
    managers[self] = {fields_of(*request_.config, type_).without_below(reset), kind_.api_version(), time};
    Json merged = prune(merge_applied(live, *request_.config, type_), managers, last, type_);
    auto change = compare_objects(live, merged, type_);
    if (!change) return server_error("failed to compare objects: " + change.error().message);
    for (FieldSet* set : {&change->added, &change->modified, &change->removed}) *set = set->without_below(reset);
    if (!force) {
      auto conflicts = conflicts_of(managers, self, *change);
      if (!conflicts.empty() && request_.manager == "kubectl") drop_client_side(live, conflicts);
      if (!conflicts.empty()) return conflict_failure(conflicts);
    }
    take_over(managers, *change, &self);
    ManagedEntry& own = managers[self];
    own.fields = own.fields.without(unowned_fields());
    own.api_version = kind_.api_version();
    if (change->same())
      merged = std::move(live);
    else
      own.time = request_.now;
    if (own.fields.empty()) managers.erase(self);
    return Applied{std::move(merged), std::move(managers)};
  }

 private:
  [[nodiscard]] std::vector<Conflict> conflicts_of(const Managers& managers, const ManagerId& self,
                                                   const Comparison& change) const {
    std::vector<Conflict> result;
    const FieldSet written = change.modified.united(change.added);
    for (const auto& [id, entry] : managers) {
      if (id == self) continue;
      const std::string owner = manager_text(id, entry);
      entry.fields.intersected(written).for_each([&](const FieldPath& path) { result.push_back({id, owner, path}); });
    }
    std::stable_sort(result.begin(), result.end(),
                     [](const Conflict& a, const Conflict& b) { return a.id.manager < b.id.manager; });
    return result;
  }

  // Fields that client-side apply set and nobody changed since are kubectl's own: its annotation says which.
  void drop_client_side(const Json& live, std::vector<Conflict>& conflicts) const {
    const Json* annotations = find_path(live, "metadata/annotations");
    const Json* text = annotations == nullptr ? nullptr : find(*annotations, kLastApplied);
    if (text == nullptr || !text->is_string()) return;
    const auto last = parse_json(text->get_ref<const std::string&>());
    if (!last || string_at(*last, "apiVersion") != kind_.api_version() || !type_errors(*last, type_).empty()) return;
    const auto change = compare_objects(*last, live, type_);
    if (!change) return;
    const FieldSet own =
        fields_of(*last, type_).without(change->modified).without(change->added).without(change->removed);
    std::erase_if(conflicts, [&](const Conflict& conflict) { return own.has_path(conflict.path); });
  }

  const Kind& kind_;
  const StructType& type_;
  const ApplyRequest& request_;
};

// kubectl keeps the annotation of client-side apply up to date where it is used.
void refresh_last_applied(Json& object, const Json& config) {
  const Json* annotations = find_path(object, "metadata/annotations");
  if (annotations == nullptr) return;
  const Json* present = find(*annotations, kLastApplied);
  if (present == nullptr || !present->is_string() || present->get_ref<const std::string&>().empty()) return;
  Json applied = config;
  if (Json* own = const_cast<Json*>(find_path(applied, "metadata/annotations")); own != nullptr && own->is_object()) {
    own->erase(kLastApplied);
    if (own->empty()) applied["metadata"].erase("annotations");
  }
  Json& target = object["metadata"]["annotations"];
  target[kLastApplied] = dump_json(applied) + "\n";
  std::size_t size = 0;
  for (const auto& [key, value] : target.items())
    size += key.size() + (value.is_string() ? value.get_ref<const std::string&>().size() : 0);
  if (size > kMostAnnotations) target.erase(kLastApplied);
}

std::string group_version_kind(const Json& object) {
  const std::string version = string_at(object, "apiVersion");
  const bool core = version.find('/') == std::string::npos;
  return fmt::format("{}{}, Kind={}", core ? "/" : "", version, string_at(object, "kind"));
}

}  // namespace

std::string described(const Json& object) {
  return fmt::format("{}/{}; {}", string_at(object, "metadata/namespace"), string_at(object, "metadata/name"),
                     group_version_kind(object));
}

Outcome<Applied> apply_config(const Kind& kind, const ApplyRequest& request) {
  const Json& config = *request.config;
  const std::string version = string_at(config, "apiVersion");
  if (version != kind.api_version()) {
    return bad_request(
        fmt::format("Incorrect version specified in apply patch. Specified patch version: {}, expected: {}", version,
                    kind.api_version()));
  }
  if (const Json* list = find_path(config, "metadata/managedFields"); list != nullptr && !list->is_null())
    return bad_request("metadata.managedFields must be nil");
  const auto untyped = [&](const std::string& why) {
    return server_error(fmt::format("failed to create typed patch object ({}): {}", described(config), why));
  };
  if (string_at(config, "kind") != kind.kind)
    return untyped(fmt::format("no corresponding type for {}", group_version_kind(config)));
  if (const std::string why = type_errors(config, *kind.type); !why.empty()) return untyped(why);

  Json live = request.live == nullptr ? empty_object(kind) : *request.live;
  Managers managers;
  if (auto decoded = decode_managers(find_path(live, "metadata/managedFields"))) managers = std::move(*decoded);
  const std::string live_errors = type_errors(live, *kind.type);
  if (managers.empty() && request.live != nullptr) {
    // Nobody was noted so far: all there is belongs to whoever came before.
    if (!live_errors.empty()) {
      return server_error(fmt::format(
          "failed to create manager for existing fields: failed to convert new object ({}) to smd typed: {}",
          described(live), live_errors));
    }
    live["metadata"].erase("managedFields");
    static_cast<void>(
        note_update(managers, kind, empty_object(kind), live, "before-first-apply", request.subresource, request.now));
  }
  if (!live_errors.empty())
    return server_error(fmt::format("failed to create typed live object ({}): {}", described(live), live_errors));
  live["metadata"].erase("managedFields");
  auto applied = Apply(kind, request).run(std::move(live), std::move(managers), request.force);
  if (applied.ok() && request.manager == "kubectl") refresh_last_applied(applied->object, config);
  return applied;
}

}  // namespace fracta::devcluster
