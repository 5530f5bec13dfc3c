#include "devcluster/server/registry.hpp"

#include <fmt/format.h>

#include "devcluster/auth/escalation.hpp"
#include "devcluster/schema/decode.hpp"
#include "devcluster/server/generated_name.hpp"
#include "devcluster/server/managed_fields.hpp"
#include "devcluster/server/stored_form.hpp"
#include "devcluster/server/strategy.hpp"
#include "devcluster/validation/pod_warnings.hpp"
#include "devcluster/validation/validation.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {

namespace {

constexpr int kMaxAttempts = 10;

bool has_finalizers(const Json& object) {
  const Json* finalizers = find_path(object, "metadata/finalizers");
  return finalizers != nullptr && !finalizers->empty();
}

// A namespace also waits for its spec.finalizers.
bool may_vanish(const Kind& kind, const Json& object) {
  if (has_finalizers(object)) return false;
  if (kind.plural != "namespaces") return true;
  const Json* finalizers = find_path(object, "spec/finalizers");
  return finalizers == nullptr || finalizers->empty();
}

bool set_finalizer(Json& object, const char* name, bool present) {
  Json list = Json::array();
  bool had = false;
  if (const Json* old = find_path(object, "metadata/finalizers"); old != nullptr) {
    for (const Json& item : *old) {
      if (item == name) {
        had = true;
        if (!present) continue;
      }
      list.push_back(item);
    }
  }
  if (present && !had) list.push_back(name);
  if (had == present) return false;
  if (list.empty()) {
    object["metadata"].erase("finalizers");
  } else {
    object["metadata"]["finalizers"] = std::move(list);
  }
  return true;
}

void keep(Json& metadata, const Json& old, const char* name) {
  if (old.contains(name)) {
    metadata[name] = old[name];
  } else {
    metadata.erase(name);
  }
}

// Only a deletion sets it.
Outcome<Done> check_deletion_time(const Kind& kind, std::string_view name, const Json& metadata, const Json& old) {
  const std::string wanted = string_at(metadata, "deletionTimestamp");
  if (wanted.empty() || wanted == string_at(old, "deletionTimestamp")) return Done{};
  FieldErrors errors;
  std::string shown = wanted.substr(0, 19) + " +0000 UTC";
  if (shown.size() > 10) shown[10] = ' ';
  for (int i = 0; i < 2; ++i) errors.invalid_text("metadata.deletionTimestamp", shown, "field is immutable");
  return errors.to_failure(kind, name);
}

// A name that is taken by an object on its way out is worth a word more.
Failure name_taken(const Kind& kind, std::string_view name, const RecordPtr& holder) {
  Failure failure = already_exists(kind, name);
  if (holder && find_path(holder->object, "metadata/deletionTimestamp") != nullptr)
    failure.message = "object is being deleted: " + failure.message;
  return failure;
}

}  // namespace

std::string object_key(std::string_view ns, std::string_view name) {
  return ns.empty() ? std::string(name) : fmt::format("{}/{}", ns, name);
}

Outcome<RecordPtr> Registry::get(const Kind& kind, std::string_view ns, std::string_view name) const {
  RecordPtr record = store_.get(kind.storage(), object_key(ns, name));
  if (!record) return not_found(kind, name);
  return record;
}

