// Operations on objects that follow the schema's rules for server-side apply: which lists and maps are one value
// (atomic), which are merged item by item, and by which keys (structured merge and diff, v4, as in Kubernetes 1.26).
//
// Pure functions; null pointers stand for a missing value, which JSON null is not.
#pragma once

#include <string>
#include <vector>

#include "devcluster/schema/schema.hpp"
#include "devcluster/server/field_set.hpp"

namespace fracta::devcluster {

struct Comparison {
  FieldSet added, modified, removed;
  [[nodiscard]] bool same() const { return added.empty() && modified.empty() && removed.empty(); }
};

// kInvalid when a list with keys has an item without its key or two with the same one.
Result<Comparison> compare_objects(const Json& before, const Json& after, const StructType& type);

// Everything of an applied configuration that its owner will own.
FieldSet fields_of(const Json& object, const StructType& type);

// `live` with what `applied` says; nothing is removed.
Json merge_applied(const Json& live, const Json& applied, const StructType& type);

// The object without the members of `items` and all below them.
Json remove_fields(const Json& object, const FieldSet& items, const StructType& type);

// The set with every named field that has members below it.
FieldSet with_named_parents(const FieldSet& set, const StructType& type);

// What makes a value not one of its type, in the words of a real server ("" when nothing does):
// `.spec.x: field not declared in schema`, with "errors:" and a line each when there are several.
std::string type_errors(const Json& object, const StructType& type);

}  // namespace fracta::devcluster
