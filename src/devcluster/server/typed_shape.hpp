// How server-side apply sees a place in an object: one value, or a container whose parts have owners of their own.
#pragma once

#include <optional>

#include "devcluster/schema/schema.hpp"
#include "devcluster/server/field_set.hpp"

namespace fracta::devcluster {

struct Shape {
  enum class Kind { kScalar, kAtomicList, kAtomicMap, kStruct, kMap, kSet, kKeyed };
  Kind kind = Kind::kScalar;
  const TypeRef* type = nullptr;     // null: no type, the value tells
  const Field* field = nullptr;      // whose list rules hold
  const StructType* root = nullptr;  // a whole object, which has no TypeRef

  [[nodiscard]] bool leaf() const {
    return kind == Kind::kScalar || kind == Kind::kAtomicList || kind == Kind::kAtomicMap;
  }
  [[nodiscard]] bool map_like() const {
    return kind == Kind::kStruct || kind == Kind::kMap || kind == Kind::kAtomicMap;
  }
  // Of an item of the list or an entry of the map; of a struct's field (undeclared fields have no type).
  [[nodiscard]] Shape item(const Json& value) const;
  [[nodiscard]] Shape entry(const std::string& name, const Json& value) const;
  [[nodiscard]] bool declares(const std::string& name) const;
  [[nodiscard]] const StructType* structure() const;
};

Shape root_shape(const StructType& type);

// The path element of an item of a set or keyed list; the error says what it lacks.
Result<PathElement> item_element(const Shape& list, const Json& item);

}  // namespace fracta::devcluster