Outcome<RecordPtr> Registry::create(const Kind& asked, std::string_view ns, Json object, const WriteOptions& options) {
  if (!string_at(object, "metadata/resourceVersion").empty())
    return Failure{500, "", "resourceVersion should not be set on objects to be created", Json()};
  if (asked.namespaced) object["metadata"]["namespace"] = ns;
  if (!options.tracked) track_fields(asked, object, nullptr, options, "", clock_);
  object = to_stored_form(asked, std::move(object));
  const Kind& kind = stored_kind(asked);
  Json& metadata = object["metadata"];
  if (auto admitted = admit_create(*this, kind, ns, object); !admitted.ok()) return admitted.failure();

  for (const char* field : {"selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion"})
    metadata.erase(field);
  metadata["uid"] = random_uuid();
  metadata["creationTimestamp"] = format_rfc3339(clock_.system_now());
  if (options.asker != nullptr)
    if (auto held = check_escalation(store_, *options.asker, kind, ns, object, nullptr); !held.ok())
      return held.failure();
  const std::string base = string_at(metadata, "generateName");
  const bool generate = string_at(metadata, "name").empty() && !base.empty();
  if (generate) metadata["name"] = generated_name(base);
  prepare_create(kind, object);
  normalise(object, *kind.type);

  const std::string name = string_at(metadata, "name");
  FieldErrors errors;
  validate_create(asked, object, errors);
  if (!errors.empty()) return errors.to_failure(kind, name);
  if (options.warnings != nullptr) add_pod_warnings(kind, object, nullptr, *options.warnings);

  const std::string key = object_key(ns, name);
  // What exists already is refused after admission has spoken, but charges no quota.
  WriteOptions admission = options;
  const RecordPtr holder = store_.get(kind.resource(), key);
  admission.dry_run = options.dry_run || holder != nullptr;
  if (auto admitted = admit_valid(*this, kind, ns, object, nullptr, admission); !admitted.ok())
    return admitted.failure();
  if (holder) return name_taken(asked, name, holder);
  if (options.dry_run) return RecordPtr(std::make_shared<const Record>(std::move(object), 0));
  StoreResult stored = store_.create(kind.resource(), key, std::move(object));
  if (stored.error != StoreError::kNone) return name_taken(asked, name, stored.record);
  return stored.record;
}

Outcome<RecordPtr> Registry::update(const Kind& kind, std::string_view ns, std::string_view name,
                                    std::string_view subresource, const Transform& transform,
                                    const WriteOptions& options, bool retry) {
  const std::string key = object_key(ns, name);
  for (int attempt = 1;; ++attempt) {
    const RecordPtr current = store_.get(kind.storage(), key);
    if (!current) return not_found(kind, name);
    auto changed = is_view(kind) ? transform(from_stored_form(kind, current->object)) : transform(current->object);
    if (!changed.ok()) return changed.failure();
    Json& metadata = (*changed)["metadata"];

    const std::string asked = string_at(metadata, "resourceVersion");
    if (asked.empty() && !allows_unconditional_update(kind)) {
      FieldErrors errors;
      errors.invalid_text("metadata.resourceVersion", "0x0", "must be specified for an update");
      return errors.to_failure(stored_kind(kind), name);
    }
    if (!asked.empty() && !parse_int(asked))
      return Failure{500, "", fmt::format("strconv.ParseUint: parsing {}: invalid syntax", go_quote(asked)), Json()};
    if (!asked.empty() && asked != std::to_string(current->version)) return modified_conflict(kind, name);
    const std::string uid = string_at(metadata, "uid");
    const std::string current_uid = string_at(current->object, "metadata/uid");
    if (!uid.empty() && uid != current_uid && retry) {
      // Looked at twice by a real server, once for all kinds and once for this one.
      FieldErrors errors;
      for (int i = 0; i < 2; ++i) errors.invalid("metadata.uid", uid, "field is immutable");
      return errors.to_failure(stored_kind(kind), name);
    }
    if (!uid.empty() && uid != current_uid) {
      return conflict(kind, name,
                      fmt::format("StorageError: invalid object, Code: 4, Key: /registry/{}/{}, ResourceVersion: 0, "
                                  "AdditionalErrorMsg: Precondition failed: UID in precondition: {}, UID in object "
                                  "meta: {}",
                                  kind.plural, key, uid, current_uid));
    }
    if (auto checked = check_deletion_time(stored_kind(kind), name, metadata, current->object["metadata"]);
        !checked.ok())
      return checked.failure();
    auto written = write_update(kind, key, current, std::move(*changed), subresource, options);
    const bool raced = !written.ok() && written.failure().code == 409 && written.failure().reason == "Conflict";
    if (!raced || (!asked.empty() && !retry) || attempt == kMaxAttempts) return written;
  }
}

