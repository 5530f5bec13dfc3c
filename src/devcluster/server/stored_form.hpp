// Two groups may show the same stored objects under different names: events.k8s.io/v1 and core/v1 Events
// (Kubernetes: pkg/apis/events/v1/conversion.go). Kinds that are stored as they are served pass through unchanged.
#pragma once

#include "devcluster/schema/kinds.hpp"
#include "devcluster/store/store.hpp"

namespace fracta::devcluster {

// The kind as which objects of `kind` are stored.
const Kind& stored_kind(const Kind& kind);
[[nodiscard]] inline bool is_view(const Kind& kind) { return !kind.view_of.empty(); }

Json to_stored_form(const Kind& kind, Json object);
Json from_stored_form(const Kind& kind, Json object);
RecordPtr seen_as(const Kind& kind, const RecordPtr& record);

}  // namespace fracta::devcluster
