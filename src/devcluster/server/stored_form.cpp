#include "devcluster/server/stored_form.hpp"

#include <array>
#include <utility>

#include "devcluster/schema/decode.hpp"

namespace fracta::devcluster {

namespace {

// core/v1, events.k8s.io/v1. What is not named here is called the same in both.
constexpr std::array<std::pair<const char*, const char*>, 7> kEventNames = {{
    {"involvedObject", "regarding"},
    {"message", "note"},
    {"source", "deprecatedSource"},
    {"firstTimestamp", "deprecatedFirstTimestamp"},
    {"lastTimestamp", "deprecatedLastTimestamp"},
    {"count", "deprecatedCount"},
    {"reportingComponent", "reportingController"},
}};

void rename(Json& object, const char* from, const char* to) {
  const auto found = object.find(from);
  if (found == object.end()) return;
  Json value = std::move(*found);
  object.erase(found);
  object[to] = std::move(value);
}

Json shaped(const Kind& kind, Json object) {
  object["apiVersion"] = kind.api_version();
  object["kind"] = kind.kind;
  normalise(object, *kind.type);
  return object;
}

}  // namespace

const Kind& stored_kind(const Kind& kind) { return is_view(kind) ? kind_of(kind.view_of) : kind; }

Json to_stored_form(const Kind& kind, Json object) {
  if (!is_view(kind)) return object;
  for (const auto& [core, events] : kEventNames) rename(object, events, core);
  return shaped(stored_kind(kind), std::move(object));
}

Json from_stored_form(const Kind& kind, Json object) {
  if (!is_view(kind)) return object;
  for (const auto& [core, events] : kEventNames) rename(object, core, events);
  return shaped(kind, std::move(object));
}

RecordPtr seen_as(const Kind& kind, const RecordPtr& record) {
  if (!is_view(kind)) return record;
  return std::make_shared<const Record>(from_stored_form(kind, record->object), record->version);
}

}  // namespace fracta::devcluster