Outcome<RecordPtr> Registry::write_update(const Kind& asked, const std::string& key, const RecordPtr& current,
                                          Json object, std::string_view subresource, const WriteOptions& options) {
  const Json& old = current->object;
  const Json& old_metadata = old["metadata"];
  const std::string_view writer = options.written_by.empty() ? subresource : options.written_by;
  if (!options.tracked && is_view(asked)) {
    const Json seen = from_stored_form(asked, old);
    track_fields(asked, object, &seen, options, writer, clock_);
  } else if (!options.tracked) {
    track_fields(asked, object, &old, options, writer, clock_);
  }
  object = to_stored_form(asked, std::move(object));
  const Kind& kind = stored_kind(asked);
  Json& metadata = object["metadata"];
  for (const char* field : {"uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation",
                            "resourceVersion"}) {
    keep(metadata, old_metadata, field);
  }
  metadata.erase("selfLink");
  prepare_update(kind, object, old, subresource);
  if (options.asker != nullptr)
    if (auto held = check_escalation(store_, *options.asker, kind, string_at(old, "metadata/namespace"), object, &old);
        !held.ok())
      return held.failure();
  admit_update(kind, subresource, old, object);
  normalise(object, *kind.type);

  const std::string name = string_at(old, "metadata/name");
  FieldErrors errors;
  validate_update(asked, object, old, subresource, errors);
  if (!errors.empty()) return errors.to_failure(kind, name);
  if (options.warnings != nullptr && subresource.empty()) add_pod_warnings(kind, object, &old, *options.warnings);
  keep_times(object, old);
  if (subresource.empty())
    if (auto admitted = admit_valid(*this, kind, string_at(old, "metadata/namespace"), object, &old, options);
        !admitted.ok())
      return admitted.failure();
  if (object == old) return current;
  if (options.dry_run) return RecordPtr(std::make_shared<const Record>(std::move(object), current->version));

  const bool vanish = old_metadata.contains("deletionTimestamp") && may_vanish(kind, object) &&
                      int_at(object, "metadata/deletionGracePeriodSeconds").value_or(0) == 0;
  if (vanish) {
    // The last finalizer has gone: the update is the deletion.
    const StoreResult erased = store_.erase(kind.resource(), key, current->version);
    if (erased.error == StoreError::kMissing) return not_found(asked, name);
    if (erased.error == StoreError::kConflict) return modified_conflict(asked, name);
    return RecordPtr(std::make_shared<const Record>(std::move(object), erased.record->version));
  }
  StoreResult stored = store_.update(kind.resource(), key, current->version, std::move(object));
  if (stored.error == StoreError::kMissing) return not_found(asked, name);
  if (stored.error == StoreError::kConflict) return modified_conflict(asked, name);
  return stored.record;
}

Outcome<Deleted> Registry::remove(const Kind& kind, std::string_view ns, std::string_view name,
                                  const DeleteOptions& options) {
  const std::string key = object_key(ns, name);
  for (int attempt = 1;; ++attempt) {
    const RecordPtr current = store_.get(kind.storage(), key);
    if (!current) return not_found(kind, name);
    const std::string uid = string_at(current->object, "metadata/uid");
    Kind by_kind = kind;  // a real server names the kind here, not the resource
    by_kind.plural = kind.kind;
    if (!options.precondition_uid.empty() && options.precondition_uid != uid) {
      return conflict(by_kind, name,
                      fmt::format("the UID in the precondition ({}) does not match the UID in record ({}). The object "
                                  "might have been deleted and then recreated",
                                  options.precondition_uid, uid));
    }
    if (!options.precondition_version.empty() && options.precondition_version != std::to_string(current->version)) {
      return conflict(
          by_kind, name,
          fmt::format("the ResourceVersion in the precondition ({}) does not match the ResourceVersion in record ({}). "
                      "The object might have been modified",
                      options.precondition_version, current->version));
    }
    bool again = false;
    auto result = remove_once(kind, key, current, options, again);
    if (!again || attempt == kMaxAttempts) return result;
  }
}

