// Reading and writing of stored objects with the semantics of a real API server: defaults, system fields, admission,
// validation, optimistic locking, dry run, graceful deletion, finalizers. Front end and in-process Api both come here.
//
// Thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "devcluster/server/outcome.hpp"
#include "devcluster/server/user.hpp"
#include "devcluster/store/store.hpp"
#include "fracta/base/clock.hpp"

namespace fracta::devcluster {

struct WriteOptions {
  bool dry_run = false;
  std::string field_manager;  // whom metadata.managedFields notes
  bool tracked = false;       // the object comes with its new managedFields (server-side apply, in-process writes)
  std::string written_by;     // subresource that managedFields notes; "": the one of the call
  std::string user;
  const User* asker = nullptr;  // who is held to their own rights when writing roles; null: a part of the cluster
  std::vector<std::string>* warnings = nullptr;  // may be null
};

struct DeleteOptions {
  std::optional<std::int64_t> grace_period_seconds;
  std::string propagation;  // "" = the kind's default
  std::string precondition_uid;
  std::string precondition_version;
  bool dry_run = false;
};

struct Deleted {
  RecordPtr record;
  bool gone = false;  // removed from the store; false: waits for its grace period or finalizers
};

// What an update makes of the current object; the result is decoded and normalised.
using Transform = std::function<Outcome<Json>(const Json& current)>;

class Registry {
 public:
  Registry(Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  [[nodiscard]] Outcome<RecordPtr> get(const Kind& kind, std::string_view ns, std::string_view name) const;
  Outcome<RecordPtr> create(const Kind& kind, std::string_view ns, Json object, const WriteOptions& options);
  // Kinds that are views of others (server/stored_form.hpp) are written in their own form; records are always in the
  // stored one. `subresource`: "", "status" or "finalize". `retry`: transform again on a version conflict (patches).
  Outcome<RecordPtr> update(const Kind& kind, std::string_view ns, std::string_view name, std::string_view subresource,
                            const Transform& transform, const WriteOptions& options, bool retry);
  Outcome<Deleted> remove(const Kind& kind, std::string_view ns, std::string_view name, const DeleteOptions& options);
  // A pod's binding to a node.
  Outcome<Done> bind(std::string_view ns, std::string_view name, const Json& binding, bool dry_run);

  [[nodiscard]] Store& store() const { return store_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }

 private:
  Outcome<RecordPtr> write_update(const Kind& kind, const std::string& key, const RecordPtr& current, Json object,
                                  std::string_view subresource, const WriteOptions& options);
  Outcome<Deleted> remove_once(const Kind& kind, const std::string& key, const RecordPtr& current,
                               const DeleteOptions& options, bool& again);

  Store& store_;
  const Clock& clock_;
};

std::string object_key(std::string_view ns, std::string_view name);

}  // namespace fracta::devcluster