Outcome<Deleted> Registry::remove_once(const Kind& kind, const std::string& key, const RecordPtr& current,
                                       const DeleteOptions& options, bool& again) {
  Json object = current->object;
  const std::string name = string_at(object, "metadata/name");
  const bool deleting = object["metadata"].contains("deletionTimestamp");
  const std::string propagation =
      options.propagation.empty() ? std::string(default_propagation(kind)) : options.propagation;
  bool changed = false;
  // An unset policy leaves GC finalizers alone that are there already.
  if (!options.propagation.empty() || propagation == "Orphan") {
    changed |= set_finalizer(object, "orphan", propagation == "Orphan");
    changed |= set_finalizer(object, "foregroundDeletion", propagation == "Foreground");
  }
  std::int64_t grace = grace_period(kind, object, options.grace_period_seconds);
  const auto old_grace = int_at(object, "metadata/deletionGracePeriodSeconds");
  if (deleting && old_grace && grace > *old_grace) grace = *old_grace;

  if (grace == 0 && may_vanish(kind, object)) {
    if (options.dry_run) return Deleted{current, true};
    if (deleting && old_grace && *old_grace != 0) {
      // The last state says that nothing was waited for.
      object["metadata"]["deletionGracePeriodSeconds"] = 0;
      const StoreResult shortened = store_.update(kind.storage(), key, current->version, std::move(object));
      again = true;
      if (shortened.error != StoreError::kNone) return not_found(kind, name);
      return Deleted{shortened.record, false};
    }
    const StoreResult erased = store_.erase(kind.storage(), key, current->version);
    if (erased.error == StoreError::kConflict) again = true;
    if (erased.error != StoreError::kNone) return not_found(kind, name);
    return Deleted{erased.record, true};
  }
  if (!deleting || (old_grace && grace < *old_grace)) {
    object["metadata"]["deletionTimestamp"] = format_rfc3339(clock_.system_now() + std::chrono::seconds(grace));
    object["metadata"]["deletionGracePeriodSeconds"] = grace;
    if (object["metadata"].contains("generation") && !deleting) {
      object["metadata"]["generation"] = int_at(object, "metadata/generation").value_or(0) + 1;
    }
    if (kind.plural == "namespaces") {
      object["status"]["phase"] = "Terminating";
      object["metadata"].erase("deletionGracePeriodSeconds");
    }
    changed = true;
  }
  if (!changed) return Deleted{current, false};
  if (options.dry_run) return Deleted{std::make_shared<const Record>(std::move(object), current->version), false};
  const StoreResult stored = store_.update(kind.storage(), key, current->version, std::move(object));
  if (stored.error == StoreError::kConflict) again = true;
  if (stored.error != StoreError::kNone) return not_found(kind, name);
  return Deleted{stored.record, false};
}

Outcome<Done> Registry::bind(std::string_view ns, std::string_view name, const Json& binding, bool dry_run) {
  const Kind& pods = kind_of("pods");
  Kind subresource = pods;
  subresource.plural = "pods/binding";
  const std::string node = string_at(binding, "target/name");
  const std::string key = object_key(ns, name);
  for (int attempt = 1;; ++attempt) {
    const RecordPtr current = store_.get("pods", key);
    if (!current) return not_found(pods, name);
    if (current->object["metadata"].contains("deletionTimestamp")) {
      return conflict(subresource, name, fmt::format("pod {} is being deleted, cannot be assigned to a host", name));
    }
    const std::string bound = string_at(current->object, "spec/nodeName");
    if (!bound.empty())
      return conflict(subresource, name, fmt::format("pod {} is already assigned to node \"{}\"", name, bound));
    if (dry_run) return Done{};
    Json pod = current->object;
    for (const char* part : {"annotations", "labels"}) {
      const Json* given = find_path(binding, std::string("metadata/") + part);
      if (given == nullptr || !given->is_object()) continue;
      for (const auto& [entry, value] : given->items()) pod["metadata"][part][entry] = value;
    }
    pod["spec"]["nodeName"] = node;
    Json& conditions = pod["status"]["conditions"];
    if (!conditions.is_array()) conditions = Json::array();
    for (auto it = conditions.begin(); it != conditions.end();)
      it = (*it)["type"] == "PodScheduled" ? conditions.erase(it) : it + 1;
    conditions.push_back({{"type", "PodScheduled"},
                          {"status", "True"},
                          {"lastProbeTime", nullptr},
                          {"lastTransitionTime", format_rfc3339(clock_.system_now())}});
    const StoreResult stored = store_.update("pods", key, current->version, std::move(pod));
    if (stored.error == StoreError::kNone) return Done{};
    if (stored.error == StoreError::kMissing) return not_found(pods, name);
    if (attempt == kMaxAttempts) return modified_conflict(pods, name);
  }
}

}  // namespace fracta::devcluster
